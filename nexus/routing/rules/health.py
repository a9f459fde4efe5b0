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
    BackendStatus.SLEEPING: ("is asleep", "wake it"),
    BackendStatus.LOADING: ("is loading a model", "wait until it has loaded"),
    BackendStatus.DRAINING: ("is draining", "take it back into rotation with `undrain`"),
    BackendStatus.RATE_LIMITED: ("is rate limited", "wait, or add another backend"),
    BackendStatus.AUTH_ERROR: ("refuses the key of Nexus", "set its key"),
    BackendStatus.STALLED: ("does not answer", "restart it"),
    BackendStatus.UNREACHABLE: ("cannot be reached", "start it, or check its address"),
    BackendStatus.UNHEALTHY: ("is unhealthy", "wait for it to recover, or look at its log"),
    BackendStatus.UNKNOWN: ("has not been checked yet", "wait for its first health check"),
}


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Those that may be sent work; unknown ones too where nobody will ever check."""
    unknown = policy.unknown_is_routable
    return [
        candidate
        for candidate in candidates
        # Most are healthy, and this is asked for each candidate of every request.
        if candidate.backend.status is _HEALTHY
        or candidate.backend.is_routable
        or (unknown and candidate.backend.status is _UNKNOWN)
    ]


def spare(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """Those that are better than nothing. Asked when `keep` and the other rules leave nobody."""
    return [candidate for candidate in candidates if candidate.backend.is_spare]


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Says what the backend is doing instead, and what would help."""
    backend = candidate.backend
    if keep((candidate,), needs, {}, policy):
        return None
    does, hint = _NO.get(backend.status, _NO[_UNKNOWN])
    because = f": {backend.reason}" if backend.reason else ""
    return Rejection(RULE, f"{backend.name} {does}{because}", backend.next or hint)
