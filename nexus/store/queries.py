"""Questions to the file: one request, the last of some kind, all since a time.

Each takes a reader's connection. The newest are looked at first and no further than needed; over a
hundred thousand requests every question takes well under 200 ms (tests/bench/history.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from nexus.domain.history import GLOB, Asked, Columns, Kind, Outcome, Wanted
from nexus.domain.request import ANONYMOUS, Endpoint, Needs
from nexus.store.facts import ZONES, Known
from nexus.store.rebuild import record
from nexus.store.rows import COLUMNS
from nexus.telemetry.records import Record

_COLUMNS = ", ".join(f"r.{name}" for name in COLUMNS)
_PAGE: Final = 1000

_OUTCOMES: Final = {
    Outcome.OK: "status < 400",
    Outcome.ERROR: "status >= 400 AND status != 499",
    Outcome.LEFT: "status = 499",
    Outcome.RUNNING: "0",
}


_OF_A_TIME: Final = (
    " FROM requests"
    # By the order they were written in: a scan is twice as fast as a look-up for each.
    # The plus keeps SQLite from looking for the least one from the oldest row on.
    " WHERE seq >= (SELECT min(+seq) FROM requests WHERE at >= ?1)"
    " AND +at >= ?1 AND +at < ?2 AND estimate IS NOT NULL"
)
_SINCE: Final = (
    "SELECT at, kind, estimate, most, coalesce(duration_ms, 0.0)" + _OF_A_TIME + " ORDER BY seq"
)
_MS: Final = "e-3,"
"""Between numbers of milliseconds, so that they are read as seconds."""
_AS_TEXT: Final = (
    f"SELECT group_concat(cast(at * 1000 + 0.5 AS INTEGER), '{_MS}'), group_concat(kind),"
    " group_concat(cast(estimate AS INTEGER)),"
    " group_concat(coalesce(cast(most AS INTEGER), 'null')),"
    f" group_concat(cast(at * 1000 + coalesce(duration_ms, 0) + 0.5 AS INTEGER), '{_MS}')"
    + _OF_A_TIME
)


def one(connection: sqlite3.Connection, request_id: str) -> Record | None:
    """A request with everything that it was decided on."""
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM requests r WHERE r.id = ?", (request_id,)
    ).fetchone()
    return None if found is None else record(found, Known(connection), whole=True)


def recent(
    connection: sqlite3.Connection, limit: int, wanted: Wanted, before: str = ""
) -> list[Record]:
    """The newest first, without what they were decided on.

    Args:
        before: the id of the request to go on from; one that is not known is no limit.
    """
    where, values = _where(wanted)
    if before:
        where.append(
            "r.seq < coalesce((SELECT seq FROM requests WHERE id = ?), 9223372036854775807)"
        )
        values.append(before)
    found = connection.execute(
        f"SELECT {_COLUMNS} FROM requests r WHERE {' AND '.join(where)}"
        " ORDER BY r.seq DESC LIMIT ?",
        (*values, limit),
    )
    known = Known(connection)
    return [record(each, known, whole=False) for each in found]


def since(connection: sqlite3.Connection, at: float, until: float | None) -> Iterator[Asked]:
    """Every request that could be read, in the order of their ends."""
    kinds = _Kinds(Known(connection))
    rows = connection.execute(_SINCE, (at, float("inf") if until is None else until))
    while page := rows.fetchmany(_PAGE):
        for when, kind, estimate, most, took in page:
            model, shape, tenant, backend, status = kinds[kind]
            yield Asked(when, "", model, shape, estimate, most, tenant, backend, status, took)


_floats = msgspec.json.Decoder(list[float]).decode
_whole = msgspec.json.Decoder(list[int]).decode
_whole_or_none = msgspec.json.Decoder(list[int | None]).decode


def columns(connection: sqlite3.Connection, at: float, until: float | None) -> Columns:
    """The same column by column, times to the millisecond, in any order.

    SQLite writes each column as one text, which is read back as JSON. That is twice as fast as a
    tuple for each row, and most of it lets other threads run: a hundred thousand rows are one step.
    """
    kinds = _Kinds(Known(connection))
    until = float("inf") if until is None else until
    when, kind, estimate, most, ended = connection.execute(_AS_TEXT, (at, until)).fetchone()
    if when is None:
        return Columns()
    return Columns(
        _floats(f"[{when}e-3]"),
        list(map(kinds.__getitem__, _whole(f"[{kind}]"))),
        _whole(f"[{estimate}]"),
        _whole_or_none(f"[{most}]"),
        _floats(f"[{ended}e-3]"),
    )


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


def _where(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """Conditions that are always some, and their values."""
    where, values = ["1"], list[Any]()
    kinds, of_kinds = list[str](), list[Any]()

    def names(column: str, word: str, *, part: bool) -> str:
        plain = "instr(word, ?)" if part else "word = ?"
        how = plain if GLOB.isdisjoint(word) else "word GLOB ?"
        of_kinds.append(word)
        return f"{column} IN (SELECT n FROM words WHERE {how})"

    if wanted.model:
        asked = names("model", wanted.model, part=True)
        kinds.append(f"({asked} OR {names('actual', wanted.model, part=True)})")
    if wanted.backend:
        kinds.append(names("backend", wanted.backend, part=False))
    if wanted.tenant == ANONYMOUS:
        kinds.append("tenant = 0")
    elif wanted.tenant:
        kinds.append(names("tenant", wanted.tenant, part=False))
    if wanted.outcome is not None:
        kinds.append(_OUTCOMES[wanted.outcome])
    if wanted.status is not None:
        kinds.append("status = ?")
        of_kinds.append(wanted.status)
    if wanted.zone is not None:
        kinds.append("zone = ?")
        of_kinds.append(ZONES.index(wanted.zone))
    if kinds:
        where.append(f"r.kind IN (SELECT n FROM kinds WHERE {' AND '.join(kinds)})")
        values += of_kinds
    for condition, value in (
        ("r.duration_ms >= ?", wanted.min_duration_ms),
        ("r.at >= ?", wanted.since),
        ("r.at < ?", wanted.until),
    ):
        if value is not None:
            where.append(condition)
            values.append(value)
    if wanted.text:
        parts = "(SELECT n FROM words WHERE instr(lower(word), lower(?)))"
        where.append(
            "(instr(r.id, ?) OR instr(lower(r.error), lower(?)) OR r.kind IN (SELECT n FROM kinds"
            f" WHERE model IN {parts} OR actual IN {parts} OR backend IN {parts}))"
        )
        values += [wanted.text] * 5
    return where, values
