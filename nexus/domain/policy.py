"""How decisions are to be made: the part of the configuration that routing sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from nexus.domain.traffic import Privacy, Traffic


class Strategy(StrEnum):
    """How to choose among candidates that may serve."""

    SMART = "smart"
    ROUND_ROBIN = "round_robin"
    PRIORITY_ONLY = "priority_only"
    RANDOM = "random"
    LEAST_PENDING = "least_pending"
    POWER_OF_TWO = "power_of_two"


@dataclass(frozen=True, slots=True)
class Weights:
    """Parts of the smart score, in percent; they sum to 100."""

    priority: int = 50
    load: int = 30
    latency: int = 20


@dataclass(frozen=True, slots=True)
class Policy:
    """Frozen at load; replaced as a whole when the configuration changes."""

    strategy: Strategy = Strategy.SMART
    weights: Weights = field(default_factory=Weights)
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    """Exact, case-sensitive; followed at most 3 hops; a real model of the name wins."""
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By resolved model; one level."""
    max_attempts: int = 3
    """1 + routing.max_retries."""
    unknown_is_routable: bool = False
    """True when health checks are off, so that nobody will ever say healthy."""
    traffic: Traffic = field(default_factory=Traffic)
    """Rules by model name; the first that matches a name speaks for it."""
    privacy: Privacy | None = None
    """Where no rule speaks. None: a model that a restricted backend has stays restricted."""
