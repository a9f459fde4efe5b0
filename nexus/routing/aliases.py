"""Requested name -> the models to look at, in order: aliases first, then one level of fallbacks."""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from nexus.domain.policy import Policy

MAX_HOPS: Final = 3
"""An alias may name an alias; a longer chain is a mistake, and stops here."""


def resolve(model: str, known: Container[str], policy: Policy) -> str:
    """Follow aliases, exact and case-sensitive. A real model of the name always wins.

    Args:
        known: the names that some backend lists.
    """
    return model if not policy.aliases else hops(model, known, policy)[-1]


def hops(model: str, known: Container[str], policy: Policy) -> tuple[str, ...]:
    """Every name on the way, from the one asked for to the one it becomes."""
    way = [model]
    for _ in range(MAX_HOPS):
        target = policy.aliases.get(model)
        if target is None or model in known:
            break
        model = target
        way.append(model)
    return tuple(way)


def models_to_try(model: str, policy: Policy) -> tuple[str, ...]:
    """The resolved model, then its fallbacks; a fallback's own fallbacks are not followed."""
    fallbacks = policy.fallbacks.get(model)
    return (model, *fallbacks) if fallbacks else (model,)
