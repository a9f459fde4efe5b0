"""A request of a chunk as the record that it was made of: what an account is made from again."""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import Final, cast

import msgspec

from nexus.domain.backend import BackendId, BackendType, Recent, Speed
from nexus.domain.decision import Decision, Refusal, RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.fleet import Candidate, Fleet, Loads
from nexus.domain.policy import Policy
from nexus.domain.request import ANONYMOUS, Needs
from nexus.routing.router import decide
from nexus.store.details import Detail, Ended, Later, Went, read_detail
from nexus.store.facts import GONE, Kind
from nexus.store.known import Known
from nexus.store.loads import AGED, ENTRY, LATELY, OF_WINDOW, SPANS, SPEED, replayed
from nexus.store.opened import Opened
from nexus.store.part import NONE, read_small
from nexus.telemetry.records import LoadThen, Record

_Entry = tuple[int, int, float, int]

STAND_INS: Final = 500
"""Keys tried in place of the one that a conversation had: see `_stand_in`."""


def _unpacked(blob: bytes, fleet: Fleet) -> tuple[tuple[BackendId, LoadThen], ...]:
    """Loads by backend; what does not fit the picture is left out."""
    ids: list[BackendId] = list(fleet.backends)
    models: dict[BackendId, dict[str, None]] = {each: {} for each in ids}
    for candidates in fleet.by_model.values():
        for each in candidates:
            models[each.backend.id][each.model.id] = None
    found: list[tuple[BackendId, LoadThen]] = []
    at = 0
    while at + ENTRY.size <= len(blob):
        slot, pending, latency, count = cast("_Entry", ENTRY.unpack_from(blob, at))
        at += ENTRY.size
        aged, count = bool(count & AGED), count & ~AGED
        size = SPEED.size + LATELY.size if aged else SPEED.size
        if slot >= len(ids) or at + aged + count * size > len(blob):
            break
        quiet = blob[at] if aged else 0
        at += aged
        names = list(models[ids[slot]])
        speeds: dict[str, Speed] = {}
        for _ in range(count):
            number, samples, first, pace = SPEED.unpack_from(blob, at)
            lately = LATELY.unpack_from(blob, at + SPEED.size) if aged else (0, 0, 0)
            at += size
            if number < len(names):
                speeds[names[number]] = _speed(samples, _known(first), _known(pace), *lately)
        found.append((ids[slot], LoadThen(pending, _known(latency), speeds or None, quiet)))
    return tuple(found)


def _speed(
    samples: int, first: float | None, pace: float | None, span: int, failed: int, quiet: int
) -> Speed:
    """A speed that counts as it counted then; what the averages were beside a window is gone."""
    recent: Recent | None = None
    if 0 < span & ~OF_WINDOW < len(SPANS):
        counted = (first, pace) if span & OF_WINDOW else (None, None)
        recent = Recent(SPANS[span & ~OF_WINDOW], samples, failed, *counted)
    return Speed(first, pace, samples, recent, quiet)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def record(chunk: Opened, place: int, known: Known, *, whole: bool) -> Record:
    """A record as it was, but for the key of its conversation.

    Args:
        place: of the request in the chunk.
        whole: with everything that the decision followed from; else what a line of a list tells.
    """
    kind = known.kind(chunk.whole("kind")[place]) or GONE
    model = known.word(kind.model)
    detail = _detail(chunk, place, known, whole=whole)
    needs = _needs(chunk, place, kind, known, model) if whole else None
    fleet = policy = None
    loads: tuple[tuple[BackendId, LoadThen], ...] = ()
    if detail is not None and needs is not None:
        fleet = known.fleet(chunk.whole("picture")[place], detail.version)
        policy = known.policy(chunk.whole("policy")[place])
        if fleet is not None:
            loads = _unpacked(detail.loads or replayed(chunk.loads(place)), fleet)
    turn = 0 if detail is None else detail.turn
    answer = _answer(detail, model, fleet)
    if needs is not None and fleet is not None and policy is not None:
        then = dict(loads)
        if isinstance(answer, Decision) and detail is not None and detail.affine:
            needs = _stand_in(needs, fleet, then, policy, turn, answer)
        elif isinstance(answer, Refusal):
            again = decide(needs, fleet, then, policy, turn=turn)
            if isinstance(again, Refusal):
                answer = replace(answer, verdicts=again.verdicts)
    ended = _ended(chunk, place, kind, known, detail, model, answer)
    at = chunk.floats("at")[place]
    found = Record(chunk.ids[place], at, needs, fleet, loads, policy, turn, answer, ended)
    if whole and detail is not None and detail.later is not None:
        found.later = _later(detail.later, found, known)
    return found


