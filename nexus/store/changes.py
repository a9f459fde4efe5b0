"""Rows of `changes`: who changed what. Written in the writer's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Final, cast

from nexus.domain.audit import AuditEntry, Facts
from nexus.domain.text import clean

CHARS: Final = 400
FACTS_CHARS: Final = 100_000
"""Of one side of a change. A configuration fits; what does not is told to be too long."""


def write(connection: sqlite3.Connection, entries: Iterable[AuditEntry]) -> None:
    """Append changes."""
    connection.executemany(
        "INSERT INTO changes (at, who, role, action, target, before, after, outcome)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                each.at,
                clean(each.who, CHARS),
                clean(each.role, CHARS),
                clean(each.action, CHARS),
                clean(each.target, CHARS),
                _dumped(each.before),
                _dumped(each.after),
                clean(each.outcome, CHARS),
            )
            for each in entries
        ],
    )


def last(connection: sqlite3.Connection, limit: int) -> list[AuditEntry]:
    """The newest first."""
    rows: Iterable[tuple[Any, ...]] = connection.execute(
        "SELECT at, who, role, action, target, before, after, outcome FROM changes"
        " ORDER BY n DESC LIMIT ?",
        (limit,),
    )
    return [
        AuditEntry(at, who, role, action, target, _loaded(before), _loaded(after), outcome)
        for at, who, role, action, target, before, after, outcome in rows
    ]


def _dumped(facts: Facts | None) -> str | None:
    if facts is None:
        return None
    text = json.dumps(facts, default=str)
    return text if len(text) <= FACTS_CHARS else json.dumps({"too_long": len(text)})


def _loaded(text: str | None) -> Facts | None:
    return None if text is None else cast("Facts", json.loads(text))
