"""A row of `requests` as the record that it was made of: what an account is made from again."""

from __future__ import annotations

import contextlib
import math
from array import array
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from nexus.domain.backend import BackendId, BackendType, Speed
from nexus.domain.decision import Decision, Refusal, RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.fleet import Candidate, Fleet, Loads
from nexus.domain.policy import Policy
from nexus.domain.request import ANONYMOUS, Needs
from nexus.routing.router import decide
from nexus.store.facts import Known
from nexus.store.rows import COLUMNS, Detail, Row, read_detail
from nexus.telemetry.records import LoadThen, Record

STAND_INS: Final = 500
"""Keys tried in place of the one that a conversation had: see `_stand_in`."""


def _unpacked(
    blob: bytes, speeds: Mapping[int, Mapping[str, Speed]], ids: list[BackendId]
) -> tuple[tuple[BackendId, LoadThen], ...]:
    count = len(blob) // 8
    places, pending, latency = array("H"), array("H"), array("f")
    places.frombytes(blob[: 2 * count])
    pending.frombytes(blob[2 * count : 4 * count])
    latency.frombytes(blob[4 * count : 8 * count])
    return tuple(
        (ids[place], LoadThen(wait, _known(ms), speeds.get(number)))
        for number, (place, wait, ms) in enumerate(zip(places, pending, latency, strict=True))
        if place < len(ids)
    )


def _speeds(detail: Detail, fleet: Fleet) -> dict[int, dict[str, Speed]]:
    """By the place of a load: by model."""
    blob = detail.speeds
    count = len(blob) // 14
    numbers, measures = array("H"), array("f")
    numbers.frombytes(blob[: 6 * count])
    measures.frombytes(blob[6 * count : 14 * count])
    places = array("H")
    places.frombytes(detail.loads[: len(detail.loads) // 8 * 2])
    ids = list(fleet.backends)
    models: dict[BackendId, dict[str, None]] = {}
    for candidates in fleet.by_model.values():
        for each in candidates:
            models.setdefault(each.backend.id, {})[each.model.id] = None
    found: dict[int, dict[str, Speed]] = {}
    for at in range(count):
        place, number, samples = numbers[3 * at : 3 * at + 3]
        names = list(models.get(ids[places[place]], ()))
        if number < len(names):
            speed = Speed(_known(measures[2 * at]), _known(measures[2 * at + 1]), samples)
            found.setdefault(place, {})[names[number]] = speed
    return found


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def record(values: Row, known: Known, *, whole: bool) -> Record:
    """A record as it was, but for the key of its conversation.

    Args:
        values: those of `COLUMNS`.
        whole: with everything that the decision followed from; else what a line of a list tells.
    """
    told = dict(zip(COLUMNS, values, strict=True))
    detail: Detail | None = None
    if told["detail"] is not None:
        with contextlib.suppress(msgspec.DecodeError):  # written by another version
            detail = read_detail(told["detail"])
    model = known.word(told["model"])
    needs = _needs(told, known, model) if whole else None
    fleet = policy = None
    loads: tuple[tuple[BackendId, LoadThen], ...] = ()
    if detail is not None and needs is not None:
        fleet, policy = known.fleet(told["picture"], detail.version), known.policy(told["policy"])
        if fleet is not None:
            loads = _unpacked(detail.loads, _speeds(detail, fleet), list(fleet.backends))
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
    ended = _ended(told, known, detail, model, answer)
    return Record(told["id"], told["at"], needs, fleet, loads, policy, turn, answer, ended)


def _needs(told: Mapping[str, Any], known: Known, model: str) -> Needs | None:
    shape = known.needs(told["needs"])
    if shape is None:
        return None
    return replace(
        shape,
        model=model,
        prompt_tokens=told["estimate"] or 0,
        max_tokens=told["most"],
        tenant=known.word(told["tenant"]) or ANONYMOUS,
    )


def _answer(detail: Detail | None, model: str, fleet: Fleet | None) -> Decision | Refusal | None:
    if detail is None:
        return None
    if detail.refused is not None:
        said = detail.refused
        return Refusal(model, said.model, said.known, (), said.tried, said.required_tier, said.zone)
    if detail.went is None:
        return None
    went = detail.went
    order: tuple[Candidate, ...] = ()
    if fleet is not None:
        candidates = fleet.by_model.get(went.model, ())
        places = array("H")
        places.frombytes(went.order)
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
    told: Mapping[str, Any],
    known: Known,
    detail: Detail | None,
    model: str,
    answer: Decision | Refusal | None,
) -> RequestFinished | RequestRefused:
    end = None if detail is None else detail.ended
    if told["backend"] is None:
        said, code = told["error"] or "", told["code"] or ""
        return RequestRefused(told["id"], told["at"], model, told["status"], code, said)
    name = known.word(told["backend"])
    shared: dict[str, Any] = {
        "request_id": told["id"],
        "model": known.word(told["actual"]) or model,
        "backend": name,
        "status": told["status"],
        "error": told["error"] or "",
        "ttft_ms": told["ttft_ms"],
        "duration_ms": told["duration_ms"] or 0.0,
        "prompt_tokens": told["prompt"],
        "completion_tokens": told["completion"],
        "tokens_per_s": told["speed"],
    }
    if end is None:
        return RequestFinished(
            at=told["at"],
            requested=model,
            backend_id=BackendId(name),
            backend_type=BackendType.GENERIC,
            reason=RouteReason.CAPABILITY_MATCH,
            why="",
            stream=False,
            **shared,
        )
    return RequestFinished(
        at=told["at"] + end.after_s,
        requested=end.requested or model,
        backend_id=BackendId(end.backend_id),
        backend_type=end.type,
        reason=end.reason,
        why=end.why or (answer.why if isinstance(answer, Decision) else ""),
        stream=end.stream,
        attempts=end.attempts,
        tried=end.tried,
        failures=tuple(AttemptFailed(*each) for each in end.failures),
        **shared,
    )
