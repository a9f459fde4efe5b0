"""Changes that people make: who changed what, from what, to what. The store keeps them.

Who acts is told by a front end around its call (`acting`), so that no command needs one more
argument. Never put a secret into `before` or `after`: a key is named, not written down.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

Facts = Mapping[str, object]
"""A state before or after a change, as JSON holds it: plain words, numbers, lists."""

DONE: Final = "done"
"""The outcome of a change that came about. Any other outcome is the sentence that says why not."""


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf something is done."""

    who: str
    """`dashboard`, `cli`, `api:<name of a key>`, `configuration file`."""
    role: str = "admin"
    """`viewer`, `operator` or `admin`."""


SOMEBODY: Final = Actor("somebody")
"""Nobody has said who acts."""

_actor: ContextVar[Actor] = ContextVar("actor", default=SOMEBODY)


def actor() -> Actor:
    """Who acts in this task."""
    return _actor.get()


@contextmanager
def acting(who: Actor) -> Generator[None]:
    """What this task does meanwhile is done by `who`."""
    token = _actor.set(who)
    try:
        yield
    finally:
        _actor.reset(token)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change, or one that was tried."""

    at: float
    """Unix seconds."""
    who: str
    role: str
    action: str
    """What was done, as the command line calls it: `drain`, `add`, `alias set`."""
    target: str
    """What it was done to, by name. Text from outside: clean before display."""
    before: Facts | None = None
    """None where there was nothing before."""
    after: Facts | None = None
    """None where nothing is left."""
    outcome: str = DONE
