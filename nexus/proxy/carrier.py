"""Carries one request from its needs to its last byte: decide, lease, try, fail over, relay.

A straight line per request in the task that the door made for it. When the client leaves, the door
cancels that task, and the `finally` blocks here give everything back. Nothing is sent to a second
backend once a byte of an answer has gone to the client.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, count
from typing import Protocol

from nexus.backends.error_kinds import ErrorReading, classify
from nexus.backends.table import DIALECTS
from nexus.domain.backend import BackendFace, BackendId, Zone
from nexus.domain.decision import Decision, Refusal, RouteReason
from nexus.domain.events import Event, RequestRouted, ZoneBreached
from nexus.domain.fleet import Candidate, Fleet, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.text import clean
from nexus.errors import (
    Cancelled,
    ConnectTimeout,
    NexusError,
    NoBackend,
    NoConnection,
    ShuttingDown,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
    ZoneViolation,
)
from nexus.protocols.assemble import Assembler, as_events
from nexus.protocols.needs import read_needs
from nexus.protocols.opening import Opening, error_in, opening
from nexus.protocols.splice import as_stream, with_model
from nexus.protocols.sse import SseTap, payloads, usage_of
from nexus.proxy import headers
from nexus.proxy.attempt import attempt
from nexus.proxy.decoding import unpack
from nexus.proxy.exchange import Exchange
from nexus.proxy.hops import tell_hops
from nexus.proxy.lesson import lesson, may_be_bettered
from nexus.proxy.passage import Passage
from nexus.proxy.retries import RetryBudget
from nexus.proxy.story import Story
from nexus.proxy.wishes import with_heard, with_wishes
from nexus.proxy.witness import Witness
from nexus.registry.lease import Lease
from nexus.registry.registry import Registry
from nexus.routing.refusal import error as refusal_error
from nexus.routing.router import decide
from nexus.telemetry.logs import get_logger
from nexus.upstream.pools import Pools

log = get_logger("nexus.proxy")

RETRIABLE = frozenset({401, 429, 500, 502, 503, 504, 529})
"""Statuses that another backend may do better with (contract 6.8; 529 is Anthropic's overload).

401 is about our key, and nothing has been computed; 403 may be about what was asked.
"""

UNARY_LIMIT = 64 * 1024 * 1024
"""Bytes of a stream put together for a client that asked for one answer."""

ERROR_WITHIN = 24
"""Bytes from the start of a unary answer in which its error would be named."""

ERROR_LIMIT = 64 * 1024
"""Bytes of an answer that may be an error and nothing else."""

QUOTED = 500
"""Bytes of a backend's words that are told."""

TAIL = 4096
"""Last bytes of a unary answer kept to read its usage from."""

HELD_S = 10.0
"""Seconds that a stream's start is held back for its first output. Then its client hears of it."""

ROUTES_KEPT = 4096
"""Sets of `X-Nexus-*` lines kept; fallback models come and go."""

CLIENT_LEFT = 499
"""nginx's status for a client that closed its request."""

_RouteKey = tuple[BackendId, RouteReason, str, Zone | None]


class Decided(Protocol):
    """Told of a decision together with all that it followed from.

    Told twice of one request where a second decision takes over: every attempt of the first one's
    plan has failed, and a fallback model is tried.
    """

    def __call__(
        self,
        request_id: str,
        needs: Needs,
        fleet: Fleet,
        loads: Callable[[BackendId], LoadView | None],
        policy: Policy,
        turn: int,
        answer: Decision | Refusal,
        /,
    ) -> object: ...


def _unheard(*_: object) -> None:
    """Nobody wants to know."""


class Carrier:
    """The data path. One per gateway.

    Args:
        registry: facts, loads and leases.
        pools: connections to backends.
        policy: asked at every request, so that a reload is seen at once.
        publish: where the end of each request is told.
        routed: told of each decision before it is carried out.
        unix: Unix seconds.
        max_in_flight: requests carried at once; more are refused with 503.
        witness: told what each attempt ran into.
        decided: told of every decision before it is carried out: see `Decided`.
        trace: makes the header line that tells a backend its trace, by the request's id.
    """

    def __init__(
        self,
        registry: Registry,
        pools: Pools,
        policy: Callable[[], Policy],
        publish: Callable[[Event], None],
        routed: Callable[[Story], None],
        unix: Callable[[], float],
        max_in_flight: int,
        witness: Witness,
        decided: Decided = _unheard,
        trace: Callable[[str], bytes] | None = None,
    ) -> None:
        self._trace = trace
        self._registry = registry
        self._decided = decided
        self._pools = pools
        self._policy = policy
        self._publish = publish
        self._routed = routed
        self._unix = unix
        self._max_in_flight = max_in_flight
        self._witness = witness
        self._retries = RetryBudget()
        self._turns = count()
        self._running: dict[str, _Running] = {}
        self._route_lines: dict[_RouteKey, tuple[BackendFace, bytes]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self.in_flight = 0
        """Requests being carried now."""
        self.stopping = False
        """True from the first moment of shutdown: new requests are refused."""

    async def carry(
        self,
        exchange: Exchange,
        endpoint: Endpoint,
        request_id: str,
        dry_run: Decided | None = None,
    ) -> None:
        """Answer one request.

        Args:
            dry_run: told of the decision instead, which is then not carried out.

        Raises:
            NexusError: before any byte of an answer has gone out; the door tells the client.
        """
        if self.stopping:
            raise ShuttingDown("Nexus is shutting down", retry_after_s=5)
        if self.in_flight >= self._max_in_flight:
            raise NoBackend(
                f"Nexus is carrying {self.in_flight} requests, which is the configured limit "
                "(server.max_concurrent_requests); try again in a moment",
                retry_after_s=1,
            )
        # Asked once: each `get_running_loop()` is a system call, since it looks for a fork.
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        now = loop.time
        began = now()
        needs = read_needs(endpoint, exchange.body)
        if not exchange.plain:
            needs = with_wishes(needs, exchange.headers)

        # No await between here and the first lease: the picture must still be true.
        fleet = self._registry.fleet()
        policy, turn = self._policy(), next(self._turns)
        if policy.traffic.heard:
            needs = with_heard(needs, exchange.headers, policy.traffic)
        if policy.aliases:
            tell_hops(request_id, needs.model, fleet, policy)
        answer = decide(needs, fleet, self._registry.loads(), policy, turn=turn)
        decided = dry_run or self._decided
        decided(request_id, needs, fleet, self._registry.loads().get, policy, turn, answer)
        if dry_run is not None:
            return
        if isinstance(answer, Refusal):
            error = refusal_error(answer, needs, fleet, self._unix())
            error.model = needs.model
            raise error
        story = Story(request_id, began, needs, answer, now)
        self.in_flight += 1
        running = self._running[request_id] = _Running(story, asyncio.current_task(loop))
        try:
            await self._serve(exchange, story)
        except asyncio.CancelledError:
            if running.ended is not None and not exchange.disconnected:
                running.ended_by_cancelling()
                story.status, story.error = running.ended.status, running.ended.message
                raise running.ended from None
            story.status = CLIENT_LEFT
            story.error = story.error or "client left"
            raise
        except NexusError as error:
            story.status = error.status
            story.error = error.message
            raise
        except Exception:
            story.status, story.error = 500, "Nexus itself failed"
            raise
        finally:
            del self._running[request_id]
            self.in_flight -= 1
            if not self.in_flight:
                self._idle.set()
            self._publish(story.finished(self._unix(), now()))

    def cancel(self, request_id: str, why: str) -> bool:
        """End one request: its client is told `why`, its backend is let go.

        False when it is not running (any more).
        """
        running = self._running.get(request_id)
        if running is None:
            return False
        running.end(Cancelled(why, should_retry=False))
        return True

    def under_way(self) -> list[RequestRouted]:
        """Every request that runs, as it was told when it began."""
        now, unix = asyncio.get_running_loop().time(), self._unix()
        stories = [running.story for running in self._running.values()]
        return [story.routed(unix - (now - story.began)) for story in stories]

    async def idle(self) -> None:
        """Until no request is being carried."""
        while self.in_flight:
            self._idle.clear()
            await self._idle.wait()

    def stop(self) -> None:
        """End what is still running: streams are told so in a last event. Idempotent."""
        self.stopping = True
        for running in list(self._running.values()):
            if running.passage is not None:
                running.passage.abort()
                running.passage.on_failed(ShuttingDown("Nexus is shutting down"))

    # ---- one request

    async def _serve(self, exchange: Exchange, story: Story) -> None:
        """Try the plan's backends in order until one answers."""
        refused: _Answer | None = None
        failure: NexusError | None = None
        model = story.decision.model
        self._retries.asked(model)
        for candidate in chain(story.decision.order, self._more(story)):
            if story.face is not None and self._too_late(story, candidate):
                break
            lease = self._registry.lease(candidate.backend.id, story.decision.spare)
            if lease is None:
                continue
            if story.face is not None:
                story.tried.append(story.face.name)
            story.face = candidate.backend.face
            story.zone = candidate.model.zone
            story.model_id = candidate.model.id
            story.first_byte = None
            tried_at = story.now()
            try:
                outcome = await self._attempt(exchange, story, candidate, lease)
            except UpstreamError as error:
                lease.finish(failed=True, model=story.model_id)
                failure = error
                story.attempt_failed(story.now(), error.message)
                self._witness.failed(candidate.backend.id, error, lease.trial)
                if not _may_move(error, candidate.backend.face):
                    break
                gone = isinstance(error, UpstreamUnreachable) or (
                    isinstance(error, UpstreamTimeout)
                    and not self._pools.pool(candidate.backend.face).heard_since(tried_at)
                )
                if not (gone or lease.trial) and not self._retries.take(model):
                    break
                continue
            except ZoneViolation as error:
                lease.finish(failed=True)
                failure = failure or error
                story.attempt_failed(story.now(), error.message)
                self._breached(story, candidate, error)
                continue
            finally:
                lease.finish()  # what cancellation and surprises leave open
            if outcome is None:
                return
            story.attempt_failed(story.now(), f"answered {outcome.status}")
            if refused is None or outcome.use > refused.use:
                refused = outcome
            # A trial is one request in many seconds: whoever makes it is not to pay for it.
            if outcome.final or not (lease.trial or self._retries.take(model)):
                break
        if refused is not None:
            self._relay_refusal(exchange, story, refused)
            return
        raise _tell(failure, story)

    def _too_late(self, story: Story, candidate: Candidate) -> bool:
        """Whether the time of the whole request is over: it is not sent once more to be cut."""
        total_s = self._pools.pool(candidate.backend.face).timeouts.total_s
        return story.now() >= story.began + total_s

    def _more(self, story: Story) -> Iterator[Candidate]:
        """When all of the decision's backends have failed: those of a fallback model."""
        first = story.decision
        policy = self._policy()
        if first.fallback or first.model not in policy.fallbacks:
            return
        fleet = self._registry.fleet()
        without = {**fleet.by_model, first.model: ()}  # still known, and nobody has it
        fleet, loads = replace(fleet, by_model=without), self._registry.loads()
        turn = next(self._turns)
        again = decide(story.needs, fleet, loads, policy, turn=turn)
        if isinstance(again, Decision):
            self._decided(story.request_id, story.needs, fleet, loads.get, policy, turn, again)
            story.decision = again
            yield from again.order

    async def _attempt(
        self, exchange: Exchange, story: Story, candidate: Candidate, lease: Lease
    ) -> _Answer | None:
        """One backend. None when the client has its answer; the answer when it may be bettered."""
        needs, face = story.needs, candidate.backend.face
        pool = self._pools.pool(face)
        dialect = DIALECTS[face.type]
        body = exchange.body
        if candidate.model.id != needs.model:
            body = with_model(body, candidate.model.id)
        assembled = (
            not needs.stream
            and dialect.unary_by_stream
            and needs.endpoint is not Endpoint.EMBEDDINGS
        )
        if assembled:
            body = as_stream(body)
        if not story.tried:
            self._routed(story)

        passage = await attempt(
            pool,
            dialect.chat_path(needs.endpoint),
            body,
            now=story.now,
            total_ends=story.began + pool.timeouts.total_s,
            allowed=story.decision.zone,
            zone=candidate.zone,
            lines=b"" if self._trace is None else self._trace(story.request_id),
        )
        running = self._running[story.request_id]
        running.passage = passage
        try:
            if passage.status != 200:
                _check_status(passage)
            if passage.encoding:
                unpack(passage, exchange.headers)
            if lease.trial and passage.status == 200:
                self._witness.served(face.id, True)
            if passage.status in RETRIABLE:
                body = await passage.collected()
                status, lines = passage.status, passage.lines
                error = self._learn(story, face, status, body)
                if error.kind.is_the_requests_fault:
                    lease.finish()
                    self._witness.served(face.id, lease.trial)
                    order = story.decision.order
                    others = order[order.index(candidate) + 1 :]
                    final = not may_be_bettered(error, others)
                    return _Answer(face, candidate.model.zone, status, lines, body, final)
                lease.finish(failed=True, model=story.model_id)
                self._witness.answered(face.id, status, lines, body, lease.trial)
                return _Answer(face, candidate.model.zone, status, lines, body)
            streams = passage.kind == b"text/event-stream"
            if passage.status == 200 and streams is not needs.stream and _is_other(needs, passage):
                if needs.stream:
                    await self._relay_at_once(exchange, story, passage, lease)
                else:
                    await self._relay_assembled(exchange, story, passage, lease)
            elif _is_whole(passage):
                self._relay_whole(exchange, story, passage, lease)
            else:
                await self._relay(exchange, story, passage, lease)
        except BaseException:
            passage.abort()
            raise
        finally:
            running.passage = None
        return None

    def _relay_whole(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """A good answer that is here already, as most short ones are: `_relay` without waits."""
        body = passage.taken()
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = usage_of(body[-TAIL:])
        exchange.start(200, passage.lines + self._route(story), len(body))
        exchange.write(body)
        lease.finish(
            ttft_ms=story.ttft_ms,
            tokens_per_s=story.speed(story.now()),
            model=story.model_id,
            streamed=False,
        )
        self._witness.served(lease.backend_id, lease.trial)
        exchange.end()

    async def _relay(
        self, exchange: Exchange, story: Story, passage: Passage, lease: Lease
    ) -> None:
        """Bytes as they come."""
        kind, encoding = passage.kind, passage.encoding
        lines, length = passage.lines, passage.length
        streams = kind == b"text/event-stream" and not encoding
        if passage.status == 200 and not encoding:
            if not _is_json(passage, kind):
                await _check_shape(passage, kind)
            if not streams and b'"error"' in passage.pieces[0][:ERROR_WITHIN]:
                await _check_error(passage)

        tap = SseTap() if streams else None
        tail = _Tail() if tap is None else None
        if streams:
            lines = headers.with_streaming(lines)
            if passage.status == 200:
                await _opened(passage)
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

    async def _relay_assembled(
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
            error = UpstreamBroken(f"Backend '{name}' failed while answering")
            error.quoted = clean(str(assembler.error.get("message", "")), 500)
            raise error
        if not assembler.complete:
            raise UpstreamBroken(f"Backend '{name}' ended before the answer was complete")
        body = assembler.result()
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = tap.usage()
        lines = b"content-type: application/json; charset=utf-8\r\n" + self._route(story)
        exchange.start(200, lines, len(body))
        exchange.write(body)
        exchange.end()
        lease.finish(
            ttft_ms=story.ttft_ms,
            tokens_per_s=story.speed(story.now()),
            model=story.model_id,
        )
        self._witness.served(lease.backend_id, lease.trial)

    async def _relay_at_once(
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
            error = UpstreamBroken(f"Backend '{name}' answered without a stream")
            error.quoted = clean(said or "", QUOTED)
            raise error
        story.status = 200
        story.first_byte = passage.first_byte_at
        story.prompt_tokens, story.completion_tokens, story.tokens_per_s = usage_of(body)
        lines = headers.with_streaming(b"content-type: text/event-stream\r\n")
        exchange.start(200, lines + self._route(story), None)
        exchange.write(events)
        exchange.end()
        lease.finish(ttft_ms=story.ttft_ms, model=story.model_id)
        self._witness.served(lease.backend_id, lease.trial)

    def _breached(self, story: Story, candidate: Candidate, error: ZoneViolation) -> None:
        """Raise the alarm: a decision never plans this."""
        face = candidate.backend.face
        log.error("request %s: %s", story.request_id, error.message)
        self._publish(
            ZoneBreached(self._unix(), story.request_id, face.id, face.name, error.message)
        )

    def _learn(
        self, story: Story, face: BackendFace | None, status: int, body: bytes
    ) -> ErrorReading:
        """What an error means; what it says of the model is believed from now on."""
        error = classify(status, body, story.needs.endpoint)
        if face is not None and (taught := lesson(error, story.needs, face.type)):
            self._registry.learn(face.id, story.model_id, taught)
        return error

    def _relay_refusal(self, exchange: Exchange, story: Story, answer: _Answer) -> None:
        """A backend's own error, untouched, when no other backend did better.

        Raises:
            UpstreamError: it is a page or a word of some server on the way, which no client reads.
        """
        if answer.status >= 500 and answer.body.lstrip()[:1] not in (b"{", b"["):
            unread = UpstreamError(f"Backend '{answer.face.name}' answered HTTP {answer.status}")
            unread.status = answer.status
            unread.quoted = clean(answer.body[:QUOTED].decode("utf-8", "replace"), QUOTED)
            raise _tell(unread, story)
        everybody = [*story.tried, *([story.face.name] if story.face else [])]
        story.face = answer.face
        story.zone = answer.zone
        story.status = answer.status
        story.error = f"backend answered {answer.status}"
        story.tried = [name for name in everybody if name != answer.face.name]
        exchange.start(answer.status, answer.lines + self._route(story), len(answer.body))
        exchange.write(answer.body)
        exchange.end()

    def _route(self, story: Story) -> bytes:
        """The `X-Nexus-*` lines of an answer; all but the request's id come from a cache."""
        face, decision, tried = story.face, story.decision, story.tried
        assert face is not None
        fallback = decision.model if decision.fallback else ""
        reason = RouteReason.FAILOVER if tried else decision.reason
        key = (face.id, reason, fallback, story.zone)
        known = self._route_lines.get(key)
        if known is None or known[0] is not face:
            if len(self._route_lines) > ROUTES_KEPT:
                self._route_lines.clear()
            known = face, headers.route_lines(face, reason, fallback, story.zone)
            self._route_lines[key] = known
        lines = b"%bX-Nexus-Request-Id: %b\r\n" % (known[1], story.request_id.encode("ascii"))
        return lines + headers.line("X-Nexus-Tried", ", ".join(tried)[:256]) if tried else lines


class _Running:
    """What it takes to end a request from outside."""

    __slots__ = ("_task", "ended", "passage", "story")

    def __init__(self, story: Story, task: asyncio.Task[object] | None) -> None:
        self.story = story
        self._task = task
        self.passage: Passage | None = None
        """The answer that comes, while one does."""
        self.ended: NexusError | None = None
        """Why somebody ended it."""

    def end(self, error: NexusError) -> None:
        """Let its backend go, and let it end with this error. Idempotent."""
        if self.ended is not None:
            return
        self.ended = error
        if self.passage is not None:
            self.passage.abort()
            self.passage.on_failed(error)
        elif self._task is not None:
            self._task.cancel()

    def ended_by_cancelling(self) -> None:
        """The task goes on: it was cancelled only to be woken."""
        if self._task is not None:
            self._task.uncancel()


class _Answer:
    """A whole error answer, kept while better is looked for."""

    __slots__ = ("body", "face", "final", "lines", "status", "zone")

    def __init__(
        self,
        face: BackendFace,
        zone: Zone | None,
        status: int,
        lines: bytes,
        body: bytes,
        final: bool = False,
    ) -> None:
        self.final = final
        """True where no other backend is known to do better."""
        self.face = face
        self.zone = zone
        self.status = status
        self.lines = lines
        self.body = body

    @property
    def use(self) -> int:
        """How much it tells a client: its own fault first, our key last."""
        if self.final:
            return 3
        return {429: 2, 401: 0}.get(self.status, 1)


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


def _is_other(needs: Needs, passage: Passage) -> bool:
    """Whether an answer that is not of the form that was asked for can be brought into it."""
    if needs.endpoint is Endpoint.EMBEDDINGS or passage.encoding:
        return False
    return not needs.stream or b"json" in passage.kind


def _check_status(passage: Passage) -> None:
    """A redirect is not followed, here or by the client: it would take its prompt elsewhere."""
    name, status = passage.connection.name, passage.status
    if 300 <= status < 400:
        raise UpstreamBroken(f"Backend '{name}' answered with a redirect (HTTP {status})")
    if status in (204, 205):
        raise UpstreamBroken(f"Backend '{name}' answered nothing (HTTP {status})")


async def _check_error(passage: Passage) -> None:
    """Some servers say 200 and tell of an error: LM Studio of an unknown path, proxies of theirs.

    Raises:
        UpstreamBroken: there is an error in the answer and nothing else.
    """
    while not passage.done and passage.error is None:
        if sum(map(len, passage.pieces)) > ERROR_LIMIT:
            return
        await passage.more()
    if passage.error is not None:
        raise passage.error
    said = error_in(b"".join(passage.pieces))
    if said is not None:
        error = UpstreamBroken(f"Backend '{passage.connection.name}' answered with an error")
        error.quoted = clean(said, QUOTED)
        raise error


def _is_whole(passage: Passage) -> bool:
    """True where a good answer is here to its end, and is seen to be JSON and no error."""
    pieces = passage.pieces
    return (
        passage.done
        and len(pieces) == 1
        and passage.status == 200
        and passage.kind == b"application/json"
        and not passage.encoding
        and pieces[0][:1] == b"{"
        and b'"error"' not in pieces[0][:ERROR_WITHIN]
    )


def _is_json(passage: Passage, kind: bytes) -> bool:
    """True where the answer is seen to be JSON already: most often it came with its head."""
    return (
        kind == b"application/json"
        and bool(passage.pieces)
        and passage.pieces[0].startswith((b"{", b"["))
    )


async def _check_shape(passage: Passage, kind: bytes) -> None:
    """An LLM server answers JSON or events. A captive portal or a wrong port does not."""
    name = passage.connection.name
    if kind and kind != b"text/event-stream" and b"json" not in kind:
        said = kind[:60].decode("latin-1")
        raise UpstreamBroken(f"Backend '{name}' answered {said}, which no LLM server does")
    if kind == b"text/event-stream":
        return
    await passage.started()
    if passage.error is not None:
        raise passage.error
    start = b"".join(passage.pieces).lstrip()[:1]
    if start not in (b"{", b"["):
        raise UpstreamBroken(f"Backend '{name}' answered something that is not JSON")


async def _opened(passage: Passage) -> None:
    """Until a stream has begun to answer: what it says before that is held back.

    Raises:
        UpstreamError: it failed before, so that another backend may be tried.
    """
    if await _settled(passage):
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HELD_S):
            while not await _settled(passage):
                await passage.more()


async def _settled(passage: Passage) -> bool:
    """True once it has begun to answer. Waits for the first bytes only."""
    await passage.started()
    if len(passage.pieces) > 1:
        passage.pieces = [b"".join(passage.pieces)]
    found = opening(passage.pieces[0]) if passage.pieces else Opening.NOTHING
    if found is Opening.OUTPUT:
        return True
    name = passage.connection.name
    if found is Opening.ERROR:
        raise UpstreamBroken(f"Backend '{name}' failed before it had answered anything")
    if passage.error is not None:
        raise passage.error
    if passage.done:
        raise UpstreamBroken(f"Backend '{name}' ended the stream without an answer")
    return False


def _may_move(error: UpstreamError, face: BackendFace) -> bool:
    """Whether another backend may be tried after this failure.

    A paid backend that was reached may have done the work: only a connection that never came about
    is safe to repeat.
    """
    if not face.type.is_cloud:
        return True
    return isinstance(error, NoConnection | ConnectTimeout)


def _tell(failure: NexusError | None, story: Story) -> NexusError:
    """The error for the client, with everything that was tried."""
    names = [*story.tried, *([story.face.name] if story.face else [])]
    if failure is None:
        return NoBackend(
            f"Every backend of '{story.decision.model}' left while the request was on its way",
            retry_after_s=1,
        )
    message = failure.message
    if len(names) > 1:
        message += f" (tried {', '.join(names)})"
    error = type(failure)(
        message,
        context={"tried": names},
        retry_after_s=failure.retry_after_s,
        should_retry=failure.should_retry,
    )
    error.quoted, error.status = failure.quoted, failure.status
    if story.face is not None:
        error.lines = headers.route_lines(story.face, story.reason, "", story.zone)
        error.lines += headers.line("X-Nexus-Tried", ", ".join(names)[:256])
    return error


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
