"""Rows of `chunks`: written, read back, and put together where many are small.

At a few requests a minute each has a chunk of its own. What reads a long history wants few and
large ones, so neighbours become one while nothing else is to be done: `merge`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final

from nexus.store.loads import Thinned
from nexus.store.part import SPOILED, Part, joined, joined_whole, read_whole, whole
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.store")

MOST: Final = 1000
"""Requests of one chunk."""

SMALL: Final = MOST // 2
"""A chunk of fewer is put together with its neighbours."""

_SLICE: Final = 50
"""Requests whose loads are told anew while the event loop waits: some 0.4 ms at most."""

_COLUMNS: Final = ", ".join(Part._fields)
_INSERT: Final = f"INSERT INTO chunks (n, {_COLUMNS}) VALUES (?{', ?' * len(Part._fields)})"
_READ: Final = f"SELECT {_COLUMNS} FROM chunks WHERE n = ?"


def write(connection: sqlite3.Connection, part: Part, n: int | None = None) -> None:
    """Add a chunk, behind all others where no number is given."""
    connection.execute(_INSERT, (n, *part))


def read(connection: sqlite3.Connection, n: int) -> Part | None:
    """A whole chunk; None where it is gone."""
    found = connection.execute(_READ, (n,)).fetchone()
    return None if found is None else Part(*found)


def merge(connection: sqlite3.Connection, breathe: Callable[[], object], spoiled: set[int]) -> bool:
    """Make one chunk of some small neighbours, within a transaction of its own.

    Args:
        breathe: called between a few requests.
        spoiled: numbers of chunks to leave alone; told of those that cannot be read.

    Returns:
        True when there may be more to do.
    """
    run = connection.execute
    # The index is a hundredth of the table, and has all that is asked for.
    told: list[tuple[int, int]] = run(
        "SELECT n, size FROM chunks INDEXED BY chunks_told ORDER BY n"
    ).fetchall()
    those = _due([(n, MOST if n in spoiled else size) for n, size in told])
    if not those:
        return False
    try:
        part = joined([part for n in those if (part := read(connection, n)) is not None])
        part = thinned(part, breathe)
    except SPOILED as error:
        log.warning("%d chunks of the history are damaged, and left alone: %s", len(those), error)
        spoiled.update(those)
        return True
    run("BEGIN IMMEDIATE")
    try:
        run("DELETE FROM chunks WHERE n BETWEEN ? AND ?", (those[0], those[-1]))
        write(connection, part, those[0])
        run("COMMIT")
    except BaseException:
        run("ROLLBACK")
        raise
    return True


def thinned(part: Part, breathe: Callable[[], object]) -> Part:
    """The same, with loads that say what changed where they said everything."""
    loads, at = part.loads, 0
    told: list[bytes] = []
    anew = Thinned()
    sizes, pictures = read_whole(part.told, part.size), read_whole(part.picture, part.size)
    for place, (size, picture) in enumerate(zip(sizes, pictures, strict=True)):
        told.append(anew.since(picture, loads[at : at + size]) if size else b"")
        at += size
        if place % _SLICE == 0:
            breathe()
    return part._replace(
        told=joined_whole([whole(list(map(len, told)))], [part.size]), loads=b"".join(told)
    )


def _due(told: Sequence[tuple[int, int]]) -> list[int]:
    """The numbers of the first small neighbours that are to become one.

    Args:
        told: number and count of each chunk, in order.
    """
    run: list[tuple[int, int]] = []
    total = 0
    for n, count in told:
        if count < SMALL and total + count <= MOST:
            run.append((n, count))
            total += count
            continue
        if len(run) > 1:
            return [each for each, _ in run]
        run, total = ([(n, count)], count) if count < SMALL else ([], 0)
    # The last ones are still growing in number: those that are together as many as the one before
    # them join it, so that no request is written more than ten times.
    together = 0
    first = len(run)
    for place in range(len(run) - 1, -1, -1):
        if together and run[place][1] > together:
            break
        first, together = place, together + run[place][1]
    return [each for each, _ in run[first:]] if len(run) - first > 1 else []
