"""uvicorn's HTTP protocol with a fast path for hot requests, and limits it does not have itself.

A POST to a relayed path is read here and handed to the carrier as an `Exchange`: no ASGI scope, no
receive and send, no header lists. Everything else goes uvicorn's own way to the ASGI app. Limits on
the request head and body and the deadlines for both live here because httptools has none
(40 MB in one header were accepted, and half a request stayed open for ever).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from nexus.domain.framing import around_length
from nexus.domain.request import PATHS, Endpoint
from nexus.server.exchange import STATUS_LINES, ClientExchange
from nexus.server.repeat import Head

HEAD_LIMIT = 64 * 1024
"""Bytes of request line and headers; nginx and Apache stop at 8 to 32 kB."""

HEAD_S = 30.0
"""Seconds for a whole request head."""

BODY_SILENCE_S = 30.0
"""Seconds without a byte inside a request body."""

LINGER_S = 3.0
"""Seconds in which a refused client may go on sending before the connection is cut. Closing at once
would answer its bytes with a reset, and a reset can destroy the refusal before it is read."""

MOST_HEADS = 8
"""Different heads on one connection after which none is remembered any more."""

PIPELINED = 3
"""Requests read ahead of the one being answered. While reading is paused nobody can tell whether
the client is still there."""

HOT: dict[bytes, Endpoint] = {path.encode(): endpoint for path, endpoint in PATHS.items()}
"""The relayed paths as they come from the wire."""


@dataclass(frozen=True, slots=True)
class Fast:
    """What the fast path is given.

    `answer` serves one exchange and never raises but for cancellation; `error` makes the reply
    (status, lines, body) to a request that cannot even be read.
    """

    answer: Callable[[ClientExchange, Endpoint], Coroutine[Any, Any, None]]
    error: Callable[[int, str], tuple[int, bytes, bytes]]
    body_limit: int


class NexusProtocol(HttpToolsProtocol):
    """One client connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        fast: Fast,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._fast = fast
        self._head_bytes = 0
        self._body_bytes = 0
        self._refusal: tuple[int, str] | None = None
        self._running: ClientExchange | None = None
        self._read: ClientExchange | None = None
        """The request that is being read, where it is a hot one."""
        self._answering: object | None = None
        """The last cycle that was started: the one whose answer is on the wire, if any is."""
        self._lingers: float | None = None
        """Since when what comes is thrown away: the connection has been refused."""
        self._reading_head: float | None = self.loop.time()
        """Since when a request head is being read; None between and inside requests."""
        self._unread_head = 0
        """Bytes of a head that is not complete: the parser tells of a header at its end only."""
        self._reading_body: float | None = None
        """When the last byte of an unfinished body came."""
        self._idle_since: float | None = None
        """When the last answer was complete, until the next request begins."""
        self._declared = b"0"
        """The request's content-length; digits, the parser has seen to that."""
        self._hosts = 0
        self._last_head: Head | None = None
        """Of the last request that came whole, in one read."""
        self._new_heads = 0
        """How often the next request had another one."""

    # ---- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        self._idle_since = None
        if self._lingers is not None:
            return
        may_begin = self._reading_body is None and not self._unread_head
        if may_begin:
            if self._last_head is not None and self._is_repeated(data):
                return
            self._read = None
        elif self._reading_body is not None:
            self._reading_body = self.loop.time()
        began_before = self._reading_head
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("This is not HTTP that can be read.")
        else:
            if self._reading_head is not None and began_before is self._reading_head:
                self._unread_head += len(data)
                if self._unread_head > HEAD_LIMIT:
                    self._refuse(431, _HEAD_TOO_LARGE)
            elif may_begin and self._read is not None and self._reading_body is None:
                self._remember(data, self._read)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._running is not None:
            self._running.left()
        self.pipeline.clear()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._running is not None:
            self._running.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._running is not None:
            self._running.resume_writing()

    def sweep(self, now: float) -> None:
        """Close a connection whose request takes too long to arrive. Loop time."""
        if self._lingers is not None:
            if now - self._lingers > LINGER_S and self._at_rest():
                self.transport.abort()
            return
        late_head = self._reading_head is not None and now - self._reading_head > HEAD_S
        late_body = self._reading_body is not None and now - self._reading_body > BODY_SILENCE_S
        if late_body or (late_head and self._at_rest()):
            self._refuse(408, "The request did not arrive in time")

    def expire(self, now: float) -> None:
        """Close a connection that has waited too long for its next request. Loop time."""
        if self._idle_since is not None and now - self._idle_since > self.timeout_keep_alive:
            self._idle_since = None
            self.transport.close()

    # ---- parser callbacks

    def on_message_begin(self) -> None:
        # uvicorn's scope is made later, and only for a request that needs one.
        if self._reading_head is None:
            self._reading_head = self.loop.time()
        self.url = b""
        self.expect_100_continue = False
        self.headers = []
        self._head_bytes = 0
        self._body_bytes = 0
        self._declared = b"0"
        self._hosts = 0

    def on_url(self, url: bytes) -> None:
        self._head_bytes += len(url)
        if self._head_bytes > HEAD_LIMIT:
            self._stop(431, _HEAD_TOO_LARGE)
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)  # called eight times a request: no call here
        if self._head_bytes > HEAD_LIMIT:
            self._stop(431, _HEAD_TOO_LARGE)
        if self._reading_body is not None:
            return  # a trailer: what stands behind a body was not there when it was judged
        name = name.lower()
        if name == b"content-length":
            self._declared = value
        elif name == b"host":
            self._hosts += 1
        elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
            self._stop(400, "Of transfer codings chunked alone is read.")
        elif name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        parser = self.parser
        assert parser is not None
        if parser.should_upgrade():
            return  # the parser stops here: see _decline_upgrade
        if self._hosts != 1 and (self._hosts or parser.get_http_version() != "1.0"):
            self._stop(400, f"A request has one Host header, not {self._hosts or 'none'}.")
        self._reading_head = None
        self._unread_head = 0
        self._reading_body = self.loop.time()
        endpoint = HOT.get(self.url) or HOT.get(self.url.partition(b"?")[0])
        if endpoint is None or parser.get_method() != b"POST":
            self._read = None
            url, headers, expect = self.url, self.headers, self.expect_100_continue
            super().on_message_begin()
            self.url, self.expect_100_continue = url, expect
            self.headers.extend(headers)  # the scope holds this very list
            super().on_headers_complete()
            return
        http_11 = parser.get_http_version() != "1.0"
        exchange = ClientExchange(
            self.transport,
            endpoint,
            self.headers,
            keep_alive=http_11 and parser.should_keep_alive(),
            chunked_ok=http_11,
            on_complete=self.on_response_complete,
        )
        if self.cycle and not self.cycle.response_complete:
            exchange.previous = self.cycle
        self._read = exchange
        self.cycle = exchange  # type: ignore[assignment]  # has what uvicorn looks at
        if int(self._declared) > self._fast.body_limit:
            self._stop(413, self._too_large())
        elif self.expect_100_continue and exchange.previous is None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        exchange = self._read
        if exchange is None:
            self._body_bytes += len(body)
            if self._body_bytes > self._fast.body_limit:
                self._stop(413, self._too_large())
            super().on_body(body)
            return
        if exchange.response_complete:
            return
        exchange.take(body)
        if exchange.size > self._fast.body_limit:
            self._stop(413, self._too_large())

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._reading_body = None
        exchange = self._read
        if exchange is None:
            super().on_message_complete()
            return
        if exchange.response_complete:
            return
        exchange.read_whole()
        previous = exchange.previous
        if previous is not None and not getattr(previous, "response_complete", True):
            if len(self.pipeline) >= PIPELINED:
                self.flow.pause_reading()
            self.pipeline.appendleft((exchange, self.app))  # type: ignore[arg-type]
            return
        self._begin(exchange)

    def on_response_complete(self) -> None:
        """uvicorn's, with a note for the sweep where it sets a timer per answer."""
        self.server_state.total_requests += 1
        self._running = None
        if self.transport.is_closing():
            return
        self._idle_since = self.loop.time()
        self.flow.resume_reading()
        if self.pipeline:
            self._idle_since = None
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)

    # ---- inside

    def _is_repeated(self, data: bytes) -> bool:
        """Begin the request, where its head is the last one's and nobody is before it."""
        head, busy = self._last_head, self.cycle and not self.cycle.response_complete
        if head is None or busy or self._reading_head is not None:
            return False
        body = head.body_of(data)
        if body is None or len(body) > self._fast.body_limit:
            return False
        exchange = ClientExchange(
            self.transport,
            head.endpoint,
            head.headers,
            plain=head.plain,
            keep_alive=head.keep_alive,
            chunked_ok=head.chunked_ok,
            on_complete=self.on_response_complete,
        )
        exchange.body = body
        self._read = exchange
        self.cycle = exchange  # type: ignore[assignment]  # has what uvicorn looks at
        self._begin(exchange)
        return True

    def _remember(self, data: bytes, exchange: ClientExchange) -> None:
        """The next request may have the same head; with some clients it never has."""
        if self._last_head is not None:
            self._new_heads += 1
        plain = exchange.keep_alive and not self.expect_100_continue
        if not plain or exchange.disconnected or self._new_heads > MOST_HEADS:
            return
        around = around_length(data, exchange.size)
        if around is not None:
            self._last_head = Head(
                *around,
                exchange.endpoint,
                exchange.headers,
                keep_alive=exchange.keep_alive,
                chunked_ok=exchange.chunked_ok,
            )

    def _start_asgi_task(self, cycle: object, app: object) -> None:
        if isinstance(cycle, ClientExchange):
            self._begin(cycle)
        else:
            self._answering = cycle
            super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _begin(self, exchange: ClientExchange) -> None:
        exchange.previous = None
        self._running = self._answering = exchange
        # Not among uvicorn's tasks: it waits for the connection anyway, and a callback at the end
        # of each task costs a turn of the loop. Made here, since one without a name is given one.
        answer = self._fast.answer(exchange, exchange.endpoint)
        exchange.task = asyncio.Task(answer, loop=self.loop, name="request")

    def give_up(self) -> None:
        """The server stops: whoever still waits for an answer here is told so."""
        if self._running is not None and self._running.task is not None:
            self._running.task.cancel()

    def _too_large(self) -> str:
        return (
            f"The request body is larger than {self._fast.body_limit} bytes "
            "(server.max_body_mb in the configuration)"
        )

    def _stop(self, status: int, text: str) -> NoReturn:
        """End parsing from inside a callback; `send_400_response` says why."""
        self._refusal = (status, text)
        raise ValueError(text)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the request again without its offer of another protocol.

        The parser stops after a head that has one, and takes the body for that other protocol.
        Java's HttpClient offers HTTP/2 with every first request.
        """
        old = self.parser
        if old.get_method() == b"CONNECT":
            self.send_400_response("Nexus is not a proxy for CONNECT.")
            return
        lines = [b"%b %b HTTP/%b" % (old.get_method(), self.url, old.get_http_version().encode())]
        lines += [b"%b: %b" % pair for pair in self.headers if pair[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join([*lines, b"", b""]) + rest)

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be read, in the shape clients know, and close."""
        status, text = self._refusal or (400, f"{msg} Nexus speaks HTTP/1.1.")
        self._refuse(status, text)

    def _at_rest(self) -> bool:
        """Whether no answer is being written."""
        answering = self._answering
        return answering is None or bool(getattr(answering, "response_complete", True))

    def _refuse(self, status: int, text: str) -> None:
        """Answer if that is possible without spoiling another answer; read no more; close."""
        if self._lingers is not None or self.transport.is_closing():
            return
        self._lingers = self.loop.time()
        in_body, self._reading_body, self._reading_head = self._reading_body, None, None
        cycle = cast("Any", self.cycle)  # the newest; an earlier one may still be answered
        mine = in_body is not None and bool(cycle)
        if not self._at_rest():
            answering = cast("Any", self._answering)
            if not (mine and answering is cycle and not cycle.response_started):
                answering.keep_alive = False  # it is the last one: what came behind is not read
                self.pipeline.clear()
                return
            cycle.disconnected = True  # the app that waits for the rest of this body
            cycle.message_event.set()
        elif mine and cycle.response_complete:
            self.transport.close()  # answered before its body had come
            return
        if mine:
            cycle.response_complete = True
        status, lines, body = self._fast.error(status, text)
        head = STATUS_LINES[status] + lines
        framing = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(head + framing + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


_HEAD_TOO_LARGE = f"The request head is larger than {HEAD_LIMIT} bytes"
