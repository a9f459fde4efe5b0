"""One client connection: HTTP/1.1 in, answers out, with a hand on the socket for faults.

Raw asyncio and httptools, because half the point of a simulated server is to misbehave below HTTP.
Pipelined requests are answered in order, one at a time.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections import deque
from typing import Protocol, cast
from urllib.parse import unquote

import httptools

from nexus.simulator.dialects.base import Dialect
from nexus.simulator.wire import JSON, REASONS, Reply, Request

MAX_BODY = 64 * 1024 * 1024
"""Bytes; over it the connection is closed with 413."""


class Host(Protocol):
    """What a connection asks of its server."""

    @property
    def dialect(self) -> Dialect: ...
    @property
    def keep_alive_s(self) -> float: ...
    def opened(self, connection: Connection) -> None: ...
    def closed(self, connection: Connection) -> None: ...
    def start(self, request: Request, connection: Connection) -> asyncio.Task[None]: ...


class Connection(asyncio.Protocol):
    """Lives as long as its socket. `closed` is done when the socket is gone."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.keep_when_left = False
        """Set while an answer is computed that goes on without its client."""
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._queue: deque[tuple[Request, bool]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()
        self._idle: asyncio.TimerHandle | None = None
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        # Of the answer being written.
        self._keep_alive = True
        self._head_only = False
        self._chunked = False
        self._squeeze: zlib._Compress | None = None  # pyright: ignore[reportPrivateUsage]

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.host.opened(self)
        self._wait_for_next()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._stop_waiting()
        self._writable.set()
        if self._task is not None and not self.keep_when_left:
            self._task.cancel()
        self._queue.clear()
        if not self.closed.done():
            self.closed.set_result(None)
        self.host.closed(self)

    def data_received(self, data: bytes) -> None:
        self._stop_waiting()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # `Upgrade: h2c` from curl --http2: an offer that may be ignored
        except httptools.HttpParserError:
            if self._task is None:
                # Also raised through a callback for a body that is too large.
                status = 413 if len(self._body) > MAX_BODY else 400
                self.reply(Reply(status, type=None, close=True))
            self.close()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # httptools

    def on_message_begin(self) -> None:
        self._url, self._headers, self._body = b"", {}, bytearray()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self.raw(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            raise ValueError("body too large")

    def on_message_complete(self) -> None:
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("latin-1")
        request = Request(method, unquote(path), query, self._headers, bytes(self._body))
        self._queue.append((request, self._parser.should_keep_alive()))
        self._next()

    def _next(self) -> None:
        if self._task is not None or not self._queue or self._transport is None:
            return
        request, self._keep_alive = self._queue.popleft()
        self._head_only = request.method == "HEAD"
        self._task = self.host.start(request, self)

    def finished(self) -> None:
        """The server is done with the current request."""
        self._task = None
        self.keep_when_left = False
        if self._transport is None:
            return
        if self._transport.is_closing():
            return
        if self._queue:
            self._next()
        else:
            self._wait_for_next()

    # Answering

    @property
    def is_open(self) -> bool:
        """False when the client is gone."""
        return self._transport is not None and not self._transport.is_closing()

    def reply(self, reply: Reply, *, gzip: bool = False) -> None:
        """A whole answer."""
        dialect = self.host.dialect
        close = reply.close or (dialect.closes_after_errors and reply.status >= 400)
        self._keep_alive = self._keep_alive and not close
        body = reply.body
        headers = list(reply.headers)
        if gzip and body:
            squeeze = zlib.compressobj(wbits=31)
            body = squeeze.compress(body) + squeeze.flush()
            headers.append(("Content-Encoding", "gzip"))
        if reply.type is not None:
            kind = dialect.json_type if reply.type == JSON else reply.type
            headers.append(("Content-Type", kind))
        headers.append(("Content-Length", str(len(body))))
        self.raw(self._head(reply.status, headers) + (b"" if self._head_only else body))
        if not self._keep_alive:
            self.close()

    def begin(self, content_type: str, *, gzip: bool = False) -> None:
        """The head of a streamed answer."""
        dialect = self.host.dialect
        self._keep_alive = self._keep_alive and not dialect.closes_after_streams
        headers = [*dialect.stream_headers, ("Content-Type", content_type)]
        self._squeeze = zlib.compressobj(wbits=31) if gzip else None
        if gzip:
            headers.append(("Content-Encoding", "gzip"))
        self._chunked = self._parser.get_http_version() != "1.0"
        if self._chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        self.raw(self._head(200, headers))

    async def send(self, data: bytes) -> None:
        """A part of a streamed answer; waits while the client reads slowly."""
        if not data or not self.is_open:
            return
        if self._squeeze is not None:
            data = self._squeeze.compress(data) + self._squeeze.flush(zlib.Z_SYNC_FLUSH)
        self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)
        await self._writable.wait()

    def end(self) -> None:
        """The end of a streamed answer."""
        if self._squeeze is not None:
            rest = self._squeeze.flush()
            self.raw(b"%x\r\n%s\r\n" % (len(rest), rest) if self._chunked else rest)
            self._squeeze = None
        if self._chunked:
            self.raw(b"0\r\n\r\n")
        if not (self._keep_alive and self._chunked):
            self.close()

    def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self, *, hard: bool = False) -> None:
        """End the connection: in order, or with a reset."""
        if self._transport is None:
            return
        if hard:
            sock = cast("socket.socket | None", self._transport.get_extra_info("socket"))
            if sock is not None:
                linger = struct.pack("ii", 1, 0)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Drop the socket at once, without a reset."""
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_idle(self) -> bool:
        """True between requests."""
        return self._task is None

    def _head(self, status: int, headers: list[tuple[str, str]]) -> bytes:
        dialect = self.host.dialect
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in (*dialect.headers, *headers)]
        if not self._keep_alive:
            lines.append("Connection: close")
        elif dialect.announces_keep_alive:
            lines.append(f"Keep-Alive: timeout={int(self.host.keep_alive_s)}, max=100")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _wait_for_next(self) -> None:
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(self.host.keep_alive_s, self.close)

    def _stop_waiting(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
