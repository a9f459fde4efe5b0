"""What routing answers: where a request goes, or why it cannot go anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nexus.domain.backend import Zone
from nexus.domain.fleet import Candidate
from nexus.domain.value import value


class RouteReason(StrEnum):
    """Value of `X-Nexus-Route-Reason` (contract 1.1)."""

    CAPABILITY_MATCH = "capability-match"
    CAPACITY_OVERFLOW = "capacity-overflow"
    PRIVACY_REQUIREMENT = "privacy-requirement"
    FAILOVER = "failover"


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one candidate cannot take a request."""

    rule: str
    """The rule that said no: `health`, `capability`, `context`, ..."""
    detail: str
    hint: str = ""
    """What would turn this no into a yes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One candidate, scored or rejected, never both."""

    candidate: Candidate
    score: int | None = None
    """0..100, higher is better."""
    rejection: Rejection | None = None


@value
class Decision:
    """An ordered plan. `order[0]` is the choice; the rest are tried while no byte has been sent."""

    requested: str
    """The model the client named."""
    model: str
    """The model it became through aliases and fallbacks."""
    order: tuple[Candidate, ...]
    reason: RouteReason
    why: str
    """The contract's short form: `highest_score:gpu-01:98`, `only_healthy_backend` (6.6)."""
    fallback: bool = False
    """True when a fallback model serves instead of the one asked for."""
    spare: bool = False
    """True when the plan is made of backends in doubt (`Backend.is_spare`), for want of others."""
    zone: Zone = Zone.OPEN
    """How far out the request may go: `restricted` holds for every attempt, whatever happens."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing may serve the request."""

    requested: str
    model: str
    known: bool
    """True when some backend lists the model."""
    verdicts: tuple[Verdict, ...] = ()
    tried: tuple[str, ...] = ()
    """Models looked at, in order: the resolved one, then its fallbacks."""
    required_tier: int | None = None
    """The least tier, where it kept somebody out."""
    zone_required: Zone | None = None
    """The zone, where it kept somebody out."""
