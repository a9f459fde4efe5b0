"""One hot request on one client connection. An `Exchange` for the carrier, a cycle for uvicorn.

uvicorn's protocol keeps the current request in `cycle` and looks at a few of its attributes; those
are kept here under uvicorn's names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from nexus.domain.request import Endpoint
from nexus.proxy.exchange import Valve

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def _status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d \r\n" % status


class _Unheard:
    """uvicorn wakes its cycles by an event; ours are woken by their futures."""

    def set(self) -> None:
        pass


_UNHEARD = _Unheard()


class ClientExchange:
    """See the module."""

    __slots__ = (
        "_chunked",
        "_close_after",
        "_head",
        "_on_complete",
        "_pieces",
        "_transport",
        "_valve",
        "_write_paused",
        "body",
        "chunked_ok",
        "disconnected",
        "endpoint",
        "headers",
        "keep_alive",
        "message_event",
        "plain",
        "previous",
        "response_complete",
        "response_started",
        "size",
        "task",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        endpoint: Endpoint,
        headers: list[tuple[bytes, bytes]],
        *,
        plain: bool = False,
        keep_alive: bool,
        chunked_ok: bool,
        on_complete: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._on_complete = on_complete
        self.endpoint = endpoint
        self.headers = headers
        self.plain = plain
        self.keep_alive = keep_alive
        self.chunked_ok = chunked_ok
        """False for HTTP/1.0: an answer of unknown length ends with the connection."""
        self.body = b""
        self.size = 0
        self._pieces: list[bytes] = []
        self.task: asyncio.Task[None] | None = None
        self.previous: object | None = None
        """The request before it on this connection, while that is not answered yet."""
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self.message_event = _UNHEARD
        self._head: bytes | None = None
        self._chunked = False
        self._close_after = False
        self._valve: Valve | None = None
        self._write_paused = False

    # ---- the protocol's side

    def take(self, piece: bytes) -> None:
        """A piece of the request body."""
        self._pieces.append(piece)
        self.size += len(piece)

    def read_whole(self) -> None:
        """The request has arrived."""
        pieces = self._pieces
        self.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []

    def left(self) -> None:
        """The client closed the connection: whoever works for it stops."""
        self.disconnected = True
        self._pieces = []
        self.body = b""
        if self.task is not None and not self.response_complete:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The client reads too slowly."""
        self._write_paused = True
        if self._valve is not None:
            self._valve.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._write_paused = False
        if self._valve is not None:
            self._valve.resume()

    # ---- the carrier's side

    def start(self, status: int, lines: bytes, length: int | None) -> None:
        self.response_started = True
        head = STATUS_LINES.get(status) or _status_line(status)
        if length is not None:
            # 204 and 304 have no length (RFC 9110, 8.6)
            framing = b"" if status in (204, 304) else b"content-length: %d\r\n" % length
        elif self.chunked_ok:
            self._chunked = True
            framing = b"transfer-encoding: chunked\r\n"
        else:
            self.keep_alive = False
            framing = b""
        if not self.keep_alive:
            framing += b"connection: close\r\n"
        self._head = b"%b%b%b\r\n" % (head, lines, framing)

    def write(self, data: bytes) -> None:
        if not data or self.disconnected or self.response_complete:
            return
        if self._chunked:
            data = b"%x\r\n%b\r\n" % (len(data), data)
        head = self._head
        if head is not None:
            self._head = None
            data = head + data
        self._transport.write(data)

    def reply(self, status: int, lines: bytes, body: bytes) -> None:
        self.response_started = True
        if self.disconnected or self.response_complete:
            return
        line = STATUS_LINES.get(status) or _status_line(status)
        close = b"" if self.keep_alive else b"connection: close\r\n"
        self._transport.write(
            b"%b%bcontent-length: %d\r\n%b\r\n%b" % (line, lines, len(body), close, body)
        )
        self._complete()

    def flush(self) -> None:
        head = self._head
        if head is not None and not self.disconnected:
            self._head = None
            self._transport.write(head)

    def end(self) -> None:
        if self.disconnected or self.response_complete:
            return
        last = b"0\r\n\r\n" if self._chunked else b""
        if self._head is not None:
            last = self._head + last
            self._head = None
        if last:
            self._transport.write(last)
        self._complete()

    def abort(self) -> None:
        if self.response_complete:
            return
        self.keep_alive = False
        self.response_complete = True
        self.body = b""
        self._transport.abort()

    def regulate(self, valve: Valve | None) -> None:
        self._valve = valve
        if valve is not None and self._write_paused:
            valve.pause()

    def _complete(self) -> None:
        self.response_complete = True
        self.body = b""  # its connection remembers this exchange for as long as it is idle
        self._valve = None
        if not self.keep_alive:
            self._transport.close()
        self._on_complete()
