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
from nexus.store import changes, chunks, convert, prune
from nexus.store.facts import Facts
from nexus.store.packer import Ended, Packer
from nexus.store.part import Part, joined
from nexus.store.rollup import Fresh, Rollup
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record

log = get_logger("nexus.store")

REMEMBERED: Final = 4
"""Batches whose ids are remembered: one that is told twice is told twice within a moment."""

_at = attrgetter("at")


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
        self._spoiled: set[int] = set()
        """Chunks that cannot be read."""
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
        records, ids = self._once(records)
        # By their decisions: one after the other saw nearly the same loads, by their ends none did.
        records = sorted(records, key=_at)
        self._facts.at(now)
        self._connection.execute("BEGIN IMMEDIATE")
        parts: list[Part] = []
        ends: list[Ended] = []
        if records:
            self._pack(records, parts, ends, breathe)
        if parts:
            chunks.write(self._connection, joined(parts))
        changes.write(self._connection, made)
        self._connection.execute("COMMIT")
        self._ids.append(ids)
        return ends

    def _once(self, records: Sequence[Record]) -> tuple[Sequence[Record], set[str]]:
        """Each request once, and their ids: of two with one id, the first."""
        ids = {each.request_id for each in records}
        if len(ids) < len(records) or not all(map(ids.isdisjoint, self._ids)):
            ids.difference_update(*self._ids)
            first = {each.request_id: each for each in reversed(records)}
            records = [first[id] for id in dict.fromkeys(each.request_id for each in records)]
            records = [each for each in records if each.request_id in ids]
        return records, ids

    def _pack(
        self,
        records: Sequence[Record],
        parts: list[Part],
        ends: list[Ended],
        breathe: Callable[[], object],
    ) -> None:
        """Add a part; several where one of them is not fit to be kept, so that it goes alone.

        Such a record would be in the way of all others for ever, since a batch is tried again.
        """
        try:
            parts.append(self._packer.part(records, breathe))
            ends += [each.ended for each in records if each.ended is not None]
        except sqlite3.Error:
            raise
        except Exception:
            if len(records) > 1:
                log.debug("%d requests are packed by halves", len(records), exc_info=True)
                half = len(records) // 2
                self._pack(records[:half], parts, ends, breathe)
                self._pack(records[half:], parts, ends, breathe)
            else:
                self._bare(records[0], parts, ends)

    def _bare(self, record: Record, parts: list[Part], ends: list[Ended]) -> None:
        """Add the line of a list, which is better than nothing."""
        try:
            parts.append(self._packer.part([record], bare=True))
            ends += [record.ended] if record.ended is not None else []
        except sqlite3.Error:
            raise
        except Exception:
            log.exception("request %s cannot be kept", record.request_id)

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
        return chunks.merge(self._connection, breathe, self._spoiled)

    def sweep(self, now: float) -> None:
        """Take away what no request names any more."""
        prune.sweep(self._connection, now, self._days)

    def close(self) -> None:
        """A transaction that is open is undone."""
        self._connection.close()
