"""Which promises bound a request, and who asked for them. Pure."""

from __future__ import annotations

from typing import Any

from nexus.domain.decision import Decision, Refusal
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.text import clean
from nexus.routing.aliases import hops
from nexus.routing.terms import bound, terms_of


def binding(
    needs: Needs | None,
    answer: Decision | Refusal | None,
    fleet: Fleet | None,
    policy: Policy | None,
) -> dict[str, Any]:
    """`zone` and `min_tier` with who asks each; empty where nothing binds."""
    if needs is None or answer is None or fleet is None or policy is None:
        return {}
    way = hops(needs.model, fleet.by_model, policy)
    terms = terms_of((*way, answer.model), needs, policy)
    asked = bound(needs, answer.model, terms, fleet, policy)
    found: dict[str, Any] = {}
    if asked.zone is not None:
        found["zone"] = {"value": asked.zone.value, "by": clean(asked.zone_by)}
    if asked.min_tier > 1:
        found["min_tier"] = {"value": asked.min_tier, "by": clean(asked.tier_by)}
    if needs.strict:
        found["fallbacks"] = {"value": False, "by": "the client asks for it"}
    elif not terms_of(way, needs, policy).fallback_allowed:
        found["fallbacks"] = {"value": False, "by": "a policy"}
    return found
