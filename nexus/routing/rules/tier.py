"""A backend below the least tier does not serve, in no mode and for want of nobody."""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs

RULE = "tier"


def keep(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Those of the least tier or above."""
    least = needs.min_tier
    if least <= 1:
        return candidates
    return [each for each in candidates if each.backend.face.tier >= least]


def rejection(
    candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
) -> Rejection | None:
    """Says both tiers, and who asks."""
    tier = candidate.backend.face.tier
    if tier >= needs.min_tier or needs.min_tier <= 1:
        return None
    who = f" ({needs.tier_by})" if needs.tier_by else ""
    return Rejection(
        RULE,
        f"{candidate.model.id} on {candidate.backend.name} is of tier {tier}, "
        f"below minimum tier {needs.min_tier}{who}",
        f"use a backend of tier {needs.min_tier} or above",
    )
