"""The part of the configuration that an operator edits while Nexus runs, and what an edit would do.

An edit is a whole `Routes` that carries the version it was made from, so that two people cannot
overwrite each other unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nexus.domain.policy import Strategy, Weights
from nexus.domain.traffic import TrafficPolicy


@dataclass(frozen=True, slots=True)
class Routes:
    """How requests are routed, as the configuration says it."""

    version: str = ""
    """Changes with every change. An edit keeps the one it was made from."""
    strategy: Strategy = Strategy.SMART
    weights: Weights = field(default_factory=Weights)
    max_retries: int = 2
    aliases: Mapping[str, str] = field(default_factory=dict[str, str])
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    policies: tuple[TrafficPolicy, ...] = ()
    """In order; the first that matches a name speaks for it."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Requests that would be decided otherwise."""

    model: str
    """The one asked for. Text from outside: clean before display."""
    before: str
    """A backend's name, or an error code in brackets: `(model_not_found)`."""
    after: str
    """The same."""
    requests: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What an edit of the routes would do. Nothing has been changed."""

    problems: tuple[str, ...] = ()
    """Why it cannot be applied, one sentence each; empty when it can."""
    warnings: tuple[str, ...] = ()
    """What is allowed and looks unintended: an alias to a model that nobody has."""
    diff: tuple[str, ...] = ()
    """Lines of the configuration file, `- ` before and `+ ` after."""
    since_s: float = 0.0
    """How far back the recorded requests go that were decided again, seconds."""
    decided: int = 0
    """Recorded requests that were decided again."""
    moved: tuple[Moved, ...] = ()
    """Those that would go elsewhere, the most frequent first."""
    newly_refused: int = 0
    newly_served: int = 0


def apart(before: Routes, after: Routes) -> tuple[dict[str, object], dict[str, object]]:
    """What differs, as plain words: before and after."""
    was, now = _plain(before), _plain(after)
    names = [name for name in was if was[name] != now[name]]
    return {name: was[name] for name in names}, {name: now[name] for name in names}


def _plain(routes: Routes) -> dict[str, object]:
    weights = routes.weights
    return {
        "strategy": routes.strategy.value,
        "weights": [weights.priority, weights.load, weights.latency],
        "max_retries": routes.max_retries,
        "aliases": dict(routes.aliases),
        "fallbacks": {model: list(names) for model, names in routes.fallbacks.items()},
        "policies": [rule.label for rule in routes.policies],
    }
