"""A file's time and size: where they are what they were, nobody has edited it."""

from __future__ import annotations

from pathlib import Path

Mark = tuple[int, int]
"""Nanoseconds of its last change, bytes."""


def mark_of(path: Path | None) -> Mark | None:
    """The mark now; None where there is no such file."""
    try:
        stat = path.stat() if path is not None else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size) if stat is not None else None
