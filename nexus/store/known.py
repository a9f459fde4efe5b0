"""What requests share (`nexus.store.facts`), read back."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import fields
from functools import cache
from typing import Any, Final, cast

import msgspec

from nexus.domain.backend import Backend, Model
from nexus.domain.fleet import Candidate, Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.traffic import Traffic, TrafficPolicy
from nexus.store.facts import Form, Kind, Pictured

_KIND: Final = f"SELECT {', '.join(Kind._fields)} FROM kinds WHERE n = ?"


class Known:
    """Facts read back, each once as long as this lives.

    Args:
        connection: a reader's.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read: dict[int, Any] = {}
        self._words: dict[int, str] = {}
        self._kinds: dict[int, Kind | None] = {}

    def kind(self, n: int) -> Kind | None:
        """A kind; None where it is gone, which only a damaged file brings about."""
        if n not in self._kinds:
            found = self._connection.execute(_KIND, (n,)).fetchone()
            self._kinds[n] = None if found is None else Kind(*found)
        return self._kinds[n]

    def word(self, n: int) -> str:
        """A name; empty where there is none."""
        words = self._words
        if n not in words:
            found = self._connection.execute("SELECT word FROM words WHERE n = ?", (n,)).fetchone()
            words[n] = "" if found is None else str(found[0])
        return words[n]

    def needs(self, n: int) -> Needs | None:
        """A shape of needs."""
        return self._fact(n, Needs)

    def policy(self, n: int | None) -> Policy | None:
        """A policy."""
        return self._fact(n, Policy)

    def form(self, n: int) -> Form | None:
        """What the plan and the end of a request have in common with others."""
        return self._fact(n, Form)

    def fleet(self, n: int | None, version: int) -> Fleet | None:
        """The part of the fleet that a decision looked at."""
        told: Pictured | None = self._fact(n, Pictured)
        if told is None:
            return None
        backends = [self._fact(number, Backend) for number in told.backends]
        if any(each is None for each in backends):
            return None
        by_number = dict(zip(told.backends, cast("list[Backend]", backends), strict=True))
        by_model: dict[str, tuple[Candidate, ...]] = {}
        for name, rows in told.by_model.items():
            found = [(by_number[its], self._fact(model, Model)) for its, model in rows]
            by_model[name] = tuple(Candidate(its, m) for its, m in found if m is not None)
        names = {each.name for each in fields(Fleet)}
        sets: dict[str, Any] = {
            name: frozenset(each) for name, each in told.sets.items() if name in names
        }
        return Fleet(version, {each.id: each for each in by_number.values()}, by_model, **sets)

    def _fact(self, n: int | None, kind: type[Any]) -> Any:
        """None where it is gone, or was written by a Nexus that meant something else by it."""
        if not n:
            return None
        if n not in self._read:
            found = self._connection.execute("SELECT body FROM facts WHERE n = ?", (n,)).fetchone()
            self._read[n] = None if found is None else _decoded(found[0], kind)
        return self._read[n]


def _decoded(body: bytes, kind: type[Any]) -> Any:
    try:
        text = zlib.decompress(body) if body[:1] == b"x" else body
        return _reader(kind).decode(text)
    except (msgspec.DecodeError, zlib.error, ValueError, TypeError):
        return None


def _made(type: Any, value: Any) -> Any:
    """The way back."""
    if type is Traffic:
        return Traffic(msgspec.convert(value, tuple[TrafficPolicy, ...]))
    raise TypeError(f"{type} cannot be read")


@cache
def _reader(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """Made when something is first read: the start does not wait for it."""
    return msgspec.json.Decoder(kind, dec_hook=_made)
