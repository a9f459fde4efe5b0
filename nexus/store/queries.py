"""Questions to the file: one request, the last of some kind, all since a time.

Each takes a reader's connection. The newest are looked at first and no further than needed; over a
hundred thousand requests every question takes well under 200 ms (tests/bench/history.py).
"""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from math import inf
from typing import Final

from nexus.domain.history import Asked, Columns, Kind, Wanted, columns_of
from nexus.domain.request import ANONYMOUS, Endpoint, Needs
from nexus.store.facts import GONE, ZONES
from nexus.store.filters import Told, in_time, never
from nexus.store.known import Known
from nexus.store.opened import Opened
from nexus.store.part import NONE, SPOILED, read_floats, read_texts, read_whole, read_whole_of
from nexus.store.rebuild import record
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record

log = get_logger("nexus.store")

_LAST: Final = 2**62
"""Behind all chunks."""

_NEWEST: Final = (
    "SELECT n, size FROM chunks WHERE n <= ? AND until >= ? AND since < ? ORDER BY n DESC"
)
_WHERE: Final = (
    "SELECT n, size, ids FROM chunks WHERE least_id <= ?1 AND greatest_id >= ?1 ORDER BY n DESC"
)
_SINCE: Final = (
    "SELECT size, since, until, at, kind, duration_ms, estimate, most FROM chunks"
    " WHERE until >= ? AND since < ? ORDER BY n"
)


def one(connection: sqlite3.Connection, request_id: str) -> Record | None:
    """A request with everything that it was decided on."""
    found = _place(connection, request_id)
    if found is None:
        return None
    n, count, place = found
    return record(Opened.stored(connection, n, count), place, Known(connection), whole=True)


def recent(
    connection: sqlite3.Connection, limit: int, wanted: Wanted, before: str = ""
) -> list[Record]:
    """The newest first, without what they were decided on.

    Args:
        before: the id of the request to go on from; one that is not known is no limit.
    """
    found: list[Record] = []
    if never(wanted):
        return found
    last, _, end = (before and _place(connection, before)) or (_LAST, 0, 0)
    since = -inf if wanted.since is None else wanted.since
    until = inf if wanted.until is None else wanted.until
    known = Known(connection)
    choice = _Choice(wanted, known)
    for n, count in connection.execute(_NEWEST, (last, since, until)):
        chunk = Opened.stored(connection, n, count)
        try:
            places = choice.places(chunk, end if n == last else count)
            those = places[: limit - len(found)]
            found += [record(chunk, place, known, whole=False) for place in those]
        except SPOILED as error:
            log.warning("%d requests of the history are damaged: %s", count, error)
        if len(found) >= limit:
            break
    return found


def since(connection: sqlite3.Connection, at: float, until: float | None) -> Iterator[Asked]:
    """Every request that could be read, nearly in the order of their ends."""
    end = inf if until is None else until
    kinds = _Kinds(Known(connection))
    for count, _, _, *columns in connection.execute(_SINCE, (at, end)):
        try:
            when, took = read_floats(columns[0]), read_floats(columns[2])
            numbers = (read_whole(columns[place], count) for place in (1, 3, 4))
            rows = list(zip(when, *numbers, took, strict=True))
        except SPOILED as error:
            log.warning("%d requests of the history are damaged: %s", count, error)
            continue
        for began, kind, estimate, most, ms in rows:
            if estimate != NONE and at <= began < end:
                model, shape, tenant, backend, status = kinds[kind]
                limit = None if most == NONE else most
                yield Asked(began, "", model, shape, estimate, limit, tenant, backend, status, ms)


def columns(connection: sqlite3.Connection, at: float, until: float | None) -> Columns:
    """The same column by column: a hundred thousand are a few copies of memory."""
    try:
        return _columns(connection, at, until)
    except SPOILED:
        return columns_of(since(connection, at, until))


