"""The one object that others see of the store: what is put into it, and what it is asked.

Putting is for the event loop and costs an append. Asking reads a file: never on the event loop
(`asyncio.to_thread`). A store without a file keeps changes in memory, and of requests nothing; so
does one whose file cannot be used, until it can.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Final

from nexus.domain.audit import AuditEntry
from nexus.domain.history import Asked, Columns, Metric, Point, Wanted
from nexus.store import changes, queries
from nexus.store.part import SPOILED
from nexus.store.schema import reading
from nexus.store.series import series
from nexus.store.writer import Writer
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import KEPT, Record

log = get_logger("nexus.store")

CHANGES_KEPT: Final = 500
"""Changes remembered in memory."""

BEGIN_S: Final = 2.0
"""How long a question waits for the file to be opened."""

CLOSE_S: Final = 5.0
"""How long the end of the process waits for the last records."""


class Store:
    """See the module.

    Args:
        path: the file; None keeps nothing over a restart.
        days: how long requests are kept.
        most_bytes: how much room they may take.
        unix: Unix seconds.
        most_pages: the size at which SQLite takes the disk for full.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        days: int = 30,
        most_bytes: int = 1_000_000_000,
        unix: Callable[[], float] = time.time,
        most_pages: int | None = None,
    ) -> None:
        self._changes: deque[AuditEntry] = deque(maxlen=CHANGES_KEPT)
        self._unix = unix
        self._days = days
        self._last: Record | None = None
        self.writer = (
            None if path is None else Writer(path, days, most_bytes, unix, most_pages=most_pages)
        )

    @property
    def path(self) -> Path | None:
        """The file, whether it can be used or not."""
        return None if self.writer is None else self.writer.path

    @property
    def trouble(self) -> str:
        """Why nothing is written, for a person; empty while all is well."""
        return "" if self.writer is None else self.writer.trouble

    @property
    def reach(self) -> str:
        """How far back requests are remembered, for a person."""
        memory = f"Nexus keeps the last {KEPT:,} since its start"
        if self.writer is None:
            return memory
        if self.trouble:
            return f"{memory}, because {self.trouble}"
        return f"{memory}, and those of {self._days} days in {self.writer.path}"

    def start(self) -> None:
        """Begin to write."""
        if self.writer is not None:
            self.writer.start()

    def close(self) -> None:
        """Write what is left. Waits for some seconds at most: not to be called on the loop."""
        if self.writer is not None:
            self.writer.close(CLOSE_S)

    def flush(self, timeout_s: float = CLOSE_S) -> bool:
        """Wait until everything that was put can be read. False where that did not come about."""
        return self.writer is not None and self.writer.flush(timeout_s)

    # ---- putting

    def put(self, record: Record | None) -> None:
        """Keep a request that has ended. Returns at once and never raises."""
        # One that ends twice (every backend of its plan left) is told twice in a row.
        if self.writer is not None and record is not None and record is not self._last:
            self._last = record
            self.writer.put(record)

    def audit(self, entry: AuditEntry) -> None:
        """Keep a change. Returns at once and never raises."""
        self._changes.append(entry)
        if self.writer is not None:
            self.writer.audit(entry)

    # ---- asking

    def changes(self, limit: int = 100) -> list[AuditEntry]:
        """The last changes, newest first."""
        with self._reading() as connection:
            if connection is not None and self.flush(1.0):
                return changes.last(connection, limit)
        return list(self._changes)[::-1][:limit]

    def record(self, request_id: str) -> Record | None:
        """One request with everything it was decided on, for `nexus.explain`."""
        with self._reading() as connection:
            return None if connection is None else queries.one(connection, request_id)
        return None

    def recent(self, limit: int, wanted: Wanted | None = None, before: str = "") -> list[Record]:
        """The newest first, as far as a line of a list tells.

        Args:
            before: the id of the request to go on from.
        """
        with self._reading() as connection:
            if connection is not None:
                return queries.recent(connection, limit, wanted or Wanted(), before)
        return []

    def since(self, at: float, until: float | None = None) -> Iterator[Asked]:
        """Every request that was decided from a time on, nearly in the order of their ends.

        Both in Unix seconds.
        """
        with self._reading() as connection:
            if connection is not None:
                yield from queries.since(connection, at, until)

    def columns(self, at: float, until: float | None = None) -> Columns:
        """The same as columns, which is faster."""
        with self._reading() as connection:
            if connection is not None:
                return queries.columns(connection, at, until)
        return Columns()

    def series(
        self,
        metric: Metric,
        since: float,
        step_s: int,
        *,
        until: float | None = None,
        backend: str = "",
        model: str = "",
    ) -> list[Point]:
        """Numbers over time: see `nexus.store.series`."""
        with self._reading() as connection:
            if connection is not None:
                end = self._unix() if until is None else until
                return series(connection, metric, since, end, step_s, backend=backend, model=model)
        return []

    @contextlib.contextmanager
    def _reading(self) -> Generator[sqlite3.Connection | None]:
        """A connection; None where there is no file to ask. What cannot be read is nothing."""
        writer = self.writer
        if writer is not None:
            writer.begun.wait(BEGIN_S)  # who asks at once after the start
        if writer is None or not writer.readable.is_set():
            yield None
            return
        try:
            with reading(writer.path) as connection:
                yield connection
        except sqlite3.Error as error:
            log.warning("%s cannot be read: %s", writer.path, error)
            writer.suspect()
        except SPOILED as error:
            log.warning("a part of %s is damaged: %s", writer.path, error)
