"""Questions to the file: one request, the last of some kind, all since a time.

Each takes a reader's connection. The newest are looked at first and no further than needed; over a
hundred thousand requests every question takes well under 200 ms (tests/bench/history.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any, Final

from nexus.domain.history import GLOB, Asked, Outcome, Wanted
from nexus.domain.request import ANONYMOUS, Endpoint, Needs
from nexus.store.facts import Known
from nexus.store.rebuild import record
from nexus.store.rows import COLUMNS, ZONES
from nexus.telemetry.records import Record

_COLUMNS = ", ".join(f"r.{name}" for name in COLUMNS)
_PAGE: Final = 1000

_OUTCOMES: Final = {
    Outcome.OK: "r.status < 400",
    Outcome.ERROR: "r.status >= 400 AND r.status != 499",
    Outcome.LEFT: "r.status = 499",
    Outcome.RUNNING: "0",
}


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
    known = Known(connection)
    words, shapes = _Words(known), _Shapes(known)
    rows = connection.execute(
        "SELECT at, id, model, needs, estimate, most, tenant, backend, status,"
        " coalesce(duration_ms, 0.0) FROM requests"
        # By the order they were written in: a scan is twice as fast as a look-up for each.
        " WHERE seq >= (SELECT min(seq) FROM requests WHERE at >= ?1)"
        " AND +at >= ?1 AND +at < ?2 AND needs IS NOT NULL ORDER BY seq",
        (at, float("inf") if until is None else until),
    )
    while page := rows.fetchmany(_PAGE):
        # Column by column, where loops are the interpreter's own: twice as fast, too.
        at_, id_, model, needs, estimate, most, tenant, backend, status, took = zip(
            *page, strict=True
        )
        yield from map(
            Asked,
            at_,
            id_,
            map(words.__getitem__, model),
            map(shapes.__getitem__, needs),
            estimate,
            most,
            map(words.whose, tenant),
            map(words.__getitem__, backend),
            status,
            took,
        )


class _Words(dict[int | None, str]):
    """Names by number."""

    def __init__(self, known: Known) -> None:
        super().__init__({None: ""})
        self._known = known

    def __missing__(self, n: int | None) -> str:
        self[n] = word = self._known.word(n)
        return word

    def whose(self, n: int | None) -> str:
        """The tenant's name."""
        return ANONYMOUS if n is None else self[n]


class _Shapes(dict[int, Needs]):
    """Needs by number; those that cannot be read ask nothing."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, n: int) -> Needs:
        self[n] = shape = self._known.needs(n) or Needs(Endpoint.CHAT, "")
        return shape


def _where(wanted: Wanted) -> tuple[list[str], list[Any]]:
    """Conditions that are always some, and their values."""
    where, values = ["1"], list[Any]()

    def names(column: str, word: str, *, part: bool) -> str:
        plain = "instr(word, ?)" if part else "word = ?"
        how = plain if GLOB.isdisjoint(word) else "word GLOB ?"
        values.append(word)
        return f"r.{column} IN (SELECT n FROM words WHERE {how})"

    if wanted.model:
        asked = names("model", wanted.model, part=True)
        where.append(f"({asked} OR {names('actual', wanted.model, part=True)})")
    if wanted.backend:
        where.append(names("backend", wanted.backend, part=False))
    if wanted.tenant == ANONYMOUS:
        where.append("r.tenant IS NULL")
    elif wanted.tenant:
        where.append(names("tenant", wanted.tenant, part=False))
    if wanted.outcome is not None:
        where.append(_OUTCOMES[wanted.outcome])
    for condition, value in (
        ("r.status = ?", wanted.status),
        ("r.zone = ?", None if wanted.zone is None else ZONES.index(wanted.zone)),
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
            f"(instr(r.id, ?) OR instr(lower(r.error), lower(?)) OR r.model IN {parts}"
            f" OR r.actual IN {parts} OR r.backend IN {parts})"
        )
        values += [wanted.text] * 5
    return where, values
