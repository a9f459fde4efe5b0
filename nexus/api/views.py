"""Backends and models as JSON, for the control surface (contract section 4). Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from nexus.domain.backend import Backend, BackendFace, BackendId, Load, Model
from nexus.domain.events import PortProbed, ServerFound
from nexus.domain.fleet import Fleet
from nexus.domain.urls import without_userinfo


def backend(backend: Backend, load: Load) -> dict[str, Any]:
    """One backend. Never holds a key; credentials in a URL are left out."""
    face = backend.face
    return {
        "id": face.id,
        "etag": etag(face),
        "name": face.name,
        "url": without_credentials(face.url),
        "backend_type": face.type.value,
        "zone": face.zone.value,
        "tier": face.tier,
        "priority": face.priority,
        "max_concurrent": face.max_concurrent,
        "discovery_source": face.source.value,
        "status": backend.seen_with(load.pending).value,
        "routable": backend.is_routable,
        "reason": backend.reason,
        "next": backend.next,
        "version": backend.version,
        "since": backend.since,
        "last_health_check": backend.checked_at,
        "health_check_ms": backend.probe_ms,
        "models": [model.id for model in backend.models],
        "models_stale": backend.models_stale,
        "model_details": [_model(model) for model in backend.models],
        "slots": backend.slots,
        "running": backend.running,
        "waiting": backend.waiting,
        "pending_requests": load.pending,
        "total_requests": load.total,
        "errors": load.errors,
        "avg_latency_ms": None if load.latency_ms is None else round(load.latency_ms, 1),
        "tokens_per_second": None if load.tokens_per_s is None else round(load.tokens_per_s, 1),
    }


def etag(face: BackendFace) -> str:
    """Changes with everything that an operator may change about a backend."""
    said = (face.name, face.url, face.type, face.zone, face.tier, face.priority)
    more = (face.max_concurrent, face.api_key_env, face.zone_told)
    return hashlib.sha256(repr((said, more)).encode()).hexdigest()[:12]


def models(fleet: Fleet, load: Callable[[BackendId], Load]) -> list[dict[str, Any]]:
    """Every model with each backend that has it."""
    found: list[dict[str, Any]] = []
    for name, candidates in sorted(fleet.by_model.items()):
        if name in fleet.implied:
            continue
        at: list[dict[str, Any]] = []
        for candidate in candidates:
            backend, now = candidate.backend, load(candidate.backend.id)
            speed = now.tokens_per_s
            at.append(
                _model(candidate.model)
                | {
                    "backend": backend.name,
                    "status": backend.seen_with(now.pending).value,
                    "zone": candidate.zone.value,
                    "tokens_per_second": None if speed is None else round(speed, 1),
                }
            )
        found.append({"id": name, "backends": at})
    return found


def waiting(server: ServerFound) -> dict[str, Any]:
    """A server that waits for approval."""
    return {
        "id": server.id,
        "name": server.name,
        "url": without_credentials(server.url),
        "backend_type": server.type.value,
        "detail": server.detail,
        "discovery_source": server.source.value,
        "via": server.via,
        "found_at": server.at,
    }


def looked_at(probe: PortProbed) -> dict[str, Any]:
    """An address with what came of looking at it."""
    return {
        "url": without_userinfo(probe.url),
        "found": probe.found.value if probe.found else None,
        "detail": probe.detail,
        "at": probe.at,
    }


def without_credentials(url: str) -> str:
    """A URL that may be shown."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _model(model: Model) -> dict[str, Any]:
    """Every field; `sources` as an object, and `loaded` as the short form of `residency`."""
    seen: dict[str, Any] = {name: getattr(model, name) for name in model.__slots__}
    return seen | {"loaded": model.loaded, "sources": dict(model.sources)}
