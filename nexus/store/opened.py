"""A chunk as it is read: each column once, and none that nobody asks for."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Final

from nexus.store.part import Part, read_errors, read_floats, read_odd, read_texts, read_whole

_TOGETHER: Final = (
    ("at", "kind", "duration_ms"),
    ("ids", "errors"),
    ("ended_at", "ttft_ms", "prompt", "completion", "speed", "form", "why", "odd"),
    ("estimate", "most", "turn", "version", "policy", "picture"),
    ("planned", "places", "told", "loads"),
)
"""What is read in one go: for filters, for lines of a list, for accounts."""

Fetch = Callable[[Sequence[str]], Sequence[bytes]]


class Opened:
    """See the module.

    Args:
        size: requests in it.
        fetch: the bytes of columns by name.
    """

    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size = size
        self._fetch = fetch
        self._raw: dict[str, bytes] = {}
        self._floats: dict[str, array[float]] = {}
        self._whole: dict[str, array[int]] = {}

    @classmethod
    def of(cls, part: Part) -> Opened:
        """What is in memory."""
        told = part._asdict()
        return cls(part.size, lambda names: [told[name] for name in names])

    @classmethod
    def stored(cls, connection: sqlite3.Connection, n: int, size: int) -> Opened:
        """Number `n` of the file. What is asked of it may raise sqlite3.Error."""

        def fetch(names: Sequence[str]) -> Sequence[bytes]:
            sql = f"SELECT {', '.join(names)} FROM chunks WHERE n = ?"
            found = connection.execute(sql, (n,)).fetchone()
            if found is None:
                raise sqlite3.DatabaseError(f"chunk {n} is gone")
            return found

        return cls(size, fetch)

    def floats(self, name: str) -> array[float]:
        """A column of numbers."""
        found = self._floats.get(name)
        if found is None:
            found = self._floats[name] = read_floats(self.raw(name))
        return found

    def whole(self, name: str) -> array[int]:
        """A column of integers."""
        found = self._whole.get(name)
        if found is None:
            found = self._whole[name] = read_whole(self.raw(name), self._size)
        return found

    @cached_property
    def ids(self) -> list[str]:
        return read_texts(self.raw("ids"), self._size)

    @cached_property
    def whys(self) -> list[str]:
        return read_texts(self.raw("why"), self._size)

    @cached_property
    def errors(self) -> dict[int, tuple[str, str | None]]:
        """Sentence and code by place."""
        return read_errors(self.raw("errors"))

    @cached_property
    def odd(self) -> dict[int, bytes]:
        """By place: what of a request no column tells."""
        return read_odd(self.raw("odd"))

    def plan(self, place: int) -> bytes:
        """The places of a plan's candidates."""
        counts = self.whole("planned")
        start = sum(counts[:place])
        return self.raw("places")[2 * start : 2 * (start + counts[place])]

    def loads(self, place: int) -> list[bytes]:
        """What was told of loads to one request, and to those before it with the same picture."""
        pictures, sizes, raw = self.whole("picture"), self.whole("told"), self.raw("loads")
        found: list[bytes] = []
        at = 0
        for picture, size in zip(pictures[: place + 1], sizes, strict=False):
            if picture == pictures[place]:
                found.append(raw[at : at + size])
            at += size
        return found

    def raw(self, name: str) -> bytes:
        """The bytes of a column."""
        if name not in self._raw:
            names = next(each for each in _TOGETHER if name in each)
            self._raw.update(zip(names, self._fetch(names), strict=True))
        return self._raw[name]
