"""Fleets that are not there: everybody well, some lost; and what is decided in them. Pure.

What is asked here is what a policy and a fleet can do, not what today's outages do to them. So
every backend counts as up but for those that an operator drained and those that refuse our key.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from nexus.domain.backend import BackendId, BackendStatus
from nexus.domain.decision import Decision, Refusal
from nexus.domain.fleet import Candidate, Fleet, Loads, picture
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Needs
from nexus.routing.router import decide

_A_PERSON_DECIDED = {BackendStatus.DRAINING, BackendStatus.AUTH_ERROR}
_EVERYBODY = {Strategy.ROUND_ROBIN, Strategy.RANDOM, Strategy.POWER_OF_TWO}
"""Strategies by which any of those that may serve can be the first."""

WIDE = 1 << 20
"""Attempts enough to see everybody who may serve."""


def settled(fleet: Fleet) -> Fleet:
    """The same backends, all well."""
    return picture(
        fleet.version,
        {
            id: each
            if each.status in _A_PERSON_DECIDED
            else replace(each, status=BackendStatus.HEALTHY, reason="", traffic=None, trial=False)
            for id, each in fleet.backends.items()
        },
    )


def without(fleet: Fleet, gone: Collection[BackendId], down: Collection[BackendId] = ()) -> Fleet:
    """The fleet after a loss.

    Args:
        gone: nothing is known of them any more.
        down: known, with their models, and not answering.
    """
    if not gone and not down:
        return fleet
    return picture(
        fleet.version,
        {
            id: replace(each, status=BackendStatus.UNREACHABLE, reason="lost")
            if id in down
            else each
            for id, each in fleet.backends.items()
            if id not in gone
        },
    )


def wide(policy: Policy) -> Policy:
    """The policy, with plans that name everybody who may serve."""
    return replace(policy, max_attempts=WIDE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a request while nobody is busy."""

    model: str
    able: tuple[Candidate, ...] = ()
    """Everybody who may serve, best first; empty for a refusal."""
    firsts: tuple[str, ...] = ()
    """Names of those that would be chosen; several where equals take turns."""
    refusal: Refusal | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of everybody who may serve."""
        return tuple(each.backend.name for each in self.able)


def outcome(needs: Needs, fleet: Fleet, policy: Policy, loads: Loads | None = None) -> Outcome:
    """Decide, and decide again in the next turn to see who takes turns.

    Args:
        policy: made `wide`.
        loads: latencies, with nobody busy.
    """
    loads = loads or {}
    found = decide(needs, fleet, loads, policy)
    if isinstance(found, Refusal):
        return Outcome(found.model, refusal=found)
    names = [each.backend.name for each in found.order]
    if policy.strategy in _EVERYBODY:
        return Outcome(found.model, found.order, tuple(dict.fromkeys(names)))
    again = decide(needs, fleet, loads, policy, turn=1) if len(names) > 1 else found
    equals = 1
    if isinstance(again, Decision) and again.order[0] is not found.order[0]:
        # Equals are rotated by the turn: the first one stands behind the last of its equals now.
        equals += again.order.index(found.order[0])
    return Outcome(found.model, found.order, tuple(dict.fromkeys(names[:equals])))