def _columns(connection: sqlite3.Connection, at: float, until: float | None) -> Columns:
    end = inf if until is None else until
    rows = connection.execute(_SINCE, (at, end)).fetchall()
    if not rows:
        return Columns()
    sizes, first, last, at_, kind, took_ms, estimate, limit = zip(*rows, strict=True)
    when, took = (read_floats(b"".join(each)) for each in (at_, took_ms))
    kinds, estimates, most = (read_whole_of(each, sizes) for each in (kind, estimate, limit))
    if min(first) < at or max(last) >= end or NONE in estimates:
        fit = [at <= n < end and m != NONE for n, m in zip(when, estimates, strict=True)]
        when, took = (array("d", compress(each, fit)) for each in (when, took))
        kinds, estimates, most = (
            array("q", compress(each, fit)) for each in (kinds, estimates, most)
        )
    if not when:
        return Columns()
    told_of = _Kinds(Known(connection))
    told = list(map(told_of.__getitem__, kinds))
    begins = when.tolist()
    limits: list[int | None] = [None] * len(begins)
    if most.count(NONE) < len(begins):
        limits = [None if each == NONE else each for each in most]
    ends = [begin + ms / 1000 for begin, ms in zip(begins, took, strict=True)]
    return Columns(begins, told, estimates.tolist(), limits, ends)


def _place(connection: sqlite3.Connection, request_id: str) -> tuple[int, int, int] | None:
    """Number and count of the chunk that a request is in, and its place there."""
    for n, count, ids in connection.execute(_WHERE, (request_id,)):
        with contextlib.suppress(*SPOILED):
            found = read_texts(ids, count)
            if request_id in found:
                return n, count, found.index(request_id)
    return None


class _Choice:
    """Finds what is meant in one chunk after the other."""

    def __init__(self, wanted: Wanted, known: Known) -> None:
        self._wanted = wanted
        told = _Told(known)
        self._meant = _Answers(lambda kind: told[kind].meant(wanted))
        self._says = _Answers(lambda kind: told[kind].says(wanted.text))

    def places(self, chunk: Opened, end: int) -> Sequence[int]:
        """The places of those that are meant among the first `end`, the last one first."""
        wanted, kinds = self._wanted, chunk.whole("kind")
        found: Sequence[int] = range(end - 1, -1, -1)
        here = set(kinds)
        meant = {kind for kind in here if self._meant[kind]}
        if len(meant) < len(here):
            found = [place for place in found if kinds[place] in meant] if meant else ()
        if found and (wanted.since is not None or wanted.until is not None):
            at = chunk.floats("at")
            found = [place for place in found if in_time(at[place], wanted)]
        if found and wanted.min_duration_ms is not None:
            took = chunk.floats("duration_ms")
            found = [place for place in found if took[place] >= wanted.min_duration_ms]
        if found and wanted.text:
            said = self._said(chunk, kinds, {kind for kind in meant if self._says[kind]})
            found = [place for place in found if place in said] if said else ()
        return found

    def _said(self, chunk: Opened, kinds: Sequence[int], says: set[int]) -> set[int]:
        """The places of those that have the text somewhere.

        Args:
            says: the kinds with names that have it.
        """
        text = self._wanted.text
        lower = text.lower()
        found = {place for place, (told, _) in chunk.errors.items() if lower in told.lower()}
        if says:
            found.update(place for place, kind in enumerate(kinds) if kind in says)
        if text.encode("utf-8", "replace") in chunk.raw("ids"):  # most often it is not
            found.update(place for place, id in enumerate(chunk.ids) if text in id)
        return found


class _Answers(dict[int, bool]):
    """Answers by the number of a kind, each worked out once."""

    def __init__(self, ask: Callable[[int], bool]) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, kind: int) -> bool:
        found = self[kind] = self._ask(kind)
        return found


class _Told(dict[int, Told]):
    """What filters look at, by the number of a kind."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, n: int) -> Told:
        known, word = self._known, self._known.word
        kind = known.kind(n) or GONE
        model = word(kind.model)
        found = self[n] = Told(
            model,
            word(kind.actual) or model,
            word(kind.backend),
            word(kind.tenant) or ANONYMOUS,
            None if kind.zone < 0 else ZONES[kind.zone],
            kind.status,
        )
        return found


class _Kinds(dict[int, Kind]):
    """Model, needs, tenant, backend and status by the number of a kind."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, n: int) -> Kind:
        known = self._known
        kind = known.kind(n)
        if kind is None:
            told = Kind("", Needs(Endpoint.CHAT, ""), ANONYMOUS, "", 0)
        else:
            shape = known.needs(kind.needs) or Needs(Endpoint.CHAT, "")
            whose = known.word(kind.tenant) or ANONYMOUS
            model, backend = known.word(kind.model), known.word(kind.backend)
            told = Kind(model, shape, whose, backend, kind.status)
        self[n] = told
        return told
