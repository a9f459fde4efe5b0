"""Who is told of servers in tests: remembers, and can be waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nexus.discovery.candidate import Candidate, Ignored


class Ears:
    """Candidates by key, reasons by name, and who was lost."""

    def __init__(self) -> None:
        self.heard: list[Candidate] = []
        self.reasons: list[Ignored] = []
        self.gone: list[str] = []
        self._news = asyncio.Event()

    def sighted(self, candidate: Candidate) -> None:
        self.heard.append(candidate)
        self._news.set()

    def ignored(self, what: Ignored) -> None:
        self.reasons.append(what)
        self._news.set()

    def lost(self, key: str, why: str) -> None:
        self.gone.append(key)
        self._news.set()

    async def until(self, true: Callable[[], object], seconds: float = 15) -> None:
        """Wait for something to be true after some word."""
        async with asyncio.timeout(seconds):
            while not true():
                self._news.clear()
                await self._news.wait()
