"""The plain door: hot requests over ASGI, for any server and for tests.

Slower than the protocol door (a queue and two tasks a request) and the same in everything a client
can see: both hand an `Exchange` to the same `Hot`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nexus.api.errors import header_pairs, unreadable
from nexus.api.hot import Hot
from nexus.domain.request import Endpoint
from nexus.proxy.exchange import Valve

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

QUEUE_BYTES = 256 * 1024
"""Bytes waiting for a slow client before the backend is told to pause."""


class AsgiExchange:
    """One request on one ASGI connection. Writes are queued; `pump` sends them."""

    def __init__(self, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.headers = headers
        self.body = body
        self.plain = False
        self.disconnected = False
        self.response_started = False
        self.task: asyncio.Task[None] | None = None
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue()
        self._waiting = 0
        self._head: Message | None = None
        self._valve: Valve | None = None
        self._over = False

    # ---- Exchange

    def start(self, status: int, lines: bytes, length: int | None) -> None:
        self.response_started = True
        headers = header_pairs(lines)
        if length is not None and status not in (204, 304):
            headers.append((b"content-length", b"%d" % length))
        self._head = {"type": "http.response.start", "status": status, "headers": headers}

    def write(self, data: bytes) -> None:
        self.flush()
        if data and not self._over:
            self._waiting += len(data)
            self._put({"type": "http.response.body", "body": data, "more_body": True})
            if self._waiting > QUEUE_BYTES and self._valve is not None:
                self._valve.pause()

    def flush(self) -> None:
        if self._head is not None:
            self._put(self._head)
            self._head = None

    def reply(self, status: int, lines: bytes, body: bytes) -> None:
        self.start(status, lines, len(body))
        self.write(body)
        self.end()

    def end(self) -> None:
        self.flush()
        if not self._over:
            self._put({"type": "http.response.body", "body": b"", "more_body": False})
            self._close()

    def abort(self) -> None:
        """ASGI has no way to cut a connection but to return early, which servers turn into one."""
        self._close()

    def regulate(self, valve: Valve | None) -> None:
        self._valve = valve

    # ---- the door's side

    async def pump(self, send: Send) -> None:
        """Send what is queued until the answer is over."""
        while (message := await self._messages.get()) is not None:
            await send(message)
            self._waiting -= len(message.get("body", b""))
            if self._waiting <= QUEUE_BYTES // 2 and self._valve is not None:
                self._valve.resume()

    def _put(self, message: Message) -> None:
        self._messages.put_nowait(message)

    def _close(self) -> None:
        if not self._over:
            self._over = True
            self._messages.put_nowait(None)


class AsgiDoor:
    """Serves `POST` on the hot paths.

    Args:
        hot: what answers.
        body_limit: bytes.
    """

    def __init__(self, hot: Hot, body_limit: int) -> None:
        self._hot = hot
        self._body_limit = body_limit

    async def serve(self, scope: Scope, receive: Receive, send: Send, endpoint: Endpoint) -> None:
        """Answer one request."""
        body = await self._body(receive)
        if body is None:
            return
        exchange = AsgiExchange(list(scope["headers"]), body)
        if len(body) > self._body_limit:
            status, lines, text = unreadable(
                413, f"The request body is larger than {self._body_limit} bytes"
            )
            exchange.reply(status, lines, text)
            await exchange.pump(send)
            return
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._hot.answer(exchange, endpoint), name="answer")
            exchange.task = work
            watch = group.create_task(_watch(receive, exchange, work), name="client")
            await exchange.pump(send)
            await asyncio.wait([work])
            watch.cancel()

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body, or a little more than the limit; None when the client left."""
        pieces: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            piece: bytes = message.get("body", b"")
            pieces.append(piece)
            size += len(piece)
            if not message.get("more_body") or size > self._body_limit:
                return b"".join(pieces)


async def _watch(receive: Receive, exchange: AsgiExchange, work: asyncio.Task[None]) -> None:
    """Cancel the work when the client leaves."""
    while (await receive())["type"] != "http.disconnect":
        pass
    exchange.disconnected = True
    work.cancel()
    exchange.abort()
