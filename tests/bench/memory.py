"""What the gateway occupies at rest: headless, with the dashboard, and per backend.

Each is started several times, in turn, and the median is told with the range. A start before them
is not counted: where code is new, Python compiles it and keeps what that took, 2 to 4 MB.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from statistics import median

from tests.bench.processes import nexus, upstream
from tests.bench.tables import show
from tests.bench.terminal import terminal

FEW, MANY = 20, 220
STARTS = 5
REST_S = 3.0
"""Seconds until every backend has been checked and what starting needed has been given back."""


def _at_rest(ports: Sequence[int], *, dashboard: bool = False) -> int:
    """Resident bytes of a gateway over these backends, some time after its start."""
    with contextlib.ExitStack() as stack:
        screen = stack.enter_context(terminal()) if dashboard else None
        server = stack.enter_context(nexus(ports, terminal=screen))
        time.sleep(REST_S)
        return server.rss_bytes()


def main() -> None:
    alone: list[int] = []
    few: list[int] = []
    many: list[int] = []
    dashboard: list[int] = []
    with upstream(MANY) as backends:
        ports = backends.ports
        _at_rest(ports[:FEW], dashboard=True)
        for _ in range(STARTS):
            alone.append(_at_rest([]))
            few.append(_at_rest(ports[:FEW]))
            many.append(_at_rest(ports))
            dashboard.append(_at_rest(ports[:FEW], dashboard=True))
    further = [(large - small) / (MANY - FEW) for large, small in zip(many, few, strict=True)]
    rows = [
        ("headless, no backend", _told(alone), "<= 50 MB"),
        (f"headless, {FEW} backends", _told(few), "<= 50 MB"),
        (f"with the dashboard, {FEW} backends", _told(dashboard), "<= 66 MB"),
        (
            f"per further backend ({FEW} -> {MANY})",
            _told(further, 1e3, "kB"),
            "<= 10 kB",
        ),
    ]
    show(f"Memory at rest (median of {STARTS} starts)", rows)


def _told(sizes: Sequence[float], unit: float = 1e6, name: str = "MB") -> str:
    """The median, and the range."""
    middle, low, high = (size / unit for size in (median(sizes), min(sizes), max(sizes)))
    return f"{middle:.1f} {name} ({low:.1f} to {high:.1f})"


if __name__ == "__main__":
    main()