def _detail(chunk: Opened, place: int, known: Known, *, whole: bool) -> Detail | None:
    """What is told of a plan and its end, wherever it is told."""
    told = chunk.odd.get(place)
    if told is not None:
        with contextlib.suppress(msgspec.DecodeError):  # written by another version
            return read_detail(told)
        return None
    form = known.form(chunk.whole("form")[place])
    if form is None:
        return None
    went = Went(
        form.model,
        chunk.plan(place) if whole else b"",
        form.reason,
        chunk.whys[place],
        form.fallback,
        form.spare,
        form.zone,
    )
    end = Ended(
        *(0.0, "", form.backend_id, form.type, form.end_reason, ""),
        *(form.stream, form.attempts, (), ()),
    )
    turn, version = (chunk.whole(each)[place] if whole else 0 for each in ("turn", "version"))
    return Detail(turn, version, form.affine, b"", went, None, end, None)


def _later(told: Later, first: Record, known: Known) -> Record | None:
    fleet = known.fleet(told.picture, told.version)
    if fleet is None or first.needs is None:
        return None
    loads = _unpacked(told.loads, fleet)
    answer = _decision(told.went, first.model, fleet)
    at = first.at + told.after_s
    return Record(first.request_id, at, first.needs, fleet, loads, first.policy, told.turn, answer)


def _needs(chunk: Opened, place: int, kind: Kind, known: Known, model: str) -> Needs | None:
    shape = known.needs(kind.needs)
    if shape is None:
        return None
    return replace(
        shape,
        model=model,
        prompt_tokens=_number(chunk, "estimate", place) or 0,
        max_tokens=_number(chunk, "most", place),
        tenant=known.word(kind.tenant) or ANONYMOUS,
    )


def _number(chunk: Opened, name: str, place: int) -> int | None:
    found = chunk.whole(name)[place]
    return None if found == NONE else found


def _answer(detail: Detail | None, model: str, fleet: Fleet | None) -> Decision | Refusal | None:
    if detail is None:
        return None
    if detail.refused is not None:
        said = detail.refused
        return Refusal(model, said.model, said.known, (), said.tried, said.required_tier, said.zone)
    if detail.went is None:
        return None
    return _decision(detail.went, model, fleet)


def _decision(went: Went, model: str, fleet: Fleet | None) -> Decision:
    order: tuple[Candidate, ...] = ()
    if fleet is not None:
        candidates = fleet.by_model.get(went.model, ())
        places = read_small(went.order)
        order = tuple(candidates[place] for place in places if place < len(candidates))
    return Decision(
        model, went.model, order, went.reason, went.why, went.fallback, went.spare, went.zone
    )


def _stand_in(
    needs: Needs, fleet: Fleet, loads: Loads, policy: Policy, turn: int, answer: Decision
) -> Needs:
    """Needs with some key that draws the same backend, so that the rules say again what they said.

    Clients choose these keys and may mean them to stay private: the key itself is not kept.
    """
    for number in range(STAND_INS):
        tried = replace(needs, affinity=f"stand-in {number}")
        again = decide(tried, fleet, loads, policy, turn=turn)
        if isinstance(again, Decision) and again.order == answer.order:
            return tried
    return needs


def _ended(
    chunk: Opened,
    place: int,
    kind: Kind,
    known: Known,
    detail: Detail | None,
    model: str,
    answer: Decision | Refusal | None,
) -> RequestFinished | RequestRefused:
    end = None if detail is None else detail.ended
    at = _known(chunk.floats("ended_at")[place])
    if at is None:  # a file of version 1 had it
        at = chunk.floats("at")[place] + (0.0 if end is None else end.after_s)
    error, code = chunk.errors.get(place, ("", None))
    if not kind.backend:
        return RequestRefused(chunk.ids[place], at, model, kind.status, code or "", error)
    name = known.word(kind.backend)
    return RequestFinished(
        chunk.ids[place],
        at,
        requested=(end and end.requested) or model,
        model=known.word(kind.actual) or model,
        backend_id=BackendId(end.backend_id if end else name),
        backend=name,
        backend_type=end.type if end else BackendType.GENERIC,
        reason=end.reason if end else RouteReason.CAPABILITY_MATCH,
        why=(end and end.why) or (answer.why if isinstance(answer, Decision) else ""),
        stream=bool(end and end.stream),
        status=kind.status,
        error=error,
        ttft_ms=_known(chunk.floats("ttft_ms")[place]),
        duration_ms=chunk.floats("duration_ms")[place],
        prompt_tokens=_number(chunk, "prompt", place),
        completion_tokens=_number(chunk, "completion", place),
        tokens_per_s=_known(chunk.floats("speed")[place]),
        attempts=end.attempts if end else 1,
        tried=end.tried if end else (),
        failures=tuple([AttemptFailed(*each) for each in end.failures]) if end else (),
    )
