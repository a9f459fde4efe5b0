"""What one candidate of a decision got, as JSON. Pure; text of servers is cleaned here."""

from __future__ import annotations

from typing import Any

from nexus.domain.backend import Load
from nexus.domain.decision import Decision, Verdict
from nexus.domain.fleet import Loads
from nexus.domain.policy import Policy, Weights
from nexus.domain.text import clean
from nexus.routing.scoring import delay_ms
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
        "places": face.max_concurrent or backend.slots,
        "latency_ms": rounded(load.latency_ms),
        "first_words_ms": rounded(delay_ms(verdict.candidate, loads.get(face.id))),
        "residency": None if model.residency is None else model.residency.value,
        "must_load": must_load(verdict.candidate),
        "failures": None if told is None else clean(told.reason) or told.status.words,
        "rejection": None
        if said is None
        else {"rule": said.rule, "detail": clean(said.detail), "hint": clean(said.hint)},
    }


def made_of(facts: dict[str, Any]) -> str:
    """`priority 50, 4 of 8 in flight, first words after 210 ms, the model in memory`."""
    of = f" of {facts['places']}" if facts["places"] else ""
    parts = [f"priority {facts['priority']}", f"{facts['pending']}{of} in flight"]
    if facts["first_words_ms"] is not None:
        parts.append(f"first words after {facts['first_words_ms']:.0f} ms")
    if facts["must_load"]:
        parts.append("the model not in memory")
    elif facts["residency"] is not None:
        parts.append("the model in memory")
    return ", ".join(parts)


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
