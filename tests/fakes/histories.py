"""Requests that were decided and have ended, as the gateway's records hold them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.routing.router import decide
from nexus.telemetry.records import Record, Records
from tests.fakes.fleets import MODEL, backend, fleet, model, needs

AT = 1_800_000_000.0
FLEET = fleet(
    backend("gpu-01"),
    backend("gpu-02", priority=70),
    backend("mac", status=BackendStatus.UNREACHABLE, reason="connection refused"),
    backend("cloud", model("gpt-5"), type=BackendType.OPENAI, zone=Zone.OPEN),
    backend("blind", model(vision=False), priority=95),
)
LOADS = {BackendId("gpu-01"): Load(3, latency_ms=145.5), BackendId("gpu-02"): Load(8)}


def decided(
    id: str = "req-1",
    name: str = MODEL,
    *,
    at: float = AT,
    seen: Fleet = FLEET,
    loads: Mapping[BackendId, Load] = LOADS,
    policy: Policy | None = None,
    turn: int = 0,
    **wants: Any,
) -> Record:
    """A request that is under way."""
    wanted, policy = needs(name, **wants), policy or Policy()
    answer = decide(wanted, seen, loads, policy, turn=turn)
    return Records(lambda: at).decided(id, wanted, seen, loads, policy, turn, answer)


def ended(record: Record, after_s: float = 1.0, **facts: Any) -> Record:
    """The same, once it has ended where it was sent; refused where it was sent nowhere."""
    answer = record.answer
    if not isinstance(answer, Decision):
        told = {"status": 503, "code": "no_backend_available", "message": "nobody has it"} | facts
        record.ended = RequestRefused(record.request_id, record.at, record.model, **told)
        return record
    face = answer.order[0].backend.face
    assert record.needs is not None
    told = {
        "request_id": record.request_id,
        "at": record.at + after_s,
        "requested": record.model,
        "model": answer.model,
        "backend_id": face.id,
        "backend": face.name,
        "backend_type": face.type,
        "reason": answer.reason,
        "why": answer.why,
        "stream": record.needs.stream,
        "status": 200,
        "ttft_ms": 145.5,
        "duration_ms": after_s * 1000,
        "prompt_tokens": 12,
        "completion_tokens": 40,
        "tokens_per_s": 32.5,
    }
    record.ended = RequestFinished(**(told | facts))
    return record


def request(id: str = "req-1", name: str = MODEL, **facts: Any) -> Record:
    """One that went well, unless `facts` of its end say otherwise."""
    wants = {
        key: facts.pop(key)
        for key in ("at", "seen", "loads", "policy", "turn", "tenant", "affinity", "stream")
        if key in facts
    }
    return ended(decided(id, name, **wants), **facts)


def failed(id: str = "req-failed", **facts: Any) -> Record:
    """One that was tried twice in vain."""
    return request(
        id,
        status=502,
        error="Backend 'gpu-02' closed the connection",
        reason=RouteReason.FAILOVER,
        attempts=2,
        tried=("gpu-01",),
        failures=(
            AttemptFailed("gpu-01", 12.25, "connection refused"),
            AttemptFailed("gpu-02", 40.5, "closed"),
        ),
        completion_tokens=None,
        tokens_per_s=None,
        ttft_ms=None,
        **facts,
    )


def taken_over(id: str = "req-later") -> Record:
    """One whose plan failed, so that a fallback served it."""
    seen = fleet(backend("gpu-01"), backend("gpu-02"), backend("cpu", model("mistral")))
    policy = Policy(fallbacks={MODEL: ("mistral",)})
    records = Records(lambda: AT)
    wanted = needs()
    answer = decide(wanted, seen, LOADS, policy)
    first = records.decided(id, wanted, seen, LOADS, policy, 0, answer)
    without = dataclasses.replace(seen, by_model={**seen.by_model, MODEL: ()})
    again = decide(wanted, without, LOADS, policy, turn=1)
    records.decided(id, wanted, without, LOADS, policy, 1, again)
    assert isinstance(again, Decision)
    return ended(
        first,
        model="mistral",
        backend_id=BackendId("cpu"),
        backend="cpu",
        reason=RouteReason.FAILOVER,
        why=again.why,
        attempts=3,
        tried=("gpu-01", "gpu-02"),
        failures=(AttemptFailed("gpu-01", 1.5, "closed"), AttemptFailed("gpu-02", 2.5, "closed")),
    )


def unread(id: str = "req-unread", at: float = AT) -> Record:
    """One that no decision was made about."""
    refused = RequestRefused(id, at, "", 400, "invalid_request", "the body is not JSON")
    return Record(id, at, ended=refused)


def without_key(record: Record) -> Record:
    """What may be kept of it: the key of its conversation is its client's."""
    if record.needs is None:
        return record
    return msgspec.structs.replace(record, needs=dataclasses.replace(record.needs, affinity=""))
