"""What people changed, as rows and in full: who, what, before, after, and whether it came about."""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import cast

from nexus.domain.audit import DONE, AuditEntry, Facts
from tui.clean import clean
from tui.render.cells import BLANK, UNKNOWN, Cell, Line, Role, line
from tui.render.columns import Column
from tui.render.numbers import clock, stamp

COLUMNS = (
    Column("TIME", 8),
    Column("OUTCOME", 8),
    Column("WHO", 10),
    Column("ROLE", 8, drop=2),
    Column("ACTION", 10),
    Column("TARGET", 12, widest=18),
    Column("CHANGE", 16, widest=200, drop=1),
)


class ChangesView:
    """Rows of changes, the newest first."""

    def __init__(self) -> None:
        self._entries: tuple[AuditEntry, ...] = ()
        self._chosen: tuple[AuditEntry, ...] = ()
        self._words = ""
        self._utc_offset_s = 0
        self.keys: Sequence[int] = ()

    @property
    def columns(self) -> Sequence[Column]:
        return COLUMNS

    @property
    def total(self) -> int:
        """Changes known."""
        return len(self._entries)

    def update(
        self,
        past: Sequence[AuditEntry],
        heard: Sequence[AuditEntry],
        words: str,
        utc_offset_s: int,
    ) -> None:
        """Take what was read (newest first) and what was heard since (newest last)."""
        self._words, self._utc_offset_s = words.lower(), utc_offset_s
        known = set(map(_id, past))
        fresh = [entry for entry in reversed(heard) if _id(entry) not in known]
        self._entries = (*fresh, *past)
        self._chosen = tuple(filter(self._matches, self._entries))
        # Counted from the oldest, so that a row keeps its key when newer ones come.
        self.keys = range(len(self._chosen) - 1, -1, -1)

    def _matches(self, entry: AuditEntry) -> bool:
        text = f"{entry.who} {entry.role} {entry.action} {entry.target} {entry.outcome} "
        text = (text + change(entry)).lower()
        return all(
            word[1:] not in text if word.startswith("!") and word[1:] else word in text
            for word in self._words.split()
        )

    def entry(self, key: Hashable) -> AuditEntry | None:
        """The change of a row."""
        at = len(self._chosen) - 1 - cast(int, key)
        return self._chosen[at] if 0 <= at < len(self._chosen) else None

    note_heads = ("AT",)

    def notes(self, key: Hashable) -> tuple[str, ...]:
        """What files say besides: the date too."""
        entry = self.entry(key)
        return (stamp(entry.at) if entry else "",)

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        entry = self.entry(key)
        if entry is None:
            return (UNKNOWN,) * len(COLUMNS)
        done = entry.outcome == DONE
        return (
            Cell(clock(entry.at, self._utc_offset_s), Role.DIM),
            Cell("● done", Role.OK) if done else Cell("✖ failed", Role.BAD),
            Cell(entry.who, Role.STRONG),
            Cell(entry.role, Role.DIM),
            Cell(entry.action, Role.ACCENT),
            Cell(entry.target, Role.INFO),
            Cell(change(entry) if done else entry.outcome, Role.TEXT if done else Role.BAD),
        )


def _id(entry: AuditEntry) -> tuple[float, str, str, str, str]:
    return (entry.at, entry.who, entry.action, entry.target, entry.outcome)


def change(entry: AuditEntry) -> str:
    """`priority 50 → 10`: only what differs."""
    before, after = entry.before or {}, entry.after or {}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name} {_word(before, name)} → {_word(after, name)}" for name in names)


def _word(facts: Facts, name: str) -> str:
    if name not in facts:
        return "-"
    value = facts[name]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def change_lines(entry: AuditEntry, utc_offset_s: int) -> tuple[Line, ...]:
    """Everything about one change."""
    done = entry.outcome == DONE
    lines = [
        line(
            Cell(clock(entry.at, utc_offset_s), Role.DIM),
            "  ",
            Cell(entry.who, Role.STRONG),
            Cell(f" ({entry.role})", Role.DIM),
        ),
        line(Cell(entry.action, Role.ACCENT), " ", Cell(entry.target, Role.INFO)),
        line(Cell("● done", Role.OK) if done else Cell(f"✖ {entry.outcome}", Role.BAD)),
        BLANK,
    ]
    before, after = entry.before or {}, entry.after or {}
    names = list({**before, **after})
    if not names:
        lines.append(line(Cell("Nothing was kept of before and after.", Role.DIM)))
    for name in names:
        was, now = _word(before, name), _word(after, name)
        differs = was != now
        lines.append(
            line(
                Cell("~ " if differs else "  ", Role.WARN),
                Cell(f"{clean(name):<18} ", Role.DIM),
                Cell(was, Role.DIM),
                Cell(f" → {now}" if differs else "", Role.STRONG),
            )
        )
    return tuple(lines)
