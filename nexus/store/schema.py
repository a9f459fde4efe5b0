"""The tables of the history file, and how an older file becomes a newer one.

```text
chunks     requests, up to a thousand in a row, which holds their columns (`nexus.store.part`) and
           what the least and the greatest of them is; what many share is named by number
kinds      models, backend, tenant, zone, status and needs of requests; 0 or -1 where there is none
facts      what requests were decided on, each state once: backends, models, pictures of the fleet,
           policies, shapes of needs, forms of plan and end. `used` is when a request last named it,
           to the hour
words      names of models, backends and tenants, likewise
minutes    sums and sketches by minute, backend and model, where 0 is all together; `hours` the
           same by hour
changes    who changed what
```

A version is never edited once released: a change is a further entry of `STEPS`. Version 1 had a row
of `requests` for each request; such a table is there until all of them are in chunks.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from nexus.store.convert import begin

BUSY_S: Final = 5.0
"""Seconds to wait for another connection's lock: backups and curious shells."""

WAL_BYTES: Final = 16_000_000
"""What a checkpoint leaves of the write-ahead log."""

_FIRST: Final = """
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  at REAL NOT NULL,
  kind INTEGER NOT NULL,
  duration_ms REAL,
  ttft_ms REAL,
  prompt INTEGER,
  completion INTEGER,
  speed REAL,
  error TEXT,
  code TEXT,
  estimate INTEGER,
  most INTEGER,
  policy INTEGER,
  picture INTEGER,
  detail BLOB
);
CREATE UNIQUE INDEX requests_id ON requests (id);
CREATE INDEX requests_at ON requests (at);
CREATE TABLE kinds (
  n INTEGER PRIMARY KEY,
  model INTEGER NOT NULL,
  actual INTEGER NOT NULL,
  backend INTEGER NOT NULL,
  tenant INTEGER NOT NULL,
  zone INTEGER NOT NULL,
  status INTEGER NOT NULL,
  needs INTEGER NOT NULL,
  used INTEGER NOT NULL,
  UNIQUE (model, actual, backend, tenant, zone, status, needs)
);
CREATE TABLE facts (
  n INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  body BLOB NOT NULL,
  used INTEGER NOT NULL
);
CREATE TABLE words (
  n INTEGER PRIMARY KEY,
  word TEXT NOT NULL UNIQUE,
  used INTEGER NOT NULL
);
CREATE TABLE minutes (
  backend INTEGER NOT NULL,
  model INTEGER NOT NULL,
  at INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  duration BLOB NOT NULL,
  ttft BLOB NOT NULL,
  speed BLOB NOT NULL,
  PRIMARY KEY (backend, model, at)
) WITHOUT ROWID;
CREATE TABLE hours (
  backend INTEGER NOT NULL,
  model INTEGER NOT NULL,
  at INTEGER NOT NULL,
  requests INTEGER NOT NULL,
  errors INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  prompt INTEGER NOT NULL,
  completion INTEGER NOT NULL,
  duration BLOB NOT NULL,
  ttft BLOB NOT NULL,
  speed BLOB NOT NULL,
  PRIMARY KEY (backend, model, at)
) WITHOUT ROWID;
CREATE TABLE changes (
  n INTEGER PRIMARY KEY,
  at REAL NOT NULL,
  who TEXT NOT NULL,
  role TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before TEXT,
  after TEXT,
  outcome TEXT NOT NULL
);
CREATE INDEX changes_at ON changes (at);
"""

_CHUNKS: Final = """
CREATE TABLE chunks (
  n INTEGER PRIMARY KEY,
  size INTEGER NOT NULL,
  since REAL NOT NULL,
  until REAL NOT NULL,
  least_id TEXT NOT NULL,
  greatest_id TEXT NOT NULL,
  at BLOB NOT NULL,
  kind BLOB NOT NULL,
  duration_ms BLOB NOT NULL,
  estimate BLOB NOT NULL,
  most BLOB NOT NULL,
  ids BLOB NOT NULL,
  errors BLOB NOT NULL,
  ended_at BLOB NOT NULL,
  ttft_ms BLOB NOT NULL,
  prompt BLOB NOT NULL,
  completion BLOB NOT NULL,
  speed BLOB NOT NULL,
  form BLOB NOT NULL,
  why BLOB NOT NULL,
  odd BLOB NOT NULL,
  turn BLOB NOT NULL,
  version BLOB NOT NULL,
  policy BLOB NOT NULL,
  picture BLOB NOT NULL,
  planned BLOB NOT NULL,
  places BLOB NOT NULL,
  told BLOB NOT NULL,
  loads BLOB NOT NULL
);
CREATE INDEX chunks_told ON chunks (until, since, size);
"""


def _second(connection: sqlite3.Connection) -> None:
    _run(connection, _CHUNKS)
    begin(connection)


STEPS: Final[tuple[str | Callable[[sqlite3.Connection], None], ...]] = (_FIRST, _second)
"""What leads from each version to the next, within a transaction; a new file takes all of them."""

VERSION: Final = len(STEPS)


class TooNew(Exception):
    """A later Nexus has written the file. It is left as it is."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes and makes checkpoints.

    Raises:
        sqlite3.Error: the file cannot be used.
        TooNew: a later version wrote it.
    """
    connection = sqlite3.connect(
        path, timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    try:
        # Takes effect in a new file only: room that pruning frees goes back to the disk.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        connection.execute("PRAGMA secure_delete = FAST")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def reading(path: Path) -> Generator[sqlite3.Connection]:
    """A connection for one question. It cannot write, and makes no checkpoints.

    Raises:
        sqlite3.Error: the file cannot be used.
    """
    uri = f"file:{quote(str(path))}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")  # one answer is of one moment, whatever is put together
        yield connection
    finally:
        connection.close()


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `VERSION`: each step whole or not at all.

    Raises:
        sqlite3.Error: it cannot be written.
        TooNew: a later version wrote it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise TooNew(str(version))
    for number, step in enumerate(STEPS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if isinstance(step, str):
                _run(connection, step)
            else:
                step(connection)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _run(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(statement)
