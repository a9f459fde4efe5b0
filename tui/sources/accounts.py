"""What the told story's gateway would answer about its requests: accounts and lines of the past.

In the shape of `nexus.explain.account`, which a test compares; made up from the same updates.
"""

from __future__ import annotations

from collections.abc import Iterable

from nexus.domain.backend import Backend, BackendId
from nexus.domain.decision import RouteReason
from nexus.domain.events import (
    BackendChanged,
    FleetSeen,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    Update,
)
from nexus.domain.gateway import Json

WEIGHTS = {"priority": 50, "load": 30, "latency": 20}
Fleet = dict[BackendId, Backend]
Facts = dict[str, object]


def accounts(updates: Iterable[Update]) -> dict[str, Json]:
    """An account of every request of a story, by id."""
    fleet: Fleet = {}
    routed: dict[str, RequestRouted] = {}
    found: dict[str, Json] = {}
    for update in updates:
        match update:
            case FleetSeen():
                fleet = dict(update.fleet.backends)
            case BackendChanged():
                fleet[update.backend.id] = update.backend
            case RequestRouted():
                routed[update.request_id] = update
                found[update.request_id] = _account(update, None, fleet)
            case RequestFinished() if update.request_id in routed:
                found[update.request_id] = _account(routed[update.request_id], update, fleet)
            case RequestRefused():
                found[update.request_id] = _refused(update, fleet)
            case _:
                pass
    return found


def summary(account: Json) -> Json:
    """Its line in a list."""
    return {name: account[name] for name in SUMMARY}


SUMMARY = (
    "request_id",
    "at",
    "model",
    "actual_model",
    "backend",
    "status",
    "error",
    "error_code",
    "why",
    "reason",
    "ttft_ms",
    "duration_ms",
    "prompt_tokens",
    "completion_tokens",
    "tokens_per_second",
)


def _account(routed: RequestRouted, ended: RequestFinished | None, fleet: Fleet) -> Json:
    chosen = fleet.get(routed.backend_id)
    able = [b for b in _having(routed.model, fleet) if b.is_routable and b is not chosen]
    able = ([chosen] if chosen else []) + able
    last = routed.why.rpartition(":")[2]
    best = int(last) if last.isdigit() else 91
    candidates = [
        _scored(backend, routed.model, place, max(4, best - 17 * (place - 1)))
        for place, backend in enumerate(able, 1)
    ]
    down = [b for b in _having(routed.model, fleet) if not b.is_routable and b is not chosen]
    candidates += [_ruled_out(backend, routed.model) for backend in down]
    decided = "score" if len(able) > 1 else "only"
    facts: Facts = {
        **_line(routed, ended),
        "needs": _needs(routed, ended),
        "fleet_version": 6,
        "strategy": "smart",
        "binding": {},
        "decision": {
            "outcome": "routed",
            "model": routed.model,
            "order": [backend.name for backend in able],
            "reason": routed.reason.value,
            "why": routed.why,
            "fallback": False,
            "in_doubt": False,
            "by_conversation": False,
            "decided_by": decided,
        },
        "took_over": None,
        "candidates": candidates,
        "more_candidates": 0,
        "attempts": _attempts(ended),
    }
    others = [c for c in candidates if c["place"] != 1]
    facts["sentences"] = [
        f"A client asked '{routed.requested}' for an answer.",
        f"{routed.backend} was chosen: "
        + ("the best score." if decided == "score" else "it was the only one that could take it."),
        *(f"Not {other['backend']}: it was not as good." for other in others),
        "It is still under way."
        if ended is None
        else f"It ended with status {ended.status} after {ended.duration_ms:.0f} ms.",
    ]
    return facts


def _refused(update: RequestRefused, fleet: Fleet) -> Json:
    having = _having(update.requested, fleet)
    facts = dict[str, object].fromkeys(SUMMARY)
    return facts | {
        "request_id": update.request_id,
        "at": update.at,
        "model": update.requested,
        "actual_model": update.requested,
        "status": update.status,
        "error": update.message,
        "error_code": update.code,
        "why": "",
        "needs": {**_WANTS, "endpoint": "/v1/chat/completions", "prompt_tokens_estimate": 96},
        "fleet_version": 6,
        "strategy": "smart",
        "binding": {},
        "decision": {
            "outcome": "refused",
            "model": update.requested,
            "tried_models": [update.requested],
            "known": bool(having),
        },
        "took_over": None,
        "candidates": [_ruled_out(backend, update.requested) for backend in having],
        "more_candidates": 0,
        "attempts": [],
        "sentences": [f"It was refused with {update.status} {update.code}: {update.message}"],
    }


