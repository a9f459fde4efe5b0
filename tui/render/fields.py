"""What is typed about a backend: read, or refused in a sentence. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TypeVar

from nexus.domain.backend import Backend, BackendFace, Zone, untold
from nexus.domain.gateway import BackendEdit
from nexus.domain.urls import backend_id, normalise, without_userinfo

NAME_LENGTH = 100
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
T = TypeVar("T")


class Wrong(ValueError):
    """What was typed cannot be; the text says why."""


def number(text: str, least: int, most: int | None, what: str) -> int | None:
    """A whole number; None of an empty text.

    Raises:
        Wrong: not one, or out of range.
    """
    text = text.strip()
    if not text:
        return None
    span = f"{least} or more" if most is None else f"{least} to {most}"
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Wrong(f"{what} is a whole number, {span}")
    value = int(text)
    if value < least or (most is not None and value > most):
        raise Wrong(f"{what} is {span}")
    return value


def priority(text: str) -> int | None:
    """0 is preferred to 100."""
    return number(text, 0, 100, "priority")


def tier(text: str) -> int | None:
    """How good its answers are, 1 to 5."""
    return number(text, 1, 5, "tier")


def limit(text: str) -> int | None:
    """Requests at a time."""
    return number(text, 1, None, "the limit")


def zone(text: str) -> Zone | None:
    """A zone by its name or the beginning of it."""
    text = text.strip().lower()
    if not text:
        return None
    for each in Zone:
        if each.value.startswith(text):
            return each
    raise Wrong("a zone is restricted or open")


def env_name(text: str) -> str | None:
    """The name of an environment variable, which a key itself seldom looks like."""
    text = text.strip()
    if not text:
        return None
    if text.lower().startswith(("sk-", "bearer ")) or not _ENV.fullmatch(text):
        raise Wrong("the name of an environment variable, as in VLLM_KEY; never the key itself")
    return text


def name(text: str, taken: Collection[Backend]) -> str:
    """A name that nobody has; empty is made from the URL."""
    text = text.strip()
    if len(text) > NAME_LENGTH:
        raise Wrong(f"a name has at most {NAME_LENGTH} characters")
    if text and any(other.id == backend_id(text) for other in taken):
        raise Wrong("another backend has this name")
    return text


def url(text: str, taken: Collection[Backend]) -> str:
    """The URL as it is kept."""
    if not text.strip():
        raise Wrong("")
    try:
        found = normalise(text)
    except ValueError as problem:
        raise Wrong(str(problem)) from None
    other = next((each for each in taken if each.face.url == found), None)
    if other is not None:
        raise Wrong(f"registered already, as {other.name}")
    return found


EDITABLE: dict[str, tuple[str, Callable[[str], object]]] = {
    "priority": ("priority", priority),
    "zone": ("zone", zone),
    "tier": ("tier", tier),
    "limit": ("max_concurrent", limit),
}
"""Fields of the dialog: what they are called in an edit, and how they are read."""


def edited(face: BackendFace, words: dict[str, str]) -> tuple[BackendEdit, dict[str, str]]:
    """What typed words change about a backend, and what is wrong with them, by field.

    An empty field takes back what was said: no limit, priority 50, tier 1, the zone of its type.
    """
    wrong: dict[str, str] = {}
    values: dict[str, object] = {}
    for field, (_, read) in EDITABLE.items():
        try:
            values[field] = read(words.get(field, ""))
        except Wrong as problem:
            wrong[field] = str(problem)
    if wrong:
        return BackendEdit(), wrong
    usual = untold(face)
    new: dict[str, object] = {}
    cleared: set[str] = set()
    for what, (name, _) in EDITABLE.items():
        value, now = values[what], getattr(face, name)
        if value is None and now != getattr(usual, name):
            cleared.add(name)
        elif value is not None and value != now:
            new[name] = value
    return (
        BackendEdit(
            zone=_of(new, "zone", Zone),
            priority=_of(new, "priority", int),
            tier=_of(new, "tier", int),
            max_concurrent=_of(new, "max_concurrent", int),
            cleared=frozenset(cleared),
        ),
        {},
    )


def _of(values: dict[str, object], key: str, kind: type[T]) -> T | None:
    value = values.get(key)
    return value if isinstance(value, kind) else None


def differences(face: BackendFace, edit: BackendEdit) -> tuple[str, ...]:
    """`priority 50 → 20`, one per changed field."""
    usual = untold(face)
    told: list[str] = []
    for what, (name, _) in EDITABLE.items():
        new = getattr(usual if name in edit.cleared else edit, name)
        if new is not None or name in edit.cleared:
            old = getattr(face, name)
            told.append(
                f"{what} {'none' if old is None else old} → {'none' if new is None else new}"
            )
    return tuple(told)


def shown_url(face: BackendFace) -> str:
    """The URL without a password in it."""
    return without_userinfo(face.url)
