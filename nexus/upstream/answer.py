"""One whole answer to a small question, gathered from one connection, which ends with it.

Nothing is pushed on: who asked waits for `done`. Whatever comes is bounded: the head by
`HEAD_LIMIT`, the body by what is told.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from nexus.domain.http import HttpReply
from nexus.errors import UpstreamBroken
from nexus.upstream.connection import HEAD_LIMIT


class Answer(asyncio.Protocol):
    """See the module.

    Args:
        max_body: bytes.
    """

    def __init__(self, max_body: int) -> None:
        self.headed = False
        """True from the end of the head on."""
        self.done: asyncio.Future[HttpReply] = asyncio.get_running_loop().create_future()
        """The answer as it was sent; an `UpstreamBroken`; or the OSError that the socket had."""
        self._max_body = max_body
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._headers: dict[str, str] = {}
        self._head_bytes = 0
        self._unheaded = 0
        self._framed = False
        self._body = bytearray()

    def leave(self) -> None:
        """Nobody waits any more."""
        if not self.done.cancel() and not self.done.cancelled():
            self.done.exception()  # seen; else the loop would complain
        self._close()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(UpstreamBroken("the answer is not HTTP"))  # unless a callback said better
            return
        if not self.headed:
            # The parser tells of a header at its end only, so one without end is counted here.
            self._unheaded += len(data)
            if self._unheaded > HEAD_LIMIT:
                self._fail(UpstreamBroken("the answer's head is too long"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if exc is not None:
            self._fail(exc)
        elif not self.headed:
            said = self._status or self._unheaded
            lost = "the answer was cut short" if said else "closed the connection without an answer"
            self._fail(UpstreamBroken(lost))
        elif self._framed:
            self._fail(UpstreamBroken("the answer was cut short"))
        else:
            self._finish()  # its end is that of the connection

    # ---- httptools

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_LIMIT:
            self._fail(UpstreamBroken("the answer's head is too long"))
            return
        if self.headed:
            return  # a trailer: what was said before the body holds
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        before = self._headers.get(key)
        self._headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._status < 200:
            return
        self.headed = True
        self._framed = "content-length" in self._headers or "transfer-encoding" in self._headers

    def on_body(self, body: bytes) -> None:
        if self.done.done():
            return
        if len(self._body) + len(body) > self._max_body:
            self._fail(too_long(self._max_body))
            return
        self._body += body

    def on_message_complete(self) -> None:
        if self.headed:
            self._finish()
        else:  # 100 Continue, 103 Early Hints: the answer is still to come
            self._headers.clear()

    # ---- ends

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(HttpReply(self._status, bytes(self._body), self._headers))
        self._close()

    def _fail(self, problem: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(problem)
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def too_long(limit: int) -> UpstreamBroken:
    """For a body over `limit` bytes."""
    return UpstreamBroken(f"the answer is longer than {limit // (1024 * 1024)} MB")
