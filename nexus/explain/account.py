"""A record as JSON: what was needed, what each candidate got, what came of it, and in sentences.

Pure: the same rules run again on what was kept, so the account cannot differ from the decision.
Text of servers and clients is cleaned; what was asked or answered is not known here.
"""

from __future__ import annotations

from typing import Any

from nexus.domain.backend import Load
from nexus.domain.decision import Decision, Refusal, Verdict
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.fleet import Loads
from nexus.domain.gateway import Standing
from nexus.domain.policy import Policy, Weights
from nexus.domain.request import Needs
from nexus.domain.text import clean
from nexus.explain.sentences import made_of, sentences
from nexus.routing.router import explain
from nexus.routing.strategies import points
from nexus.telemetry.records import Record

MOST_CANDIDATES = 200
"""Candidates told of; the rest is counted."""

_WANTS = ("stream", "vision", "audio", "tools", "json_mode")


def account(record: Record) -> dict[str, Any]:
    """Everything that is known about a request."""
    told = verdicts(record)
    facts: dict[str, Any] = summary(record) | {
        "needs": None if record.needs is None else _needs(record.needs),
        "fleet_version": None if record.fleet is None else record.fleet.version,
        "strategy": None if record.policy is None else record.policy.strategy.value,
        "decision": _decision(record.answer),
        "candidates": [_candidate(each, record) for each in told[:MOST_CANDIDATES]],
        "more_candidates": max(0, len(told) - MOST_CANDIDATES),
        "attempts": _attempts(record.ended),
    }
    return facts | {"sentences": sentences(facts)}


def summary(record: Record) -> dict[str, Any]:
    """One line of a list of requests."""
    ended, answer = record.ended, record.answer
    facts: dict[str, Any] = {
        "request_id": record.request_id,
        "at": record.at,
        "model": clean(record.model),
        "actual_model": clean(answer.model) if answer is not None else "",
        "backend": clean(record.backend) or None,
        "status": record.status,
        "error": "",
        "error_code": None,
        "why": clean(answer.why) if isinstance(answer, Decision) else "",
        "reason": answer.reason.value if isinstance(answer, Decision) else None,
        "ttft_ms": None,
        "duration_ms": None,
        "prompt_tokens": None,
        "completion_tokens": None,
        "tokens_per_second": None,
    }
    if isinstance(ended, RequestFinished):
        facts |= {
            "error": clean(ended.error),
            "reason": ended.reason.value,
            "ttft_ms": _rounded(ended.ttft_ms),
            "duration_ms": _rounded(ended.duration_ms),
            "prompt_tokens": ended.prompt_tokens,
            "completion_tokens": ended.completion_tokens,
            "tokens_per_second": _rounded(ended.tokens_per_s),
        }
    elif isinstance(ended, RequestRefused):
        facts |= {"error": clean(ended.message), "error_code": ended.code}
    return facts


def standings(record: Record) -> tuple[Standing, ...]:
    """What each candidate got, for a screen."""
    found: list[Standing] = []
    for verdict in verdicts(record)[:MOST_CANDIDATES]:
        facts = _candidate(verdict, record)
        said = verdict.rejection
        why = made_of(facts) if said is None else clean(said.detail)
        found.append(
            Standing(facts["backend"], facts["model"], facts["place"], facts["score"], why)
        )
    return tuple(found)


def verdicts(record: Record) -> tuple[Verdict, ...]:
    """What each candidate got, by the rules run again; those of the plan first, in its order."""
    if record.needs is None or record.fleet is None or record.policy is None:
        return ()
    if isinstance(record.answer, Refusal):
        return record.answer.verdicts
    loads = dict(record.loads)
    return explain(record.needs, record.fleet, loads, record.policy, turn=record.turn)


def _needs(needs: Needs) -> dict[str, Any]:
    return {
        "endpoint": needs.endpoint.value,
        **{name: getattr(needs, name) for name in _WANTS},
        "prompt_tokens_estimate": needs.prompt_tokens,
        "max_tokens": needs.max_tokens,
    }


def _decision(answer: Decision | Refusal | None) -> dict[str, Any] | None:
    if answer is None:
        return None
    if isinstance(answer, Refusal):
        return {
            "outcome": "refused",
            "model": clean(answer.model),
            "tried_models": [clean(name) for name in answer.tried],
            "known": answer.known,
        }
    return {
        "outcome": "routed",
        "model": clean(answer.model),
        "order": [clean(each.backend.name) for each in answer.order],
        "reason": answer.reason.value,
        "why": clean(answer.why),
        "fallback": answer.fallback,
        "in_doubt": answer.spare,
    }


def _candidate(verdict: Verdict, record: Record) -> dict[str, Any]:
    backend = verdict.candidate.backend
    loads = dict(record.loads)
    load = loads.get(backend.id, Load())
    place = None
    if isinstance(record.answer, Decision):
        order = [each.backend.id for each in record.answer.order]
        same_model = verdict.candidate.model.id in {
            each.model.id for each in record.answer.order if each.backend.id == backend.id
        }
        place = order.index(backend.id) + 1 if same_model and backend.id in order else None
    said = verdict.rejection
    parts = None
    if verdict.score is not None and record.policy is not None:
        parts = _parts(verdict, loads, record.policy)
    return {
        "backend": clean(backend.name),
        "backend_id": clean(backend.id),
        "backend_type": backend.face.type.value,
        "model": clean(verdict.candidate.model.id),
        "zone": verdict.candidate.zone.value,
        "place": place,
        "score": verdict.score,
        "score_parts": parts,
        "priority": backend.face.priority,
        "pending": load.pending,
        "latency_ms": _rounded(load.latency_ms),
        "rejection": None
        if said is None
        else {"rule": said.rule, "detail": clean(said.detail), "hint": clean(said.hint)},
    }


def _parts(verdict: Verdict, loads: Loads, policy: Policy) -> dict[str, dict[str, int]]:
    """Each part of the score: its points of 100 and its weight in percent."""
    weights = policy.weights
    alone = {
        "priority": (Weights(100, 0, 0), weights.priority),
        "load": (Weights(0, 100, 0), weights.load),
        "latency": (Weights(0, 0, 100), weights.latency),
    }
    return {
        name: {"points": points(verdict.candidate, loads, one), "weight": weight}
        for name, (one, weight) in alone.items()
    }


def _attempts(ended: RequestFinished | RequestRefused | None) -> list[dict[str, Any]]:
    """Every attempt in order, with milliseconds from the request's arrival."""
    if not isinstance(ended, RequestFinished):
        return []
    attempts: list[dict[str, Any]] = []
    began = 0.0
    for failed in ended.failures:
        attempts.append(_attempt(failed.backend, began, failed.after_ms, clean(failed.why)))
        began = failed.after_ms
    if len(attempts) < ended.attempts:  # the last one brought an answer, or its client left
        outcome = clean(ended.error) or f"answered {ended.status}"
        attempts.append(_attempt(ended.backend, began, ended.duration_ms, outcome))
    return attempts


def _attempt(backend: str, began_ms: float, ended_ms: float, outcome: str) -> dict[str, Any]:
    return {
        "backend": clean(backend),
        "began_ms": _rounded(began_ms),
        "ended_ms": _rounded(ended_ms),
        "outcome": outcome,
    }


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 1)
