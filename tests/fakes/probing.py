"""A client that answers from a script, and a clock that is turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamError, UpstreamUnreachable


class ScriptedAsker:
    """Answers by base URL and path. What is not in the script is unreachable."""

    def __init__(self) -> None:
        self.script: dict[str, dict[str, HttpReply | UpstreamError]] = {}
        self.asked: list[tuple[str, str]] = []
        self.headers: list[Mapping[str, str]] = []
        self.held: dict[str, asyncio.Event] = {}
        """URLs whose questions wait until the event is set."""
        self.on_ask: Callable[[], None] = lambda: None

    def serve(self, url: str, replies: Mapping[str, HttpReply | UpstreamError]) -> None:
        self.script[url] = dict(replies)

    def stop(self, url: str) -> None:
        self.script.pop(url, None)

    def count(self, url: str, path: str | None = None) -> int:
        """How often `url` was asked, for one path or for any."""
        return sum(at == url and path in (None, what) for at, what in self.asked)

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply:
        self.asked.append((base_url, call.path))
        self.headers.append(headers)
        self.on_ask()
        if held := self.held.get(base_url):
            await held.wait()
        replies = self.script.get(base_url)
        if replies is None:
            raise UpstreamUnreachable("connection refused")
        answer = replies.get(call.path, HttpReply(404, b'{"detail":"Not Found"}'))
        if isinstance(answer, UpstreamError):
            raise answer
        return answer


class Waited(Protocol):
    """A bell or an event."""

    def wait(self) -> Awaitable[object]: ...


class HandClock:
    """Time stands still until `turn` moves it."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._due: list[tuple[float, asyncio.Event]] = []

    def monotonic(self) -> float:
        return self.seconds

    async def wait(self, event: Waited, seconds: float, /) -> None:
        due = asyncio.Event()
        entry = (self.seconds + seconds, due)
        self._due.append(entry)
        waits = [asyncio.ensure_future(one) for one in (event.wait(), due.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            if entry in self._due:
                self._due.remove(entry)

    async def sleep(self, seconds: float) -> None:
        await self.wait(asyncio.Event(), seconds)

    async def turn(self, seconds: float) -> None:
        """Move on, stopping at every moment somebody waits for, and let everybody act."""
        await settle()
        end = self.seconds + seconds
        while self._due and min(at for at, _ in self._due) <= end:
            self.seconds = max(self.seconds, min(at for at, _ in self._due))
            for at, due in [*self._due]:
                if at <= self.seconds:
                    self._due.remove((at, due))
                    due.set()
            await settle()
        self.seconds = end
        await settle()


async def settle() -> None:
    """Let every task run until it waits for something."""
    for _ in range(60):
        await asyncio.sleep(0)
