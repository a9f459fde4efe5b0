"""The open file as its writer uses it: requests and changes in, sums in, what is old out.

Each of these is one transaction, whole or not at all; after one that failed the book is closed or
begun anew, since what it remembers of numbers may not be in the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from nexus.domain.audit import AuditEntry
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.store import changes, prune
from nexus.store.facts import Facts
from nexus.store.rollup import Fresh, Rollup
from nexus.store.rows import COLUMNS, Row, row
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record

log = get_logger("nexus.store")

CHUNK: Final = 24
"""Rows of one statement. The interpreter's lock is held while they are made: some 0.3 ms."""

_INSERT = f"INSERT OR IGNORE INTO requests ({', '.join(COLUMNS)}) VALUES "
_MARKS = f"({', '.join('?' * len(COLUMNS))})"

Ended = RequestFinished | RequestRefused


class Book:
    """See the module.

    Args:
        connection: the writer's; closed with the book.
        days: how long requests are kept.
        most_bytes: how much room they may take.
    """

    def __init__(self, connection: sqlite3.Connection, days: int, most_bytes: int) -> None:
        self._connection = connection
        self._days = days
        self._most_bytes = most_bytes
        self._anew()

    def undo(self) -> None:
        """After a transaction that failed; the file stays open. Raises sqlite3.Error."""
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._anew()

    def allow(self, pages: int) -> None:
        """Let the file grow to this size and no further."""
        self._connection.execute(f"PRAGMA max_page_count = {pages}")

    def _anew(self) -> None:
        self._facts = Facts(self._connection)
        self._rollup = Rollup(self._connection, self._facts)

    def add(
        self,
        records: Sequence[Record],
        made: Iterable[AuditEntry],
        now: float,
        breathe: Callable[[], object],
    ) -> list[Ended]:
        """Write requests and changes.

        Args:
            now: Unix seconds.
            breathe: called between every few rows.

        Returns:
            The ends of the requests that were written; one that cannot be is left out.
        """
        self._facts.at(now)
        self._connection.execute("BEGIN IMMEDIATE")
        ends: list[Ended] = []
        for start in range(0, len(records), CHUNK):
            rows: list[tuple[Row, Ended]] = []
            for record in records[start : start + CHUNK]:
                assert record.ended is not None
                try:
                    rows.append((row(record, self._facts), record.ended))
                except sqlite3.Error:
                    raise
                except Exception:
                    log.exception("request %s cannot be kept", record.request_id)
            if rows:
                ends += self._insert(rows)
            breathe()
        changes.write(self._connection, made)
        self._connection.execute("COMMIT")
        return ends

    def _insert(self, rows: Sequence[tuple[Row, Ended]]) -> list[Ended]:
        """In one statement; one by one where one of them is not for SQLite, so that it goes alone.

        Such a row would be in the way of all others for ever, since a batch is tried again.

        Returns:
            The ends of those that were written.
        """
        statement = _INSERT + ", ".join([_MARKS] * len(rows))
        try:
            self._connection.execute(statement, [each for row, _ in rows for each in row])
        except (OverflowError, UnicodeError):
            if len(rows) > 1:
                return [end for each in rows for end in self._insert([each])]
            log.exception("request %s cannot be kept", rows[0][0][0])
            return []
        return [end for _, end in rows]

    def sums(self, seen: Fresh, now: float) -> None:
        """Add to the sums by minute and hour."""
        self._facts.at(now)
        self._connection.execute("BEGIN IMMEDIATE")
        self._rollup.write(seen)
        self._connection.execute("COMMIT")

    def prune(self, now: float) -> bool:
        """Take away some of what is too old or too much; True where there is more."""
        return prune.step(self._connection, now, self._days, self._most_bytes)

    def sweep(self, now: float) -> None:
        """Take away what no request names any more."""
        prune.sweep(self._connection, now, self._days)

    def close(self) -> None:
        """A transaction that is open is undone."""
        self._connection.close()
