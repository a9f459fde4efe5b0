"""How requests end, as events with everything a test does not care about filled in."""

from __future__ import annotations

from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished, RequestRefused

AT = 1_800_000_000.0


def finished(**more: object) -> RequestFinished:
    facts: dict[str, object] = {
        "request_id": "r",
        "at": AT,
        "requested": "m",
        "model": "m",
        "backend_id": BackendId("b"),
        "backend": "b",
        "backend_type": BackendType.VLLM,
        "reason": RouteReason.CAPABILITY_MATCH,
        "why": "",
        "stream": False,
        "status": 200,
        "duration_ms": 300.0,
    }
    return RequestFinished(**(facts | more))  # type: ignore[arg-type]


def refused(code: str = "model_not_found", model: str = "x", id: str = "q") -> RequestRefused:
    return RequestRefused(id, AT, model, 404, code, "no")
