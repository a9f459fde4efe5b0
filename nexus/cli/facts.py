"""Reading JSON of a server: every value may be missing or of another type than promised."""

from __future__ import annotations

from typing import cast

from nexus.domain.text import clean

Facts = dict[str, object]

_ABSURD = 1e15
"""Numbers beyond this are not measurements."""


def text(facts: Facts, key: str) -> str:
    """Text that is safe to print; empty where there is none."""
    value = facts.get(key)
    return clean(value) if isinstance(value, str) else ""


def texts(facts: Facts, key: str) -> tuple[str, ...]:
    """The texts of a list, safe to print."""
    value = facts.get(key)
    if not isinstance(value, list):
        return ()
    return tuple(clean(each) for each in cast("list[object]", value) if isinstance(each, str))


def lists(facts: Facts, key: str) -> list[tuple[str, ...]]:
    """The lists of texts of a list, safe to print."""
    value = facts.get(key)
    if not isinstance(value, list):
        return []
    return [texts({"each": each}, "each") for each in cast("list[object]", value)]


def number(facts: Facts, key: str) -> float | None:
    """A number of a sane size."""
    value = facts.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _ABSURD:
        return value
    return None


def flag(facts: Facts, key: str) -> bool | None:
    """True, False, or None for neither."""
    value = facts.get(key)
    return value if isinstance(value, bool) else None


def part(facts: Facts, key: str) -> Facts:
    """An inner object; empty where there is none."""
    value = facts.get(key)
    return cast("Facts", value) if isinstance(value, dict) else {}


def parts(facts: Facts, key: str) -> list[Facts]:
    """The objects of a list."""
    value = facts.get(key)
    if not isinstance(value, list):
        return []
    return [cast("Facts", each) for each in cast("list[object]", value) if isinstance(each, dict)]
