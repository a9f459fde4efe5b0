"""One attempt at one backend: what came back so far, and how it goes on to the client.

A `Sink` for the connection. Until `forward` is called it collects; from then on each piece goes out
in the callback that brought it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from nexus.errors import NexusError
from nexus.proxy.exchange import Exchange
from nexus.upstream.connection import Connection, Sink

COLLECT_LIMIT = 1024 * 1024
"""Bytes of an error answer kept while another backend is tried."""


class Filter(Protocol):
    """What may stand between backend and client. Must not raise anything but `NexusError`."""

    def feed(self, data: bytes) -> bytes:
        """What may leave now, possibly nothing."""
        ...


class Passage:
    """State of one attempt. Fields are read by the carrier, written by the connection."""

    __slots__ = (
        "_exchange",
        "_filter",
        "_loop",
        "_now",
        "_waiter",
        "_watcher",
        "connection",
        "done",
        "encoding",
        "error",
        "first_byte_at",
        "kind",
        "length",
        "lines",
        "pieces",
        "sink",
        "status",
    )

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self.connection = connection
        self.sink: Sink = self
        """Who is told by the connection: this, or what decodes for it."""
        self.status = 0
        self.lines = b""
        self.length: int | None = None
        self.kind = b""
        self.encoding = b""
        self.pieces: list[bytes] = []
        self.done = False
        self.error: NexusError | None = None
        self.first_byte_at: float | None = None
        self._now = now
        self._loop = connection.loop
        self._waiter: asyncio.Future[None] | None = None
        self._exchange: Exchange | None = None
        self._filter: Filter | None = None
        self._watcher: Callable[[bytes], None] | None = None

    # ---- Sink

    def on_head(
        self, status: int, lines: bytes, length: int | None, kind: bytes, encoding: bytes
    ) -> None:
        self.status = status
        self.lines = lines
        self.length = length
        self.kind = kind
        self.encoding = encoding
        if self._waiter is not None:
            self._wake()

    def on_data(self, data: bytes) -> None:
        if self.first_byte_at is None:
            self.first_byte_at = self._now()
        if self._exchange is None:
            self.pieces.append(data)
            if self._waiter is not None:
                self._wake()
        else:
            self._pass(self._exchange, data)

    def on_done(self) -> None:
        self.done = True
        if self._waiter is not None:
            self._wake()

    def on_whole(
        self, status: int, lines: bytes, kind: bytes, encoding: bytes, body: bytes
    ) -> None:
        self.status = status
        self.lines = lines
        self.length = len(body)
        self.kind = kind
        self.encoding = encoding
        self.first_byte_at = self._now()
        self.pieces.append(body)
        self.done = True
        if self._waiter is not None:
            self._wake()

    def on_failed(self, error: NexusError) -> None:
        if not self.done and self.error is None:
            self.error = error
            self._wake()

    # ---- the carrier's side

    def abort(self) -> None:
        """Let the backend go, if it is still about this answer."""
        if self.connection.serves(self.sink):
            self.connection.abort()

    def pause(self) -> None:
        """The client is slower than the backend. A `Valve`."""
        if self.connection.serves(self.sink):
            self.connection.pause()

    def resume(self) -> None:
        """The client has caught up."""
        if self.connection.serves(self.sink):
            self.connection.resume()

    def told_by(self, sink: Sink) -> None:
        """Have the rest of the answer go through another sink first."""
        self.connection.pass_to(self.sink, sink)
        self.sink = sink

    def event(self) -> asyncio.Future[None]:
        """Awaited, until something happens: no coroutine, since every request waits for one."""
        return self._wait()

    async def started(self) -> None:
        """Until a first body byte is here, or it ended or failed."""
        while not self.pieces and not self.done and self.error is None:
            await self._wait()

    async def more(self) -> None:
        """Until something has happened since the last look."""
        if not self.done and self.error is None:
            await self._wait()

    async def finished(self) -> None:
        """Until it ended or failed."""
        while not self.done and self.error is None:
            await self._wait()

    async def collected(self) -> bytes:
        """The whole body, at most `COLLECT_LIMIT` bytes of it."""
        while not self.done and self.error is None:
            if sum(map(len, self.pieces)) > COLLECT_LIMIT:
                self.abort()
                break
            await self._wait()
        return b"".join(self.pieces)[:COLLECT_LIMIT]

    def forward(
        self, exchange: Exchange, filter: Filter | None, watcher: Callable[[bytes], None] | None
    ) -> None:
        """Send on what has come and all that will.

        Args:
            exchange: started already.
            filter: changes or holds back what passes.
            watcher: sees what passes, before the filter.
        """
        self._exchange = exchange
        self._filter = filter
        self._watcher = watcher
        exchange.regulate(self)
        if self.pieces:
            self._pass(exchange, self.taken())
        if not self.done:
            exchange.flush()

    def taken(self) -> bytes:
        """What has come and was not forwarded, once."""
        pieces, self.pieces = self.pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _pass(self, exchange: Exchange, data: bytes) -> None:
        if self._watcher is not None:
            self._watcher(data)
        if self._filter is not None:
            try:
                data = self._filter.feed(data)
            except NexusError as error:
                self.abort()
                self.on_failed(error)
                return
        if data:
            exchange.write(data)

    def _wait(self) -> asyncio.Future[None]:
        self._waiter = self._loop.create_future()
        return self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
