"""Takes away what is too old or too much, in small steps, so that writing is never held up long."""

from __future__ import annotations

import sqlite3
from typing import Final

from nexus.store.facts import STAMP_S

DAY_S: Final = 86_400
STEP_CHUNKS: Final = 4
"""Chunks taken away at once, each of a thousand requests at most: some milliseconds."""

MINUTES_DAYS: Final = 3
"""Days for which there are sums by the minute; after that by the hour."""

CHANGES_DAYS: Final = 400
"""Days for which changes are kept: they are few, and asked for late."""

_FREED_PAGES: Final = 1024
"""Pages given back to the disk in one step: four megabytes."""


def too_large(connection: sqlite3.Connection, limit_bytes: int) -> bool:
    """Whether what is stored takes more room than it may."""
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return (pages - free) * size > limit_bytes


def step(connection: sqlite3.Connection, now: float, days: int, limit_bytes: int) -> bool:
    """Take some away, within a transaction of its own.

    Returns:
        True when there is more to take away.
    """
    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        # A chunk goes when the last request in it is too old.
        gone = run(
            "DELETE FROM chunks WHERE n IN"
            " (SELECT n FROM chunks WHERE until < ? ORDER BY until, n LIMIT ?)",
            (now - days * DAY_S, STEP_CHUNKS),
        ).rowcount
        if not gone and too_large(connection, limit_bytes):
            gone = run(
                "DELETE FROM chunks WHERE n IN (SELECT n FROM chunks ORDER BY n LIMIT ?)",
                (STEP_CHUNKS,),
            ).rowcount
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    return gone == STEP_CHUNKS


def sweep(connection: sqlite3.Connection, now: float, days: int) -> None:
    """Take away what no request names any more, and give room back to the disk."""
    run = connection.execute
    run("BEGIN IMMEDIATE")
    try:
        # Decisions and sums name facts and words no later than an hour after these were stamped.
        (oldest,) = run("SELECT min(since) FROM chunks").fetchone()
        unused = (now if oldest is None else oldest) - 2 * STAMP_S
        run("DELETE FROM facts WHERE used < ?", (unused,))
        run("DELETE FROM kinds WHERE used < ?", (unused,))
        run("DELETE FROM minutes WHERE at < ?", (now - MINUTES_DAYS * DAY_S,))
        run("DELETE FROM hours WHERE at < ?", (now - days * DAY_S,))
        (hour,) = run("SELECT min(at) FROM hours").fetchone()
        if hour is not None:
            unused = min(unused, hour - 2 * STAMP_S)
        run("DELETE FROM words WHERE used < ?", (unused,))
        run("DELETE FROM changes WHERE at < ?", (now - max(days, CHANGES_DAYS) * DAY_S,))
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    connection.executescript(f"PRAGMA incremental_vacuum({_FREED_PAGES})")  # execute: one page
