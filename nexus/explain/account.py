"""A record as JSON: what was needed, what each candidate got, what came of it, and in sentences.

Pure: the same rules run again on what was kept, so the account cannot differ from the decision.
Text of servers and clients is cleaned; what was asked or answered is not known here.
"""

from __future__ import annotations

from typing import Any

from nexus.domain.decision import Decision, Refusal, Verdict
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.gateway import Standing
from nexus.domain.request import Needs
from nexus.domain.text import clean
from nexus.explain.binding import binding
from nexus.explain.candidates import candidate, made_of, rounded
from nexus.explain.reasons import why_not, why_this
from nexus.explain.sentences import sentences
from nexus.routing.router import explain
from nexus.telemetry.records import Record

MOST_CANDIDATES = 200
"""Candidates told of; the rest is counted."""

_WANTS = ("stream", "vision", "audio", "tools", "json_mode")


def account(record: Record) -> dict[str, Any]:
    """Everything that is known about a request."""
    facts = _facts(record)
    return facts | {"sentences": sentences(facts)}


def _facts(record: Record) -> dict[str, Any]:
    told = verdicts(record)
    facts: dict[str, Any] = summary(record) | {
        "needs": None if record.needs is None else _needs(record.needs),
        "fleet_version": None if record.fleet is None else record.fleet.version,
        "strategy": None if record.policy is None else record.policy.strategy.value,
        "binding": binding(record.needs, record.answer, record.fleet, record.policy),
        "decision": _decision(record.answer),
        "took_over": _took_over(record),
        "candidates": _candidates(told, record),
        "more_candidates": max(0, len(told) - MOST_CANDIDATES),
        "attempts": _attempts(record.ended),
    }
    return _with_reasons(facts)


def _with_reasons(facts: dict[str, Any]) -> dict[str, Any]:
    """What decided, in a word: for the first of the plan, and against each other one."""
    if facts["decision"] is not None and facts["decision"]["outcome"] == "routed":
        facts["decision"]["decided_by"] = why_this(facts)[0]
        for each in facts["candidates"]:
            if each["score"] is not None and each["place"] != 1:
                each["decided_by"] = why_not(facts, each)[0]
    return facts


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
            "ttft_ms": rounded(ended.ttft_ms),
            "duration_ms": rounded(ended.duration_ms),
            "prompt_tokens": ended.prompt_tokens,
            "completion_tokens": ended.completion_tokens,
            "tokens_per_second": rounded(ended.tokens_per_s),
        }
    elif isinstance(ended, RequestRefused):
        facts |= {"error": clean(ended.message), "error_code": ended.code}
    return facts


def standings(record: Record) -> tuple[Standing, ...]:
    """What each candidate got, for a screen."""
    facts = _facts(record)
    found: list[Standing] = []
    for each in facts["candidates"]:
        said = each["rejection"]
        if said is not None:
            why = said["detail"]
        else:
            why = made_of(each)
            reason = why_not(facts, each)[1] if each["place"] != 1 else ""
            why = f"{reason}: {why}" if reason else why
        found.append(Standing(each["backend"], each["model"], each["place"], each["score"], why))
    return tuple(found)


def verdicts(record: Record) -> tuple[Verdict, ...]:
    """What each candidate got, by the rules run again; those of the plan first, in its order."""
    if record.needs is None or record.fleet is None or record.policy is None:
        return ()
    if isinstance(record.answer, Refusal):
        return record.answer.verdicts
    loads = dict(record.loads)
    return explain(record.needs, record.fleet, loads, record.policy, turn=record.turn)


def _candidates(told: tuple[Verdict, ...], record: Record) -> list[dict[str, Any]]:
    loads = dict(record.loads)
    return [candidate(each, record.answer, loads, record.policy) for each in told[:MOST_CANDIDATES]]


def _needs(needs: Needs) -> dict[str, Any]:
    return {
        "endpoint": needs.endpoint.value,
        **{name: getattr(needs, name) for name in _WANTS},
        "prompt_tokens_estimate": needs.prompt_tokens,
        "max_tokens": needs.max_tokens,
        "tenant": clean(needs.tenant),
        "conversation": bool(needs.affinity),
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
        "by_conversation": answer.why.removeprefix(f"fallback:{answer.model}:").startswith(
            "affinity:"
        ),
    }


def _took_over(record: Record) -> dict[str, Any] | None:
    """The decision for a fallback, made when every attempt of the plan had failed."""
    answer, ended, later = record.answer, record.ended, record.later
    facts: dict[str, Any] = {}
    if later is not None and isinstance(later.answer, Decision) and later.policy is not None:
        told = verdicts(later)
        facts = {
            "strategy": later.policy.strategy.value,
            "decision": _decision(later.answer),
            "candidates": _candidates(told, later),
            "more_candidates": max(0, len(told) - MOST_CANDIDATES),
        }
        return _with_reasons(facts) | _served(later.answer.model, later.backend, later.answer.why)
    if not isinstance(answer, Decision) or not isinstance(ended, RequestFinished):
        return None
    if ended.model == answer.model:
        return None
    return _served(ended.model, ended.backend, ended.why)


def _served(model: str, backend: str, why: str) -> dict[str, Any]:
    why = why.removeprefix(f"fallback:{model}:")
    return {"model": clean(model), "backend": clean(backend), "why": clean(why)}


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
        "began_ms": rounded(began_ms),
        "ended_ms": rounded(ended_ms),
        "outcome": outcome,
    }
