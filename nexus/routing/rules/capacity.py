"""A backend at its `max_concurrent` takes no more for now."""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs

RULE = "capacity"


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Those without a limit, or below it. A backend without a load is idle."""
    free: list[Candidate] = []
    for candidate in candidates:
        face = candidate.backend.face
        limit = face.max_concurrent
        if limit is not None:
            load = loads.get(face.id)
            if load is not None and load.pending >= limit:
                continue
        free.append(candidate)
    return free


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Says how full it is."""
    limit = candidate.backend.face.max_concurrent
    if limit is None or load.pending < limit:
        return None
    return Rejection(
        RULE,
        f"{candidate.backend.name} is saturated: {load.pending} of {limit} requests in flight",
        "retry in a moment",
    )
