"""From version 1 of the file, which had a row for each request, to chunks.

A thousand rows become a chunk in one transaction, so that it neither takes twice the room nor
loses anything when it is broken off; whoever opens the file next goes on with it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from math import nan
from typing import Any, Final

from nexus.store import chunks
from nexus.store.part import NONE, Part, floats, joined, small, sparse, texts, whole
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.store")

TELL_S: Final = 2.0
"""After this long the log says what is going on."""

_SLICE: Final = 100
"""Rows that are packed while the event loop waits: some 0.3 ms."""

_READ: Final = (
    "SELECT seq, id, at, kind, duration_ms, ttft_ms, prompt, completion, speed, error, code,"
    " estimate, most, policy, picture, detail FROM requests ORDER BY seq LIMIT ?"
)


def to_chunks(schema: str, connection: sqlite3.Connection, breathe: Callable[[], object]) -> None:
    """Make chunks of all `requests`, in transactions of its own.

    Args:
        schema: makes the table of chunks where there is none.
        breathe: called between a few rows.
    """
    run = connection.execute
    for statement in (*schema.split(";"), *_DROP):
        run(statement)
    began, told = time.monotonic(), False
    while rows := run(_READ, (chunks.MOST,)).fetchall():
        parts: list[Part] = []
        for start in range(0, len(rows), _SLICE):
            parts += _parts(rows[start : start + _SLICE])
            breathe()
        run("BEGIN IMMEDIATE")
        try:
            if parts:
                chunks.write(connection, joined(parts))
            run("DELETE FROM requests WHERE seq <= ?", (rows[-1][0],))
            run("COMMIT")
        except BaseException:
            run("ROLLBACK")
            raise
        if not told and time.monotonic() - began > TELL_S:
            told = True
            (left,) = run("SELECT count(*) FROM requests").fetchone()
            log.info("the history is brought into its new form; %d requests are left", left)
    if told:
        log.info("the history is in its new form, after %.0f s", time.monotonic() - began)


_DROP: Final = ("DROP INDEX IF EXISTS requests_id", "DROP INDEX IF EXISTS requests_at")
"""Nobody looks for rows by these meanwhile."""


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
