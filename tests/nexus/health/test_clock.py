from __future__ import annotations

import asyncio

from nexus.health.clock import Bell, WallClock
from tests.fakes.probing import settle

LONG_S = 3600.0


async def test_a_wait_ends_when_its_time_is_over_and_the_bell_has_not_rung() -> None:
    bell = Bell()
    await WallClock().wait(bell, 0.0)

    again = asyncio.ensure_future(bell.wait())
    await settle()
    assert not again.done()
    again.cancel()


async def test_a_ring_ends_a_wait_at_once() -> None:
    bell = Bell()
    waiting = asyncio.ensure_future(WallClock().wait(bell, LONG_S))
    await settle()
    bell.set()
    bell.set()

    await waiting


async def test_a_ring_before_the_wait_counts_until_it_is_cleared() -> None:
    bell = Bell()
    bell.set()
    await WallClock().wait(bell, LONG_S)
    bell.clear()
    waiting = asyncio.ensure_future(WallClock().wait(bell, LONG_S))
    await settle()

    assert not waiting.done()
    waiting.cancel()


async def test_a_ring_right_after_the_time_is_over_is_not_lost() -> None:
    bell = Bell()
    waiting = asyncio.ensure_future(bell.wait())
    await settle()
    bell.let_go()
    bell.set()
    await waiting

    await asyncio.wait_for(bell.wait(), LONG_S)
