"""How aliases led from one name to another, for the log: `nexus.routing` at level debug."""

from __future__ import annotations

from itertools import pairwise

from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.text import clean
from nexus.routing.aliases import hops
from nexus.telemetry.logs import LEVELS, get_logger

log = get_logger("nexus.routing")

DEBUG = LEVELS["debug"]


def tell_hops(request_id: str, model: str, fleet: Fleet, policy: Policy) -> None:
    """One line for each hop, and one for the whole way. Nothing where no alias was used."""
    if not log.isEnabledFor(DEBUG):
        return
    way = [clean(name, 100) for name in hops(model, fleet.by_model, policy)]
    for name, target in pairwise(way):
        log.debug("request %s: alias %s leads to %s", request_id, name, target)
    if len(way) > 1:
        log.debug("request %s: %s is %s, chain_depth=%d", request_id, way[0], way[-1], len(way) - 1)
