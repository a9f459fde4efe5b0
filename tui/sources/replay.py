"""A source that plays what it is given: for tests and for screenshots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from nexus.domain.backend import BackendId
from nexus.domain.events import Update
from nexus.domain.gateway import GatewayInfo, Standing
from nexus.errors import NexusError, NotFound


class ReplaySource:
    """Gives updates in order, then waits for more; remembers what was wished."""

    def __init__(self, info: GatewayInfo, updates: Iterable[Update] = ()) -> None:
        self._info = info
        self._queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self.wishes: list[tuple[str, str]] = []
        """Commands received, as (verb, backend id)."""
        self.refusal: NexusError | None = None
        """Raised by the next commands, when set."""
        self.standings: dict[str, tuple[Standing, ...]] = {}
        """What each candidate of a request got, by request."""
        self.push(*updates)

    @property
    def info(self) -> GatewayInfo:
        return self._info

    def push(self, *updates: Update) -> None:
        """Play these next."""
        for update in updates:
            self._queue.put_nowait(update)

    def end(self) -> None:
        """Lose the connection."""
        self._queue.put_nowait(None)

    async def updates(self) -> AsyncIterator[Update]:
        while (update := await self._queue.get()) is not None:
            yield update

    async def explain(self, request_id: str) -> tuple[Standing, ...]:
        if request_id not in self.standings:
            raise NotFound("not remembered")
        return self.standings[request_id]

    async def drain(self, backend_id: BackendId) -> None:
        self._wish("drain", backend_id)

    async def undrain(self, backend_id: BackendId) -> None:
        self._wish("undrain", backend_id)

    async def check(self, backend_id: BackendId) -> None:
        self._wish("check", backend_id)

    async def scan(self) -> None:
        self._wish("scan", "")

    async def approve(self, backend_id: BackendId) -> None:
        self._wish("approve", backend_id)

    async def dismiss(self, backend_id: BackendId) -> None:
        self._wish("dismiss", backend_id)

    def _wish(self, verb: str, backend_id: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.wishes.append((verb, backend_id))
