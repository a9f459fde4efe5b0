"""A source whose gateway is still being started: nothing is lost, everything waits for it."""

from __future__ import annotations

import asyncio

from nexus.domain.backend import BackendId
from nexus.domain.gateway import GatewayInfo
from tests.fakes.dashboard import START
from tui.sources.opening import Opening
from tui.sources.replay import ReplaySource
from tui.sources.story import Story

SOON = GatewayInfo("http://127.0.0.1:8000", "0.1.0", START, "", demo=True)
THERE = GatewayInfo("http://127.0.0.1:8000", "0.1.0", START + 1, "nexus.toml", demo=True)


async def test_what_is_known_of_the_gateway_is_told_before_it_stands() -> None:
    opening = Opening(SOON)
    assert opening.source.info is SOON
    opening.opened(ReplaySource(THERE, []))
    assert opening.source.info is THERE


async def test_updates_and_wishes_wait_for_the_gateway_and_then_reach_it() -> None:
    opening = Opening(SOON)
    story = Story(START)
    gateway = ReplaySource(THERE, [story.opening()])
    async with asyncio.TaskGroup() as group:
        drain = group.create_task(opening.source.drain(BackendId("gpu-01")), name="drain")
        first = group.create_task(anext(aiter(opening.source.updates())), name="updates")
        await asyncio.sleep(0)
        assert not drain.done()
        assert not first.done()
        opening.opened(gateway)
    assert gateway.wishes == [("drain", "gpu-01")]
    assert first.result() == story.opening()
