"""Only backends that are up and in rotation take new work."""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.backend import BackendStatus
from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs

RULE = "health"

_HEALTHY = BackendStatus.HEALTHY
_UNKNOWN = BackendStatus.UNKNOWN

_NO = {
    BackendStatus.UNHEALTHY: ("is down", "wait for it to recover, or start it"),
    BackendStatus.UNKNOWN: ("has not been checked yet", "wait for its first health check"),
    BackendStatus.LOADING: ("is loading a model", "wait until it has loaded"),
    BackendStatus.DRAINING: ("is draining", "take it back into rotation with `undrain`"),
}


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Healthy ones; unknown ones too where nobody will ever check."""
    if policy.unknown_is_routable:
        return [
            candidate
            for candidate in candidates
            if (status := candidate.backend.status) is _HEALTHY or status is _UNKNOWN
        ]
    return [candidate for candidate in candidates if candidate.backend.status is _HEALTHY]


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Says what the backend is doing instead, and what would help."""
    backend = candidate.backend
    if keep((candidate,), needs, {}, policy):
        return None
    does, hint = _NO[backend.status]
    because = f": {backend.reason}" if backend.reason else ""
    return Rejection(RULE, f"{backend.name} {does}{because}", hint)
