from __future__ import annotations

from nexus.simulator.faults import Faults


def test_clearing_turns_every_switch_off() -> None:
    faults = Faults(True, True, True, True, 500, 1, True, 1, 1, True, True, True, 9.0)

    faults.clear()

    assert faults == Faults()