def _line(routed: RequestRouted, ended: RequestFinished | None) -> Facts:
    return {
        "request_id": routed.request_id,
        "at": routed.at,
        "model": routed.requested,
        "actual_model": routed.model,
        "backend": routed.backend,
        "status": ended.status if ended else None,
        "error": ended.error if ended else "",
        "error_code": None,
        "why": routed.why,
        "reason": (ended.reason if ended else RouteReason.CAPABILITY_MATCH).value,
        "ttft_ms": ended.ttft_ms if ended else None,
        "duration_ms": ended.duration_ms if ended else None,
        "prompt_tokens": ended.prompt_tokens if ended else None,
        "completion_tokens": ended.completion_tokens if ended else None,
        "tokens_per_second": ended.tokens_per_s if ended else None,
    }


_WANTS: Facts = {
    "stream": True,
    "vision": False,
    "audio": False,
    "tools": False,
    "json_mode": False,
    "max_tokens": None,
    "tenant": "anonymous",
    "conversation": False,
}


def _needs(routed: RequestRouted, ended: RequestFinished | None) -> Facts:
    embeds = "embed" in routed.model
    size = ended.prompt_tokens if ended else None
    return _WANTS | {
        "endpoint": "/v1/embeddings" if embeds else "/v1/chat/completions",
        "stream": routed.stream,
        "prompt_tokens_estimate": 812 if size is None else size,
        "tools": routed.model.startswith("llama"),
        "max_tokens": None if embeds else 1024,
    }


def _having(model: str, fleet: Fleet) -> list[Backend]:
    return [b for b in fleet.values() if any(each.id == model for each in b.models)]


def _face(backend: Backend, model: str) -> Facts:
    return {
        "backend": backend.name,
        "backend_id": backend.id,
        "backend_type": backend.face.type.value,
        "model": model,
        "zone": backend.face.zone.value,
        "tier": backend.face.tier,
        "place": None,
        "score": None,
        "score_parts": None,
        "priority": backend.face.priority,
        "pending": 0,
        "places": backend.places,
        "latency_ms": None,
        "first_words_ms": None,
        "residency": "loaded",
        "must_load": False,
        "failures": None,
        "rejection": None,
    }


def _scored(backend: Backend, model: str, place: int, score: int) -> Facts:
    priority, load = min(100, score + 3), max(0, score - 6)
    rest = score * 100 - priority * WEIGHTS["priority"] - load * WEIGHTS["load"]
    points = {
        "priority": priority,
        "load": load,
        "latency": max(0, min(100, rest // WEIGHTS["latency"])),
    }
    return _face(backend, model) | {
        "place": place,
        "score": score,
        "score_parts": {
            name: {"points": points[name], "weight": weight} for name, weight in WEIGHTS.items()
        },
        "pending": place + 1,
        "latency_ms": 120.0 + 95.0 * place,
        "first_words_ms": 120.0 + 95.0 * place,
        "measured": {"by": "window", "span_s": 60 if place < 3 else 300, "quiet_min": 0},
        **({} if place == 1 else {"decided_by": "score"}),
    }


def _ruled_out(backend: Backend, model: str) -> Facts:
    detail = backend.reason or "cannot be used now"
    hint = "start it, or check its address" if "refused" in detail else "take it back with undrain"
    rejection = {"rule": "health", "detail": f"{backend.name} {detail}", "hint": hint}
    return _face(backend, model) | {"rejection": rejection}


def _attempts(ended: RequestFinished | None) -> list[Facts]:
    if ended is None:
        return []
    outcome = ended.error or f"answered {ended.status}"
    return [
        {
            "backend": ended.backend,
            "began_ms": 0.0,
            "ended_ms": ended.duration_ms,
            "outcome": outcome,
        }
    ]
