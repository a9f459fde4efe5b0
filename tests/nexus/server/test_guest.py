"""uvicorn as a guest: the house keeps its signals, its logging and its headers."""

from __future__ import annotations

import signal

from tests.fakes.client import ask, request
from tests.fakes.doors import protocol_door


async def test_signals_stay_with_whoever_had_them() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with protocol_door():
        during = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    assert during == before


async def test_an_answer_says_nothing_about_the_server_in_use() -> None:
    async with protocol_door() as door:
        small = await ask(door.url, request("/health", method="GET", headers=""))
        hot = await ask(door.url, request(raw=b"{"))

    assert not {"server", "date"} & (set(small.headers) | set(hot.headers))
