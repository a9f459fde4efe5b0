from __future__ import annotations

import asyncio
from random import Random

import pytest

from nexus.simulator.pace import Pace


async def test_waits_add_up_from_where_they_should_have_ended() -> None:
    pace = Pace(Random(1), jitter=0.0, slow=2.0)
    start = pace.due
    for _ in range(4):
        await pace.wait(0.001)

    assert pace.due - start == pytest.approx(0.008)
    assert asyncio.get_running_loop().time() >= pace.due - 0.001


async def test_jitter_stays_within_its_share() -> None:
    pace = Pace(Random(1), jitter=0.5, slow=1.0)
    for _ in range(20):
        before = pace.due
        await pace.wait(0.0004)
        assert pace.due - before + 1e-9 >= 0.0002
        assert pace.due - before <= 0.0006 + 1e-9


async def test_no_time_still_gives_others_a_turn() -> None:
    pace, turns = Pace(Random(1), 0.0, 1.0), 0

    async def other() -> None:
        nonlocal turns
        turns += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(other(), name="other")
        await pace.wait(0.0)
        assert turns == 1
