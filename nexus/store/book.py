"""The open file as its writer uses it: requests and changes in, sums in, what is old out.

Each of these is one transaction, whole or not at all; after one that failed the book is closed or
begun anew, since what it remembers of numbers may not be in the file.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Final

from nexus.domain.audit import AuditEntry
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.store import changes, chunks, convert, prune
from nexus.store.facts import Facts
from nexus.store.packer import Packer
from nexus.store.part import Part, joined
from nexus.store.rollup import Fresh, Rollup
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record

log = get_logger("nexus.store")

REMEMBERED: Final = 4
"""Batches whose ids are remembered: one that is told twice is told twice within a moment."""

_at = attrgetter("at")

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
        self._ids: deque[set[str]] = deque(maxlen=REMEMBERED)
        self._old = True
        """False once there is certainly nothing of version 1."""
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
        self._packer = Packer(self._facts)
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
            breathe: called between every few requests.

        Returns:
            The ends of the requests that were written; one that cannot be is left out.
        """
        # By their decisions: one after the other saw nearly the same loads, by their ends none did.
        records = sorted(self._once(records), key=_at)
        self._facts.at(now)
        self._connection.execute("BEGIN IMMEDIATE")
        parts: list[Part] = []
        kept: list[Record] = []
        if records:
            self._pack(records, parts, kept, breathe)
        if parts:
            chunks.write(self._connection, joined(parts))
        changes.write(self._connection, made)
        self._connection.execute("COMMIT")
        self._ids.append({each.request_id for each in kept})
        return [each.ended for each in kept if each.ended is not None]

    def _once(self, records: Sequence[Record]) -> Sequence[Record]:
        """Each request once: of two with one id, the first."""
        ids = {each.request_id for each in records}
        if len(ids) == len(records) and all(map(ids.isdisjoint, self._ids)):
            return records
        first: dict[str, Record] = {}
        for each in records:
            first.setdefault(each.request_id, each)
        return [each for id, each in first.items() if not any(id in some for some in self._ids)]

    def _pack(
        self,
        records: Sequence[Record],
        parts: list[Part],
        kept: list[Record],
        breathe: Callable[[], object],
    ) -> None:
        """Add a part; several where one of them is not fit to be kept, so that it goes alone.

        Such a record would be in the way of all others for ever, since a batch is tried again.
        """
        try:
            parts.append(self._packer.part(records, breathe))
            kept += records
        except sqlite3.Error:
            raise
        except Exception:
            if len(records) > 1:
                log.debug("%d requests are packed by halves", len(records), exc_info=True)
                half = len(records) // 2
                self._pack(records[:half], parts, kept, breathe)
                self._pack(records[half:], parts, kept, breathe)
            elif (part := self._bare(records[0])) is not None:
                parts.append(part)
                kept += records

    def _bare(self, record: Record) -> Part | None:
        """The line of a list, which is better than nothing."""
        try:
            return self._packer.part([record], bare=True)
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("request %s cannot be kept", record.request_id)
            return None

    def sums(self, seen: Fresh, now: float) -> None:
        """Add to the sums by minute and hour."""
        self._facts.at(now)
        self._connection.execute("BEGIN IMMEDIATE")
        self._rollup.write(seen)
        self._connection.execute("COMMIT")

    def prune(self, now: float) -> bool:
        """Take away some of what is too old or too much; True where there is more."""
        return prune.step(self._connection, now, self._days, self._most_bytes)

    def convert(self, breathe: Callable[[], object]) -> bool:
        """Make chunks of some rows of version 1; True where there may be more."""
        self._old = (
            self._old
            and convert.waits(self._connection)
            and convert.step(self._connection, breathe)
        )
        return self._old

    def merge(self, breathe: Callable[[], object]) -> bool:
        """Make one chunk of some small ones; True where there may be more."""
        return chunks.merge(self._connection, breathe)

    def sweep(self, now: float) -> None:
        """Take away what no request names any more."""
        prune.sweep(self._connection, now, self._days)

    def close(self) -> None:
        """A transaction that is open is undone."""
        self._connection.close()
