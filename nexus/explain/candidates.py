"""What one candidate of a decision got, as JSON. Pure; text of servers is cleaned here."""

from __future__ import annotations

from typing import Any

from nexus.domain.backend import Load
from nexus.domain.decision import Decision, Verdict
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy, Weights
from nexus.domain.text import clean
from nexus.routing.scoring import HALF_LIFE_MIN, delay_ms, first_words_ms
from nexus.routing.shortlist import must_load
from nexus.routing.strategies import points


def candidate(
    verdict: Verdict, answer: object, loads: Loads, policy: Policy | None
) -> dict[str, Any]:
    """Its place in the plan, its score with what that is made of, or the rule that said no.

    Args:
        verdict: of this candidate.
        answer: the decision, where there was one.
        loads: of that moment.
    """
    backend, model = verdict.candidate.backend, verdict.candidate.model
    face = backend.face
    load = loads.get(face.id, Load())
    places = backend.places
    said, told = verdict.rejection, backend.traffic
    parts = None
    if verdict.score is not None and policy is not None:
        parts = _parts(verdict, loads, policy)
    return {
        "backend": clean(backend.name),
        "backend_id": clean(backend.id),
        "backend_type": face.type.value,
        "model": clean(model.id),
        "zone": verdict.candidate.zone.value,
        "tier": face.tier,
        "place": _place(verdict, answer),
        "score": verdict.score,
        "score_parts": parts,
        "priority": face.priority,
        "pending": load.pending,
        "places": places,
        "busy_percent": 100 * load.pending // places if places else None,
        "latency_ms": rounded(load.latency_ms),
        "first_words_ms": rounded(first_words_ms(verdict.candidate, load)),
        "counted_ms": rounded(delay_ms(verdict.candidate, load)),
        "measured": _measured(verdict.candidate, load),
        "residency": None if model.residency is None else model.residency.value,
        "must_load": must_load(verdict.candidate),
        "failures": None if told is None else clean(told.reason) or told.status.words,
        "rejection": None
        if said is None
        else {"rule": said.rule, "detail": clean(said.detail), "hint": clean(said.hint)},
    }


def made_of(facts: dict[str, Any]) -> str:
    """What it is made of, after a colon.

    `priority 50, 4 of 8 in flight, first words after 210 ms by 14 requests of the last minute`.
    """
    of = f" of {facts['places']}" if facts["places"] else ""
    parts = [f"priority {facts['priority']}", f"{facts['pending']}{of} in flight"]
    if facts["first_words_ms"] is not None:
        parts.append(f"first words after {facts['first_words_ms']:.0f} ms{_by(facts)}")
    failed = facts["measured"]["failed_percent"]
    if failed:
        parts.append(f"{failed} % of its requests failed")
    if facts["must_load"]:
        parts.append("the model not in memory")
    elif facts["residency"] is not None:
        parts.append("the model in memory")
    return ", ".join(parts)


def _by(facts: dict[str, Any]) -> str:
    """How that was measured, where it was: the end of a phrase."""
    told = facts["measured"]
    if told["by"] == "window":
        span = "minute" if told["span_s"] <= 60 else f"{told['span_s'] // 60} minutes"
        return f" by {told['requests']} requests of the last {span}"
    if told["by"] == "average" and told["quiet_min"] > HALF_LIFE_MIN:
        counted = facts["counted_ms"]
        return f" by an average {told['quiet_min']} minutes old, counted as {counted:.0f} ms"
    return " by its average" if told["by"] == "average" else ""


def _measured(each: Candidate, load: LoadView) -> dict[str, Any]:
    """How the time to the first words is known: by `window`, `average`, `check`, or not at all."""
    speed = None if load.speeds is None else load.speeds.get(each.model.id)
    recent = None if speed is None else speed.recent
    by = "average"
    if recent is not None and (recent.ttft_ms, recent.tokens_per_s) != (None, None):
        by = "window"
    elif speed is None and load.latency_ms is None:
        by = "check"
    return {
        "by": None if first_words_ms(each, load) is None else by,
        "span_s": None if recent is None else recent.span_s,
        "requests": recent.requests if recent else speed.samples if speed else None,
        "failed_percent": None if recent is None else recent.failed,
        "quiet_min": load.quiet_min if speed is None else speed.quiet_min,
    }


def rounded(number: float | None) -> float | None:
    """To a tenth."""
    return None if number is None else round(number, 1)


def _place(verdict: Verdict, answer: object) -> int | None:
    """In the plan, from 1."""
    if isinstance(answer, Decision):
        wanted = verdict.candidate
        for place, each in enumerate(answer.order, 1):
            if each.backend.id == wanted.backend.id and each.model.id == wanted.model.id:
                return place
    return None


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
