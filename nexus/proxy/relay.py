"""How an answer goes from its backend to its client: as it comes, whole, or in the other form.

Each way tells the lease and the witness what became of it. Nothing has been sent while one of them
can still raise an `UpstreamError`: then another backend may be tried.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from nexus.domain.backend import BackendFace, BackendId, Zone
from nexus.domain.decision import RouteReason
from nexus.domain.text import clean
from nexus.errors import Cancelled, NexusError, ShuttingDown, UpstreamBroken, UpstreamError
from nexus.protocols.assemble import Assembler, as_events
from nexus.protocols.opening import error_in
from nexus.protocols.sse import SseTap, payloads, usage_of
from nexus.proxy import headers
from nexus.proxy.checks import (
    ERROR_WITHIN,
    QUOTED,
    check_error,
    check_shape,
    is_json,
    is_other,
    opened,
    quoting,
)
from nexus.proxy.exchange import Exchange
from nexus.proxy.outcome import ErrorAnswer, told
from nexus.proxy.passage import Passage
from nexus.proxy.story import Story
from nexus.proxy.witness import Witness
from nexus.registry.lease import Lease

UNARY_LIMIT = 64 * 1024 * 1024
"""Bytes of a stream put together for a client that asked for one answer."""

TAIL = 4096
"""Last bytes of a unary answer kept to read its usage from."""

ROUTES_KEPT = 4096
"""Sets of `X-Nexus-*` lines kept; fallback models come and go."""

_RouteKey = tuple[BackendId, RouteReason, str, Zone | None]


class Relay:
    """See the module. One per gateway.

    Args:
        witness: told how an answer ended.
        learn: told of an error that is passed on: its status and body.
    """

    def __init__(
        self, witness: Witness, learn: Callable[[Story, BackendFace | None, int, bytes], object]
    ) -> None:
        self._witness = witness
        self._learn = learn
        self._route_lines: dict[_RouteKey, tuple[BackendFace, bytes]] = {}

    async def answer(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """Send on what comes, in the form that was asked for; what is here already, `whole` sends.

        Raises:
            UpstreamError: it is no answer; nothing has been sent.
        """
        streams, asked = passage.kind == b"text/event-stream", story.needs.stream
        if passage.status == 200 and streams is not asked and is_other(story.needs, passage):
            if asked:
                await self._at_once(exchange, story, passage, lease)
            else:
                await self._assembled(exchange, story, passage, lease)
        else:
            await self._as_it_comes(exchange, story, passage, lease)

    def whole(self, exchange: Exchange, story: Story, passage: Passage, lease: Lease) -> None:
        """A good answer that is here already, as most short ones are: nothing is waited for."""
        body = passage.taken()
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = usage_of(body)
        speed = story.tokens_per_s = story.speed(story.now())
        lease.finish(
            ttft_ms=story.ttft_ms,
            tokens_per_s=speed,
            model=story.model_id,
            streamed=False,
        )
        self._witness.served(lease.backend_id, lease.trial)
        exchange.reply(200, passage.lines + self._route(story), body)

    async def _as_it_comes(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """Bytes as they come."""
        kind, encoding = passage.kind, passage.encoding
        lines, length = passage.lines, passage.length
        streams = kind == b"text/event-stream" and not encoding
        if passage.status == 200 and not encoding:
            if not is_json(passage, kind):
                await check_shape(passage, kind)
            if not streams and b'"error"' in passage.pieces[0][:ERROR_WITHIN]:
                await check_error(passage)

        tap = SseTap() if streams else None
        tail = _Tail() if tap is None else None
        if streams:
            lines = headers.with_streaming(lines)
            if passage.status == 200:
                await opened(passage)
        story.status = passage.status
        exchange.start(passage.status, lines + self._route(story), length)
        try:
            passage.forward(exchange, tap, tail.feed if tail else None)
            if not passage.done:
                await passage.finished()
        finally:
            exchange.regulate(None)
            story.first_byte = passage.first_byte_at
            if tap is not None:
                story.prompt_tokens, counted, story.tokens_per_s = tap.usage()
                story.completion_tokens = counted if counted is not None else tap.events or None
            elif tail is not None and passage.status == 200:
                story.prompt_tokens, story.completion_tokens, story.tokens_per_s = usage_of(
                    tail.data
                )
            if passage.error is None:  # else: given back below, as a failure, or by cancellation
                lease.finish(
                    ttft_ms=story.ttft_ms,
                    tokens_per_s=story.speed(story.now()),
                    model=story.model_id if passage.status == 200 else "",
                    streamed=streams,
                )

        failure = passage.error
        if failure is None and tap is not None and tap.failed:
            story.error = "the backend reported an error inside the stream"
        elif failure is None and tap is not None and not tap.finished:
            failure = UpstreamBroken(
                f"Backend '{passage.connection.name}' ended the stream before the answer was "
                "complete"
            )
        if failure is None:
            if passage.status >= 400 and tail is not None and len(tail.data) < TAIL:
                self._learn(story, story.face, passage.status, tail.data)
            if passage.status == 200:
                self._witness.served(lease.backend_id, lease.trial)
            elif passage.status == 403:
                self._witness.answered(lease.backend_id, 403, passage.lines, b"", lease.trial)
            if tap is not None:
                exchange.write(tap.tail())
            exchange.end()
            return
        ours = isinstance(failure, ShuttingDown | Cancelled)
        lease.finish(failed=not ours, ttft_ms=story.ttft_ms, model="" if ours else story.model_id)
        if isinstance(failure, UpstreamError):
            self._witness.failed(lease.backend_id, failure, lease.trial)
        story.error = failure.message
        if tap is None:
            exchange.abort()  # a body that promised a length can only be cut
            return
        # Whole events only have been sent, so a last one can be appended. No [DONE] after it: the
        # SDKs take that for success.
        exchange.write(_error_event(failure))
        exchange.end()

    async def _assembled(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """A stream from the backend, put together into the one answer that was asked for.

        llama.cpp goes on generating for a unary request whose client has left, so it is asked for a
        stream; closing that stops it within milliseconds. Others stream unasked.

        Raises:
            UpstreamError: the stream failed; nothing has been sent, another backend may be tried.
        """
        tap, assembler, size = SseTap(), Assembler(), 0
        while True:
            await passage.started()
            pieces, passage.pieces = passage.pieces, []
            events = tap.feed(b"".join(pieces))
            size += len(events)
            for payload in payloads(events):
                assembler.feed(payload)
            if size > UNARY_LIMIT:
                raise UpstreamBroken(f"Backend '{passage.connection.name}' never stopped writing")
            if passage.error is not None:
                raise passage.error
            if passage.done and not passage.pieces:
                break
        name = passage.connection.name
        if assembler.error is not None:
            said = str(assembler.error.get("message", ""))
            raise quoting(f"Backend '{name}' failed while answering", said)
        if not assembler.complete:
            raise UpstreamBroken(f"Backend '{name}' ended before the answer was complete")
        body = assembler.result()
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = tap.usage()
        lines = b"content-type: application/json; charset=utf-8\r\n" + self._route(story)
        lease.finish(
            ttft_ms=story.ttft_ms,
            tokens_per_s=story.speed(story.now()),
            model=story.model_id,
        )
        self._witness.served(lease.backend_id, lease.trial)
        exchange.reply(200, lines, body)

    async def _at_once(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """A whole answer from the backend, as the stream that was asked for.

        SDKs read nothing but events of a stream, and would take it for an empty one.

        Raises:
            UpstreamError: it is no answer; nothing has been sent, another backend may be tried.
        """
        name, size = passage.connection.name, 0
        while not passage.done and passage.error is None:
            size = sum(map(len, passage.pieces))
            if size > UNARY_LIMIT:
                raise UpstreamBroken(f"Backend '{name}' never stopped writing")
            await passage.more()
        if passage.error is not None:
            raise passage.error
        body = b"".join(passage.pieces)
        said = error_in(body)
        events = as_events(body) if said is None else None
        if events is None:
            raise quoting(f"Backend '{name}' answered without a stream", said or "")
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = usage_of(body)
        lines = headers.with_streaming(b"content-type: text/event-stream\r\n")
        exchange.start(200, lines + self._route(story), None)
        exchange.write(events)
        exchange.end()
        lease.finish(ttft_ms=story.ttft_ms, model=story.model_id)
        self._witness.served(lease.backend_id, lease.trial)

    def refusal(self, exchange: Exchange, story: Story, answer: ErrorAnswer) -> None:
        """A backend's own error, untouched, when no other backend did better.

        Raises:
            UpstreamError: it is a page or a word of some server on the way, which no client reads.
        """
        if answer.status >= 500 and answer.body.lstrip()[:1] not in (b"{", b"["):
            unread = UpstreamError(f"Backend '{answer.face.name}' answered HTTP {answer.status}")
            unread.status = answer.status
            unread.quoted = clean(answer.body[:QUOTED].decode("utf-8", "replace"), QUOTED)
            raise told(unread, story)
        everybody = [*story.tried, *([story.face.name] if story.face else [])]
        story.face = answer.face
        story.zone = answer.zone
        story.status = answer.status
        story.error = f"backend answered {answer.status}"
        story.tried = tuple(name for name in everybody if name != answer.face.name)
        exchange.reply(answer.status, answer.lines + self._route(story), answer.body)

    def _route(self, story: Story) -> bytes:
        """The `X-Nexus-*` lines of an answer; all but the request's id come from a cache."""
        face, decision, tried = story.face, story.decision, story.tried
        assert face is not None
        fallback = decision.model if decision.fallback else ""
        reason = story.reason
        key = (face.id, reason, fallback, story.zone)
        known = self._route_lines.get(key)
        if known is None or known[0] is not face:
            if len(self._route_lines) > ROUTES_KEPT:
                self._route_lines.clear()
            known = face, headers.route_lines(face, reason, fallback, story.zone)
            self._route_lines[key] = known
        lines = b"%bX-Nexus-Request-Id: %b\r\n" % (known[1], story.request_id.encode("ascii"))
        return lines + headers.line("X-Nexus-Tried", ", ".join(tried)[:256]) if tried else lines


class _Tail:
    """The last bytes of what passed."""

    __slots__ = ("data",)

    def __init__(self) -> None:
        self.data = b""

    def feed(self, data: bytes) -> None:
        if len(data) >= TAIL or not self.data:
            self.data = data[-TAIL:]
        else:
            self.data = (self.data + data)[-TAIL:]


def _error_event(error: NexusError) -> bytes:
    body = {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"
