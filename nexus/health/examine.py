"""One check of one backend: the questions of its dialect, asked and read. Knows no state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from nexus.backends.base import NOT_SAID, Concurrency, Dialect, Outcome, ProbeReading
from nexus.backends.families import guessed
from nexus.backends.reading import MAX_MODELS
from nexus.domain.backend import BackendFace, BackendType, Model, Zone
from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import UpstreamError, UpstreamTimeout, UpstreamUnreachable
from nexus.health.whereabouts import Outside

_DETAILS_AT_ONCE = 4
_MUCH = 64 * 1024
"""Bytes of answers; reading less takes a few milliseconds at most."""
_NO_ANSWER = HttpReply(0)
_T = TypeVar("_T")


class Asker(Protocol):
    """What can put a question to a server: `nexus.upstream.client.ProbeClient`."""

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply: ...


@dataclass(frozen=True, slots=True)
class Examination:
    """What a check found. `models` is None where the old list is to be kept."""

    outcome: Outcome
    reason: str = ""
    version: str | None = None
    models: tuple[Model, ...] | None = None
    load: Concurrency = NOT_SAID


class Examiner:
    """Asks about one backend.

    Args:
        asker: the hands.
        face: whom to ask.
        dialect: how to ask.
        key: the credential, or None.
        timeout_s: for each question.
        details: what earlier second rounds told, by the model as it is listed; kept up to date.
        outside: says why an address is not ours; None believes every zone.
    """

    def __init__(
        self,
        asker: Asker,
        face: BackendFace,
        dialect: Dialect,
        key: str | None,
        timeout_s: float,
        details: dict[Model, Model],
        outside: Outside | None = None,
    ) -> None:
        self._asker = asker
        self._face = face
        self._dialect = dialect
        self._headers: Mapping[str, str] = dialect.probe_headers(key) if key else {}
        self._timeout_s = timeout_s
        self._details = details
        self._outside = outside

    async def probe(self) -> tuple[ProbeReading, HttpReply]:
        """The first question. Never raises for what the other end does."""
        try:
            reply = await self._send(self._dialect.probe_call())
        except UpstreamError as problem:
            return ProbeReading(_failure(problem), problem.message), _NO_ANSWER
        return self._dialect.read_probe(reply), reply

    async def learn(self, reading: ProbeReading, probed: HttpReply) -> Examination:
        """The model list of a server whose probe was well.

        An unreadable list leaves it healthy with its old models, and says why.
        """
        dialect = self._dialect
        calls = dialect.models_calls()
        replies = await self._ask(calls, {dialect.probe_call(): probed})
        if more := dialect.more_calls(replies):
            replies += await self._ask(more, {})
        state = await _aside(replies, lambda: dialect.read_state(replies))
        version = state.version or reading.version or None
        if state.outcome not in (Outcome.OK, Outcome.SLEEPING):
            return Examination(state.outcome, state.reason, version)
        load = dialect.read_load(replies)
        try:
            listed = await _aside(replies, lambda: dialect.read_models(replies))
        except ValueError as problem:
            why = f"model list of {calls[0].path}: {problem}"
            return Examination(state.outcome, reading.reason or why, version, load=load)
        detailed = await self._detailed(listed)
        far = await self._why_open()
        models = await _aside(replies, lambda: _finished(detailed, self._face.type, bool(far)))
        many = f"lists more models than are kept: {MAX_MODELS}" if len(listed) >= MAX_MODELS else ""
        open_ = f"zone open: {far}; set this backend's zone if it is yours" if far else ""
        reason = reading.reason or open_ or state.reason or many
        reason = reason or ("" if models else "lists no models")
        return Examination(state.outcome, reason, version, models, load)

    async def _why_open(self) -> str:
        """Why prompts leave our network although the backend's type is a local one."""
        face = self._face
        if self._outside is None or face.zone_told or face.zone is Zone.OPEN:
            return ""
        return await self._outside(face.url)

    async def _send(self, call: HttpCall) -> HttpReply:
        return await self._asker.send(
            self._face.url, call, headers=self._headers, timeout_s=self._timeout_s
        )

    async def _try(self, call: HttpCall) -> HttpReply:
        try:
            return await self._send(call)
        except UpstreamError:
            return _NO_ANSWER

    async def _ask(
        self, calls: Sequence[HttpCall], known: Mapping[HttpCall, HttpReply]
    ) -> list[HttpReply]:
        """Replies in the order of `calls`, asked at the same time; what is known is not asked."""
        answers: dict[int, HttpReply] = {}

        async def ask(place: int, call: HttpCall) -> None:
            answers[place] = await self._try(call)

        async with asyncio.TaskGroup() as group:
            for place, call in enumerate(calls):
                same = next((reply for asked, reply in known.items() if asked == call), None)
                if same is not None:
                    answers[place] = same
                else:
                    group.create_task(ask(place, call), name=f"ask {call.path}")
        return [answers[place] for place in range(len(calls))]

    async def _detailed(self, listed: tuple[Model, ...]) -> tuple[Model, ...]:
        """`listed` with what a second round tells, asked only for what has changed."""
        known = self._details
        asked = self._dialect.detail_calls([model for model in listed if model not in known])
        waiting = [(model, asked[model.id]) for model in listed if model.id in asked]
        waiting.reverse()

        async def work() -> None:
            while waiting:
                model, call = waiting.pop()
                reply = await self._try(call)
                if reply.status == 0:
                    waiting.clear()  # a server that stopped answering gets no more questions
                elif 200 <= reply.status < 300:
                    known[model] = self._dialect.read_detail(model, reply)

        async with asyncio.TaskGroup() as group:
            for number in range(min(_DETAILS_AT_ONCE, len(waiting))):
                group.create_task(work(), name=f"details {number}")
        for gone in known.keys() - set(listed):
            del known[gone]
        return tuple(known.get(model, model) for model in listed)


def _failure(problem: UpstreamError) -> Outcome:
    if isinstance(problem, UpstreamUnreachable):
        return Outcome.UNREACHABLE
    return Outcome.SILENT if isinstance(problem, UpstreamTimeout) else Outcome.FAILED


async def _aside(replies: Sequence[HttpReply], work: Callable[[], _T]) -> _T:
    """`work`, in another thread where there is so much to read that the loop would be held."""
    if sum(len(reply.body) for reply in replies) < _MUCH:
        return work()
    return await asyncio.to_thread(work)


def _finished(models: tuple[Model, ...], type: BackendType, is_open: bool) -> tuple[Model, ...]:
    """What is said of every model: guesses where nobody knows, and the zone."""
    found = (guessed(model, type) for model in models)
    if is_open:
        found = (model if model.zone else replace(model, zone=Zone.OPEN) for model in found)
    return tuple(found)
