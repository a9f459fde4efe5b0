"""Reading answers of the control API: what is missing or of another kind reads as nothing.

An attached dashboard may be younger or older than its gateway; neither may break the screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from nexus.domain.gateway import Json

NOTHING: Json = {}


def text(facts: Json, name: str) -> str:
    """A word; empty where there is none."""
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def number(facts: Json, name: str) -> float | None:
    """A number; None where there is none."""
    value = facts.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def whole(facts: Json, name: str) -> int | None:
    """A whole number; None where there is none."""
    value = number(facts, name)
    return None if value is None or value != value or abs(value) > 1e15 else int(value)


def flag(facts: Json, name: str) -> bool:
    """True only where it says so."""
    return facts.get(name) is True


def child(facts: Json, name: str) -> Json:
    """An object inside; empty where there is none."""
    value = facts.get(name)
    return cast(Json, value) if isinstance(value, Mapping) else NOTHING


def children(facts: Json, name: str) -> tuple[Json, ...]:
    """Objects of a list inside."""
    value = facts.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    items = cast("Sequence[object]", value)
    return tuple(cast(Json, item) for item in items if isinstance(item, Mapping))


def words(facts: Json, name: str) -> tuple[str, ...]:
    """Words of a list inside."""
    value = facts.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in cast("Sequence[object]", value) if isinstance(item, str))
