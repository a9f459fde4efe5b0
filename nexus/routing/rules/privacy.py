"""A request that must stay in the restricted zone is for restricted backends and nobody else.

A candidate's zone is its model's own where that lies further out than its backend (Ollama's cloud
models), else its backend's. Who asks for the zone is settled before (`nexus.routing.terms`).
"""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.backend import Zone
from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs

RULE = "privacy"

_RESTRICTED = Zone.RESTRICTED


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """All, unless the request is bound to its zone."""
    if needs.zone is not _RESTRICTED:
        return candidates
    return [
        each for each in candidates if (each.model.zone or each.backend.face.zone) is _RESTRICTED
    ]


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Names the zone, the model, and who asks."""
    if needs.zone is not _RESTRICTED or candidate.zone is _RESTRICTED:
        return None
    who = f" ({needs.zone_by})" if needs.zone_by else ""
    return Rejection(
        RULE,
        f"{candidate.model.id} on {candidate.backend.name} is in zone open, "
        f"and this request is restricted{who}",
        "use a local backend, or allow it with a policy of privacy unrestricted",
    )
