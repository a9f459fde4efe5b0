"""One HTTP/1.1 connection to a backend: bytes out, a parsed head and body bytes in.

An `asyncio.Protocol` over httptools' parser (llhttp). It pushes what arrives into a `Sink` in the
event loop callback that read it, so a relayed chunk costs no task and no wake-up. A connection is
used again only when the last answer ended exactly where its framing said: leftover or unread bytes
would become somebody else's answer (request smuggling from the backend's side).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

import httptools

from nexus.domain.framing import Framing, around_length
from nexus.errors import NexusError, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable

HEAD_LIMIT = 64 * 1024
"""Bytes of response header accepted; more is not an LLM server's answer."""

NO_BODY = frozenset({204, 304})

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"content-length",  # carried as a number: the door frames its own answer
    }
)
"""Headers that describe one connection (RFC 9110, 7.6.1) and end at the gateway."""

OF_THE_ORIGIN = frozenset({b"alt-svc", b"set-cookie", b"set-cookie2", b"strict-transport-security"})
"""Headers by which a server speaks for its whole address, which is not its own here: one backend's
cookie would be shown to all, and `Alt-Svc` would lead clients around the gateway."""

OURS = (b"x-nexus-", b"access-control-")
"""Beginnings of headers that only the gateway may send."""

FOREVER = float("inf")


class Sink(Protocol):
    """Who receives an answer. Called from the event loop; must not raise."""

    def on_head(
        self, status: int, lines: bytes, length: int | None, kind: bytes, encoding: bytes
    ) -> None:
        """The final response head.

        Args:
            status: 200..599.
            lines: forwardable header lines, each ended by CRLF.
            length: declared body length in bytes, None when unknown.
            kind: media type without parameters, lower case; empty when not said.
            encoding: content coding, lower case; empty for plain bytes.
        """
        ...

    def on_data(self, data: bytes) -> None:
        """Body bytes, transfer coding removed; what one read brought, in one piece."""
        ...

    def on_done(self) -> None:
        """The body ended where its framing said."""
        ...

    def on_whole(
        self, status: int, lines: bytes, kind: bytes, encoding: bytes, body: bytes
    ) -> None:
        """Head, data and end in one, of an answer that came in one piece."""
        ...

    def on_failed(self, error: NexusError) -> None:
        """Nothing more will come."""
        ...


class _Head(Framing):
    """A head that a backend repeats, and what the parser made of it."""

    __slots__ = ("encoding", "kind", "lines", "status")

    def __init__(
        self, before: bytes, after: bytes, status: int, lines: bytes, kind: bytes, encoding: bytes
    ) -> None:
        super().__init__(before, after)
        self.status = status
        self.lines = lines
        self.kind = kind
        self.encoding = encoding


