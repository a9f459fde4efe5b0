"""Where the history file stands: made for its owner alone, used by one process, never deleted."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import IO

_PARTS = ("", "-wal", "-shm")
"""What belongs to a database file."""


class InUse(Exception):
    """Another process writes this file."""


class Lock:
    """Keeps a second Nexus from the file: SQLite would bear two writers, their sums would not.

    The system lets go of it when the process ends, however it ends.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Raises InUse, or OSError where nothing can be written there. Idempotent."""
        if self._file is not None:
            return
        file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            _lock(file)
        except OSError:
            file.close()
            raise InUse from None
        self._file = file

    def release(self) -> None:
        """Let others have it. Idempotent."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _lock(file: IO[bytes]) -> None:
    """Raises OSError where another process has it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def make(path: Path) -> None:
    """An empty file for its owner alone, where there is none. Raises OSError.

    SQLite gives the files beside it the same mode.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with contextlib.suppress(OSError):  # one that an older umask left open
        path.chmod(0o600)


def set_aside(path: Path) -> Path:
    """Give a damaged file another name, with all that belongs to it. Raises OSError."""
    first = f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    aside, number = path.with_name(first), 1
    while aside.exists():
        aside, number = path.with_name(f"{first}-{number}"), number + 1
    for part in _PARTS:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + part).rename(aside.with_name(aside.name + part))
    return aside
