"""What binds a request besides its own needs: policies, the client's header, and where models live.

Privacy, the strictest first:

1. The client's header, and every policy that matches one of the request's names, its tenant, its
   endpoint or a header, may ask for the restricted zone. One is enough, and it binds aliases,
   fallbacks and retries alike.
2. Else a policy of `privacy = "unrestricted"` allows any zone.
3. Else `routing.default_privacy`, where it is set.
4. Else a model that a restricted backend has, up or down, is not sent to open backends of the same
   name. An alias or a fallback that leads to *another* model is the operator's word that this
   model may be used, and so "local first, cloud when needed" is one line of configuration.

The names of a request: the one sent, each alias on the way, and the model that serves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from nexus.domain.backend import Zone
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.traffic import NO_TERMS, Privacy, Terms

CLIENT: Final = "the client asks for it"
SAME_NAME: Final = "a restricted backend has this model"
BY_DEFAULT: Final = "routing.default_privacy"


def terms_of(names: Iterable[str], needs: Needs, policy: Policy) -> Terms:
    """What the policies ask for a request of these names."""
    if not policy.traffic.rules:
        return NO_TERMS
    return policy.traffic.terms(dict.fromkeys(names), needs)


def bound(needs: Needs, name: str, terms: Terms, fleet: Fleet, policy: Policy) -> Needs:
    """The needs with all that binds them when model `name` serves."""
    privacy = terms.privacy
    zone, by = needs.zone, needs.zone_by
    if zone is Zone.RESTRICTED:
        by = by or CLIENT
    elif privacy is Privacy.RESTRICTED:
        zone, by = Zone.RESTRICTED, f"policy '{terms.privacy_by}'"
    elif privacy is None:
        privacy = policy.privacy
        if privacy is Privacy.RESTRICTED:
            zone, by = Zone.RESTRICTED, BY_DEFAULT
        elif privacy is None and name in fleet.mixed:
            zone, by = Zone.RESTRICTED, SAME_NAME
    tier, tier_by = needs.min_tier, needs.tier_by
    if terms.min_tier > tier:
        tier, tier_by = terms.min_tier, f"policy '{terms.tier_by}'"
    if zone is needs.zone and by == needs.zone_by and tier == needs.min_tier:
        return needs
    return replace(needs, zone=zone, zone_by=by, min_tier=tier, tier_by=tier_by)


def reach(needs: Needs, name: str, terms: Terms, fleet: Fleet, policy: Policy) -> Zone:
    """How far out a request may go when model `name` serves: what every connection is held to.

    Args:
        needs: bound already.
    """
    if needs.zone is Zone.RESTRICTED:
        return Zone.RESTRICTED
    said = terms.privacy or policy.privacy
    return Zone.RESTRICTED if said is None and name in fleet.restricted else Zone.OPEN