class Connection(asyncio.Protocol):
    """See the module. `released` is told when the connection may carry another request."""

    def __init__(self, name: str, released: Callable[[Connection, bool], None]) -> None:
        self.name = name
        """The backend's, for error sentences."""
        self._released = released
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._sink: Sink | None = None
        self.used = 0
        """Requests sent so far; a failure of the second or later may be a stale keep-alive."""
        self.closed = False
        self.outside = False
        """True where it leads to an address outside our network."""
        # What the sweep looks at, in loop time.
        self.silence_ends = FOREVER
        self.total_ends = FOREVER
        self._idle_s = FOREVER
        self._paused = False
        self.parked_at = 0.0
        self._last_head: _Head | None = None
        """Of the last answer that came whole, in one read."""
        self.loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self.loop.time
        self._reset()

    def _reset(self) -> None:
        self._lines = bytearray()
        self._extra_hops: set[bytes] | None = None
        self._head_bytes = 0
        self._unheaded = 0
        self._length: int | None = None
        self._kind = b""
        self._encoding = b""
        self._chunked = False
        self._headed = False
        self._complete = False
        self._overrun = False
        self._keep = True
        self._pieces: list[bytes] = []
        self._parsed = False
        """True once the parser has been asked about this answer."""
        self._begun = False

    # ---- used by the pool and the relay

    def send(
        self, request: bytes, sink: Sink, *, first_byte_s: float, idle_s: float, total_ends: float
    ) -> None:
        """Send one whole request and have the answer pushed into `sink`.

        Args:
            request: head and body.
            sink: receives the answer.
            first_byte_s: seconds of silence allowed before the answer begins.
            idle_s: seconds of silence allowed inside it.
            total_ends: loop time at which everything must be over.
        """
        assert self._transport is not None
        if self._parsed:
            self._reset()
        self._begun = self._headed = self._complete = False
        if self._parser is None:
            # Kept for the next answer: the last one ended where its framing said, or else this
            # connection would be closed. A new one costs 2 microseconds.
            self._parser = httptools.HttpResponseParser(self)
        self._sink = sink
        self.used += 1
        self._idle_s = idle_s
        self.silence_ends = self.now() + first_byte_s
        self.total_ends = total_ends
        self._transport.write(request)

    def pause(self) -> None:
        """Stop reading: whoever reads the answer is slower than the backend."""
        if not self._paused and not self.closed and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read again. The idle clock starts anew: the silence was ours."""
        if self._paused:
            self._paused = False
            self.silence_ends = self.now() + self._idle_s
            if not self.closed and self._transport is not None:
                self._transport.resume_reading()

    def pass_to(self, old: Sink, new: Sink) -> None:
        """Have the rest of an answer pushed into another sink."""
        if self._sink is old:
            self._sink = new

    def serves(self, sink: Sink) -> bool:
        """Whether this is still about the answer of `sink`.

        An answer that has ended has given the connection back, and somebody else may be using it:
        who closes or pauses it then does so to a request that never hears of anything again.
        """
        return self._sink is sink

    def abort(self) -> None:
        """Close at once and tell nobody: the connection is not wanted any more."""
        self._sink = None
        self._close()

    @property
    def heard_at(self) -> float:
        """Loop time of the last byte of an answer, as far as that is still known."""
        if self._sink is not None and self._headed:
            return self.silence_ends - self._idle_s
        return self.parked_at

    def sweep(self, now: float) -> None:
        """Fail if a deadline has passed. Called a few times a second by the pool's owner."""
        if self._sink is None:
            return
        if now > self.total_ends:
            self._fail(UpstreamTimeout(f"Backend '{self.name}' did not finish in the time allowed"))
        elif now > self.silence_ends and not self._paused:
            where = "stopped sending" if self._headed else "did not answer"
            self._fail(UpstreamTimeout(f"Backend '{self.name}' {where} in the time allowed"))

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        sink = self._sink
        if sink is None or self._parser is None:
            self._close()  # bytes that nobody asked for
            return
        self.silence_ends = self.now() + self._idle_s
        whole = not self._begun
        if whole:
            self._begun = True
            if self._last_head is not None and self._is_repeated(self._last_head, data, sink):
                return
        self._parsed = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(UpstreamBroken(f"Backend '{self.name}' tried to switch protocols"))
            return
        except httptools.HttpParserError as exc:
            if not self._complete:
                text = f"Backend '{self.name}' sent something that is not HTTP: {exc}"
                if self._head_bytes > HEAD_LIMIT:
                    text = f"Backend '{self.name}' sent a head of more than {HEAD_LIMIT} bytes"
                self._fail(UpstreamBroken(text))
                return
            self._overrun = True
        if self._sink is None:
            return  # a callback failed
        if not self._headed:
            # The parser tells of a header at its end only, so one without end is counted here.
            self._unheaded += len(data)
            if self._unheaded > HEAD_LIMIT:
                text = f"Backend '{self.name}' sent a response head without end"
                self._fail(UpstreamBroken(text))
            return
        if self._pieces:
            pieces = self._pieces
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._pieces = []
            sink.on_data(body)
            if whole and self._complete:
                self._remember(data, len(body))
        if self._complete:
            self._finish()

    def eof_received(self) -> bool:
        return False  # the transport closes; connection_lost decides what it means

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._released(self, False)
        sink = self._sink
        if sink is None:
            return
        until_close = self._headed and self._length is None and not self._chunked
        if until_close and exc is None:
            self._complete = True
            self._keep = False
            self._finish()
        elif self._headed:
            self._fail(UpstreamBroken(f"Backend '{self.name}' closed the connection mid-answer"))
        else:
            text = f"Backend '{self.name}' closed the connection without an answer"
            self._fail(UpstreamUnreachable(text))

    # ---- httptools

    def on_message_begin(self) -> None:
        if self._complete:
            self._overrun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_LIMIT:
            raise ValueError("response head too large")
        lower = name.lower()
        if lower in HOP_BY_HOP:
            if lower == b"content-length":
                self._length = int(value)
            elif lower == b"transfer-encoding":
                self._chunked = b"chunked" in value.lower()
            elif lower == b"connection":
                named = {part.strip().lower() for part in value.split(b",")}
                self._extra_hops = named - {b"close", b"keep-alive"}
            return
        if lower == b"content-type":
            self._kind = value.partition(b";")[0].strip().lower()
        elif lower == b"content-encoding":
            self._encoding = value.strip().lower()
            if self._encoding == b"identity":
                self._encoding = b""
        elif lower in OF_THE_ORIGIN or lower.startswith(OURS):
            return
        self._lines += name + b": " + value + b"\r\n"

    def on_headers_complete(self) -> None:
        parser = self._parser
        sink = self._sink
        if parser is None or sink is None or self._complete:
            return
        status = parser.get_status_code()
        if status < 200:
            return
        self._headed = True
        if status in NO_BODY:
            self._length = 0
        lines = bytes(self._lines)
        if self._extra_hops:
            lines = _without(lines, self._extra_hops)
        length = None if self._chunked else self._length
        sink.on_head(status, lines, length, self._kind, self._encoding)

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        parser = self._parser
        if parser is None:
            return
        if not self._headed:  # 100 Continue, 103 Early Hints: the answer is still to come
            self._lines.clear()
            return
        self._complete = True
        self._keep = parser.should_keep_alive()

    # ---- an answer like the last one

    def _is_repeated(self, head: _Head, data: bytes, sink: Sink) -> bool:
        """Tell of the whole answer, where its head is the last one's. The parser is not asked."""
        body = head.body_of(data)
        if not body:
            return False
        self._headed = self._complete = True
        self._give_back()
        sink.on_whole(head.status, head.lines, head.kind, head.encoding, body)
        return True

    def _remember(self, data: bytes, size: int) -> None:
        """The next answer may have the same head."""
        parser = self._parser
        if parser is None or not self._keep or self._overrun or self._extra_hops:
            return
        around = around_length(data, size)
        if around is not None:
            status = parser.get_status_code()
            self._last_head = _Head(*around, status, bytes(self._lines), self._kind, self._encoding)

    # ---- ends

    def _finish(self) -> None:
        sink = self._sink
        if sink is None:
            return  # dropped while it took this in: closing gives it back
        self._give_back()
        sink.on_done()

    def _give_back(self) -> None:
        """The answer has ended where its framing said."""
        self._sink = None
        self.silence_ends = self.total_ends = FOREVER
        reusable = self._keep and not self._overrun and not self.closed and not self._paused
        if not reusable:
            self._close()
        self._released(self, reusable)

    def _fail(self, error: NexusError) -> None:
        sink, self._sink = self._sink, None
        self._close()
        if sink is not None:
            sink.on_failed(error)

    def _close(self) -> None:
        self.silence_ends = self.total_ends = FOREVER
        if self._transport is not None and not self._transport.is_closing():
            # Not close(): unsent request bytes must not keep a backend busy.
            self._transport.abort()


def _without(lines: bytes, names: set[bytes]) -> bytes:
    kept = [
        line
        for line in lines.split(b"\r\n")[:-1]
        if line.split(b":", 1)[0].strip().lower() not in names
    ]
    return b"".join(line + b"\r\n" for line in kept)
