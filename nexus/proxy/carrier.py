"""Carries one request from its needs to its last byte: decide, lease, try, fail over, relay.

A straight line per request in the task that the door made for it. When the client leaves, the door
cancels that task, and the `finally` blocks here give everything back. Nothing is sent to a second
backend once a byte of an answer has gone to the client.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Protocol

from nexus.backends.error_kinds import ErrorReading, classify
from nexus.backends.table import DIALECTS
from nexus.domain.backend import BackendFace
from nexus.domain.decision import Decision, Refusal
from nexus.domain.events import Event, RequestRouted, ZoneBreached
from nexus.domain.fleet import Candidate, Fleet, Loads
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.errors import (
    Cancelled,
    NexusError,
    NoBackend,
    ShuttingDown,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
    ZoneViolation,
)
from nexus.protocols.needs import read_needs
from nexus.protocols.splice import as_stream, with_model
from nexus.proxy.attempt import attempt
from nexus.proxy.checks import check_status, is_whole
from nexus.proxy.decoding import unpack
from nexus.proxy.exchange import Exchange
from nexus.proxy.hops import tell_hops
from nexus.proxy.lesson import lesson, may_be_bettered
from nexus.proxy.outcome import ErrorAnswer, may_move, told
from nexus.proxy.relay import Relay
from nexus.proxy.retries import RetryBudget
from nexus.proxy.running import Running
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

FAILED_INSIDE = "Nexus itself failed on this request; its log has the details"

CLIENT_LEFT = 499
"""nginx's status for a client that closed its request."""


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
        loads: Loads,
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
        self._relay = Relay(witness, self._learn)
        self._retries = RetryBudget()
        self._turns = count()
        self._running: dict[str, Running] = {}
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
        loads = self._registry.loads()
        answer = decide(needs, fleet, loads, policy, turn=turn)
        decided = dry_run or self._decided
        decided(request_id, needs, fleet, loads, policy, turn, answer)
        if dry_run is not None:
            return
        if isinstance(answer, Refusal):
            error = refusal_error(answer, needs, fleet, self._unix())
            error.model = needs.model
            raise error
        story = Story(request_id, began, needs, answer, now)
        self.in_flight += 1
        running = self._running[request_id] = Running(story, exchange)
        try:
            await self._serve(exchange, story)
        except asyncio.CancelledError:
            if running.ended is not None and not exchange.disconnected:
                running.ended_by_cancelling()
                story.status, story.error = running.ended.status, running.ended.message
                running.ended.told = True
                raise running.ended from None
            if exchange.disconnected:
                story.status, story.error = CLIENT_LEFT, story.error or "client left"
            else:
                story.status, story.error = ShuttingDown.status, "Nexus is shutting down"
            raise
        except NexusError as error:
            error.told = True
            story.status = error.status
            story.error = error.message
            raise
        except Exception:
            story.status, story.error = NexusError.status, "Nexus itself failed"
            log.exception("request %s failed inside Nexus", request_id)
            failed = NexusError(f"{FAILED_INSIDE} ({request_id})")
            failed.told = True
            raise failed from None
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
        refused: ErrorAnswer | None = None
        failure: NexusError | None = None
        model = story.decision.model
        self._retries.asked(model)
        left = deque(story.decision.order)
        while left or (left := deque(self._more(story))):
            candidate = left.popleft()
            if story.face is not None and self._too_late(story, candidate):
                break
            face = candidate.backend.face
            lease = self._registry.lease(face.id, story.decision.spare)
            if lease is None:
                continue
            if story.face is not None:
                story.tried = (*story.tried, story.face.name)
            story.face = face
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
                self._witness.failed(face.id, error, lease.trial)
                if not may_move(error, face):
                    break
                gone = isinstance(error, UpstreamUnreachable) or (
                    isinstance(error, UpstreamTimeout)
                    and not self._pools.pool(face).heard_since(tried_at)
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
            self._relay.refusal(exchange, story, refused)
            return
        raise told(failure, story)

    def _too_late(self, story: Story, candidate: Candidate) -> bool:
        """Whether the time of the whole request is over: it is not sent once more to be cut."""
        total_s = self._pools.pool(candidate.backend.face).timeouts.total_s
        return story.now() >= story.began + total_s

    def _more(self, story: Story) -> Sequence[Candidate]:
        """When all of the decision's backends have failed: those of a fallback model."""
        first = story.decision
        policy = self._policy()
        if first.fallback or first.model not in policy.fallbacks:
            return ()
        fleet = self._registry.fleet()
        without = {**fleet.by_model, first.model: ()}  # still known, and nobody has it
        fleet, loads = replace(fleet, by_model=without), self._registry.loads()
        turn = next(self._turns)
        again = decide(story.needs, fleet, loads, policy, turn=turn)
        if isinstance(again, Refusal):
            return ()
        self._decided(story.request_id, story.needs, fleet, loads, policy, turn, again)
        story.decision = again
        return again.order

    async def _attempt(
        self, exchange: Exchange, story: Story, candidate: Candidate, lease: Lease
    ) -> ErrorAnswer | None:
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
                check_status(passage)
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
                    return ErrorAnswer(face, candidate.model.zone, status, lines, body, final)
                lease.finish(failed=True, model=story.model_id)
                self._witness.answered(face.id, status, lines, body, lease.trial)
                return ErrorAnswer(face, candidate.model.zone, status, lines, body)
            if is_whole(passage) and not needs.stream:
                self._relay.whole(exchange, story, passage, lease)
            else:
                await self._relay.answer(exchange, story, passage, lease)
        except BaseException:
            passage.abort()
            raise
        finally:
            running.passage = None
        return None

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
