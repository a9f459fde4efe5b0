"""From version 1 of the file, which had a row for each request, to chunks.

The file is used at once: the newest rows become a chunk when it is opened, the others a thousand at
a time while the writer has nothing else to do. Each is one transaction, so nothing is lost when it
is broken off, and it takes no room; whoever opens the file next goes on with it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from math import nan
from typing import Any, Final

from nexus.store import chunks
from nexus.store.part import NONE, Part, floats, joined, small, sparse, texts, whole
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.store")

_SLICE: Final = 100
"""Rows that are packed while the event loop waits: some 0.3 ms."""

_READ: Final = (
    "SELECT seq, id, at, kind, duration_ms, ttft_ms, prompt, completion, speed, error, code,"
    " estimate, most, policy, picture, detail FROM requests ORDER BY seq DESC LIMIT ?"
)


def begin(connection: sqlite3.Connection) -> None:
    """Let chunks follow the rows of `requests`: within the caller's transaction."""
    run = connection.execute
    # Nobody looks for rows by these any more.
    run("DROP INDEX requests_id")
    run("DROP INDEX requests_at")
    (count,) = run(
        "SELECT (SELECT max(seq) FROM requests) - (SELECT min(seq) FROM requests)"
    ).fetchone()
    if (count or 0) > chunks.MOST:
        log.info("%d requests of the history are brought into its new form, newest first", count)
    _newest(connection, lambda: None)  # so that those to come are behind all of them


def waits(connection: sqlite3.Connection) -> bool:
    """Whether there are rows of version 1."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'requests'")
    return found.fetchone() is not None


def step(connection: sqlite3.Connection, breathe: Callable[[], object]) -> bool:
    """Make a chunk of some rows, within a transaction of its own.

    Args:
        breathe: called between a few rows.

    Returns:
        True when there are more.
    """
    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        more = _newest(connection, breathe)
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    if not more:
        log.info("the history is in its new form")
    return more


def _newest(connection: sqlite3.Connection, breathe: Callable[[], object]) -> bool:
    """Make a chunk of the newest rows; the table goes with the last of them."""
    run = connection.execute
    rows = run(_READ, (chunks.MOST,)).fetchall()[::-1]
    parts: list[Part] = []
    for start in range(0, len(rows), _SLICE):
        parts += _parts(rows[start : start + _SLICE])
        breathe()
    if parts:
        chunks.write(connection, joined(parts), rows[-1][0])
    if len(rows) < chunks.MOST:
        run("DROP TABLE requests")
        return False
    run("DELETE FROM requests WHERE seq >= ?", (rows[0][0],))
    return True


def _parts(rows: Sequence[Sequence[Any]]) -> list[Part]:
    """One part; several where a row is not what Nexus wrote, and goes alone."""
    try:
        return [_part(rows)]
    except Exception:
        if len(rows) > 1:
            return [part for row in rows for part in _parts([row])]
        log.exception("request %s cannot be read", rows[0][1])
        return []


def _part(rows: Sequence[Sequence[Any]]) -> Part:
    """The details stay as they were: they have what is empty here."""
    _, ids, at, kinds, durations, firsts, prompts, completions, *others = zip(*rows, strict=True)
    speeds, errors, codes, estimates, most, policies, pictures, details = others
    count = len(rows)
    zeros = whole([0] * count)
    failed = {
        place: (error or "", code)
        for place, (error, code) in enumerate(zip(errors, codes, strict=True))
        if error or code
    }
    odd = {place: detail for place, detail in enumerate(details) if detail is not None}
    return Part(
        size=count,
        since=min(at),
        until=max(at),
        least_id=min(ids),
        greatest_id=max(ids),
        at=floats(at),
        kind=whole(list(kinds)),
        duration_ms=floats([each or 0.0 for each in durations]),
        estimate=_optional(estimates),
        most=_optional(most),
        ids=texts(list(ids)),
        errors=sparse(failed),
        ended_at=floats([nan] * count),
        ttft_ms=floats([nan if each is None else each for each in firsts]),
        prompt=_optional(prompts),
        completion=_optional(completions),
        speed=floats([nan if each is None else each for each in speeds]),
        form=zeros,
        why=texts([""] * count),
        turn=zeros,
        version=zeros,
        policy=whole([each or 0 for each in policies]),
        picture=whole([each or 0 for each in pictures]),
        planned=zeros,
        places=small(()),
        told=zeros,
        loads=b"",
        odd=sparse(odd),
    )


def _optional(values: Sequence[int | None]) -> bytes:
    return whole([NONE if each is None else each for each in values])
