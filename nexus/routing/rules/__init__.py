"""Who may serve a request: one constraint in each file, and `RULES` is their order.

A rule is a module with two functions over one truth. `keep` filters candidates and is all that a
routed request pays for; `rejection` says why one candidate was not kept, and is asked only when
nobody may serve or somebody wants to know. That they agree is tested on generated fleets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from nexus.domain.decision import Rejection
from nexus.domain.fleet import Candidate, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.routing.rules import capability, capacity, context, health, privacy, tier


class Rule(Protocol):
    """What each module of this package is."""

    def keep(
        self, candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
    ) -> Sequence[Candidate]:
        """The candidates that pass, in their order."""
        ...

    def rejection(
        self, candidate: Candidate, needs: Needs, load: LoadView, policy: Policy
    ) -> Rejection | None:
        """Why this candidate does not pass; None when it does."""
        ...


BINDING: Final[tuple[Rule, ...]] = (privacy, tier)
"""Rules of the operator and the client. Their order changes nothing but the reason given."""

KINDS: Final[tuple[Rule, ...]] = (health, *BINDING, capability)
"""Rules that look at nothing of a request but its kind (`nexus.routing.shortlist.shortlist` lists
what that is), so that their outcome is worked out once for each kind."""

FACTS: Final[tuple[Rule, ...]] = (*KINDS, context)
"""Rules about what a backend is. They change when a probe or the operator says so."""

RULES: Final[tuple[Rule, ...]] = (*FACTS, capacity)
"""All rules; the first no is the one reported. Capacity is last: it passes soonest."""
