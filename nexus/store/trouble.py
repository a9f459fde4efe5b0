"""What may be wrong with the history file, in sentences that say what to do."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from nexus.store.place import InUse
from nexus.store.schema import TooNew

_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})


class Unsound(Exception):
    """A close look found that the file is not what SQLite wrote."""


def damaged(error: Exception) -> bool:
    """Whether the file itself is at fault."""
    return isinstance(error, Unsound) or _code(error) in _DAMAGED


def full(error: Exception) -> bool:
    """Whether there is no room: what is in the file can be read all the same."""
    return _code(error) == sqlite3.SQLITE_FULL


def sentence(path: Path, error: Exception) -> str:
    """Why requests are remembered in memory only, and what would change that."""
    if isinstance(error, InUse):
        why = f"{path} is in use by another Nexus"
        remedy = "give this one a file of its own with history.path"
    elif isinstance(error, TooNew):
        why = f"{path} was written by a later version of Nexus"
        remedy = "update this one, or give it a file of its own with history.path"
    elif full(error):
        why = f"{path} cannot grow because the disk is full"
        remedy = "make room, or set history.path to another disk"
    else:
        said = str(error)
        if isinstance(error, OSError):
            said = (error.strerror or type(error).__name__).lower()
        why = f"{path} cannot be written ({said})"
        remedy = "look at the disk, or set history.path to another one"
        if isinstance(error, OSError) or _code(error) in _LOCKED:
            remedy = "make it and its folder writable, or set history.path"
    return f"{why}, so requests are remembered in memory only; {remedy}"


def _code(error: Exception) -> int:
    """SQLite's primary code; 0 where there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
