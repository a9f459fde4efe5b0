"""The thread that writes: takes what was put into its queue, in batches, and never holds up others.

- Whatever is wrong with the file (full disk, read-only, another Nexus has it) is said once, in a
  sentence that tells what to do. Until it is mended records wait in the queue, whose oldest fall
  out, and every `RETRY_S` it is tried again. A damaged file is set aside, never deleted.
- The thread lets go of the interpreter's lock between every few requests, so the event loop waits
  for a fraction of a millisecond. It has no lower priority: a thread that holds the lock and is not
  run would stop the gateway.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from nexus.domain.audit import AuditEntry
from nexus.store.book import Book
from nexus.store.place import InUse, Lock, make, set_aside
from nexus.store.rollup import Fresh
from nexus.store.schema import TooNew, open_writer
from nexus.store.trouble import Unsound, damaged, full, sentence
from nexus.telemetry.logs import get_logger
from nexus.telemetry.records import Record

log = get_logger("nexus.store")

QUEUE: Final = 5000
"""Records that may wait. The ring in memory holds as many, so that waiting takes no memory."""

PAUSE_S: Final = 0.25
"""How long is gathered before a batch is written: what a crash may lose."""

BATCH: Final = 1000
"""Records of one transaction at most."""

BREATH_S: Final = 0.0005
"""Between every few requests, while there is no hurry."""

SUMS_S: Final = 5.0
"""Between two writings of the sums by minute: a chart may lag behind by as much."""

RETRY_S: Final = 30.0
TIDY_S: Final = 60.0
"""Between two looks for requests that are too old or too many."""
CONVERTED: Final = 4
"""Chunks made of what is left of version 1 between two batches: some 0.1 s."""
SWEEP_S: Final = 600.0
"""Between two looks for what no request names any more."""


class Writer:
    """See the module. Its methods but `run` may be called from any thread.

    Args:
        path: the file.
        days: how long requests are kept.
        most_bytes: how much room they may take.
        unix: Unix seconds.
        most_pages: the size at which SQLite takes the disk for full.
    """

    def __init__(
        self,
        path: Path,
        days: int,
        most_bytes: int,
        unix: Callable[[], float],
        most_pages: int | None = None,
    ) -> None:
        self.path = path
        self.most_pages = most_pages
        self.trouble = ""
        """Why nothing is written; empty while all is well."""
        self.begun = threading.Event()
        """Set once it was tried to open the file."""
        self.readable = threading.Event()
        """Set while the file can be asked."""
        self.written = 0
        """Records in the file since the start."""
        self.lost = 0
        """Records that fell out of the queue, or could not be written."""
        self._told = 0
        """Of these, those that the log has spoken of."""
        self._days = days
        self._most_bytes = most_bytes
        self._unix = unix
        self._queue: deque[Record] = deque(maxlen=QUEUE)
        self._changes: deque[AuditEntry] = deque(maxlen=QUEUE)
        self._batch: list[Record] = []
        """Taken from the queue, and not yet in the file."""
        self._batch_changes: list[AuditEntry] = []
        self._fresh = Fresh()
        self._asks: deque[threading.Event] = deque()
        self._awake = False
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stop = threading.Event()
        self._suspected = False
        self._lock = Lock(path)
        self._book: Book | None = None
        self._retry_at = 0.0
        self._sums_at = 0.0
        self._tidy_at = 0.0
        self._sweep_at = 0.0
        self._thread = threading.Thread(target=self.run, name="history", daemon=True)

    # ---- for others

    def start(self) -> None:
        """Open the file and begin, in the thread."""
        self._thread.start()

    def put(self, record: Record) -> None:
        """Have a record written that has ended. Costs an append."""
        queue = self._queue
        if len(queue) == QUEUE:
            self.lost += 1
        queue.append(record)
        if not self._awake:
            self._rouse()

    def audit(self, entry: AuditEntry) -> None:
        """Have a change written."""
        self._changes.append(entry)
        self._rouse()

    def suspect(self) -> None:
        """Somebody could not read the file: look whether it is sound."""
        self._suspected = True
        self._rouse()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything that was put is in the file. False where it is not."""
        done = threading.Event()
        self._asks.append(done)
        self._hurry.set()
        self._rouse()
        return done.wait(timeout_s) and not self.trouble

    def close(self, timeout_s: float) -> None:
        """Write what is left and end; give up after a while."""
        if self._thread.ident is None:  # never started
            return
        self._stop.set()
        self._hurry.set()
        self._rouse()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("%s: the last requests could not be written in time", self.path)

    def _rouse(self) -> None:
        self._awake = True
        self._wake.set()

    # ---- the thread

    def run(self) -> None:
        """Until `close`."""
        try:
            self._round()
            self.begun.set()
            while True:
                self._wake.wait(self._patience())
                self._hurry.wait(PAUSE_S)
                self._hurry.clear()
                self._wake.clear()
                self._awake = False  # from here on a record rouses anew
                stopping = self._stop.is_set()  # looked at last: who sets it rouses after that
                self._round()
                if stopping:
                    return
        finally:
            self._shut()
            self._lock.release()

    def _patience(self) -> float:
        """Seconds until there is something to do of itself."""
        due = min(self._tidy_at, self._sums_at) if self._fresh.cells else self._tidy_at
        if self.trouble:
            due = self._retry_at
        return max(0.0, due - time.monotonic())

    def _round(self) -> None:
        """Everything that waits, and what is due."""
        asks = list(self._asks)
        hurried = bool(asks) or self._stop.is_set()
        try:
            if (book := self._opened()) is not None:
                # What comes meanwhile is gathered: written as it comes, it would be in handfuls.
                waiting = len(self._batch) + len(self._queue)
                while self._take():
                    waiting -= len(self._batch)
                    self._write(book)
                    self._tidy(book)
                    if waiting <= 0 and not self._stop.is_set():
                        break
                if self._fresh.cells and (hurried or time.monotonic() >= self._sums_at):
                    book.sums(self._fresh, self._unix())
                    self._fresh = Fresh()
                    self._sums_at = time.monotonic() + SUMS_S
                self._tidy(book)
                self._well()
        except (sqlite3.Error, OSError, InUse, TooNew, Unsound) as error:
            self._failed(error)
        except Exception:
            log.exception("the history cannot be written; it is tried again in %g s", RETRY_S)
            self._rest("it cannot be written")
        for ask in asks:
            self._asks.popleft()
            ask.set()

    def _opened(self) -> Book | None:
        """The open file; None while it is not yet time to try again."""
        if time.monotonic() < self._retry_at and not self._stop.is_set():
            return None
        if self._book is not None and not self._suspected:
            if self.most_pages is not None:
                self._book.allow(self.most_pages)
            return self._book
        self._shut()
        make(self.path)
        self._lock.take()
        try:
            connection = self._sound()
        except (sqlite3.DatabaseError, Unsound) as error:
            if not damaged(error):
                raise
            aside = set_aside(self.path)
            log.warning(
                "the history in %s was damaged (%s); it was put aside as %s and a new one begun. "
                "`sqlite3 %s .recover` may save what was in it",
                self.path,
                error,
                aside.name,
                aside.name,
            )
            make(self.path)
            connection = self._sound()
        self._book = Book(connection, self._days, self._most_bytes)
        if self.most_pages is not None:
            self._book.allow(self.most_pages)
        self._suspected = False
        self.readable.set()
        return self._book

    def _sound(self) -> sqlite3.Connection:
        """The file, once it has shown that it can be read; closely looked at on suspicion."""
        connection = open_writer(self.path)
        try:
            connection.execute("SELECT max(n) FROM chunks").fetchone()
            if self._suspected:
                (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                if said != "ok":
                    raise Unsound(str(said)[:200])
        except BaseException:
            connection.close()
            raise
        return connection

    def _take(self) -> bool:
        """Fill the batch from the queues; False where there is nothing to write."""
        with contextlib.suppress(IndexError):
            while len(self._batch) < BATCH:
                self._batch.append(self._queue.popleft())
        with contextlib.suppress(IndexError):
            while len(self._batch_changes) < BATCH:
                self._batch_changes.append(self._changes.popleft())
        return bool(self._batch or self._batch_changes)

    def _write(self, book: Book) -> None:
        """The batch in one transaction. What fails is kept for the next time."""
        ends = book.add(self._batch, self._batch_changes, self._unix(), self._breathe)
        self._fresh.see(ends, self._breathe)
        self.written += len(ends)
        self.lost += len(self._batch) - len(ends)
        self._batch.clear()
        self._batch_changes.clear()

    def _well(self) -> None:
        """A round went through."""
        if self.trouble:
            log.info("%s is written again", self.path)
            self.trouble = ""
        if self.lost > self._told:
            log.warning(
                "%d requests are missing in %s: it could not be written in time",
                self.lost - self._told,
                self.path,
            )
            self._told = self.lost

    def _breathe(self) -> None:
        """Let whoever waits for the interpreter have it, unless there is no time for that."""
        if len(self._queue) < QUEUE // 2 and not self._hurry.is_set():
            time.sleep(BREATH_S)

    def _tidy(self, book: Book) -> None:
        """Take away what is too old or too much, and put together what is small."""
        if time.monotonic() < self._tidy_at or self._stop.is_set():
            return
        more = self._converts(book) or book.prune(self._unix()) or book.merge(self._breathe)
        if not more and time.monotonic() >= self._sweep_at:
            book.sweep(self._unix())
            self._sweep_at = time.monotonic() + SWEEP_S
        self._tidy_at = time.monotonic() + (PAUSE_S if more else TIDY_S)

    def _converts(self, book: Book) -> bool:
        return all(book.convert(self._breathe) for _ in range(CONVERTED))

    # ---- trouble

    def _failed(self, error: Exception) -> None:
        """Say once why nothing is written, and wait; what is damaged is looked at again at once."""
        if damaged(error) and not self._suspected:
            self._suspected = True
            self._shut()
            self._rouse()
            return
        why = sentence(self.path, error)
        if why != self.trouble:
            log.warning("%s. It is tried again every %g s", why, RETRY_S)
        self._rest(why, readable=full(error))

    def _rest(self, why: str, *, readable: bool = False) -> None:
        """Wait for better times; what is in the file may be asked meanwhile."""
        self.trouble = why
        self._retry_at = time.monotonic() + RETRY_S
        if readable and self._book is not None:
            with contextlib.suppress(sqlite3.Error):
                self._book.undo()
                return
        self._shut()

    def _shut(self) -> None:
        """Close the file; a transaction that is open is undone."""
        self.readable.clear()
        book, self._book = self._book, None
        if book is not None:
            with contextlib.suppress(sqlite3.Error):
                book.close()
