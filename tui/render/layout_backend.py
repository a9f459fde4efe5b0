"""How the page about one backend is shared out. Pure, so that every size can be tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tui.render.layout import FRAME, HEAD

PANES: tuple[str, ...] = ("models", "failing", "past", "told")
"""Tables beside the list, in order."""
MODEST = {"models": 6, "failing": 5, "past": 5, "told": 9}
"""Rows of each while another one has the focus."""
EAGER = 14
"""Rows of the one that has it, at most, before the others get theirs."""
WIDE = 150
"""From this width they stand in two columns."""
ABREAST = 84
"""From this width of their column the two charts stand side by side."""
SUMMARY = 3
"""Lines about the moment."""


@dataclass(frozen=True, slots=True)
class BackendLayout:
    """Heights in lines; 1 shows a table's title only."""

    list_width: int
    left_width: int
    """Of the column with charts and models; all there is where there is one column."""
    charts: int
    tables: Mapping[str, int]
    two_columns: bool
    abreast: bool
    """The charts stand side by side."""


def plan_backend(
    width: int, height: int, rows: Mapping[str, int], focus: str, summary: int = SUMMARY
) -> BackendLayout:
    """Share the page among the list, the charts and tables holding that many rows.

    Args:
        focus: one of `PANES`, or anything else for the list.
        summary: lines about the moment.
    """
    side = side_of(width)
    across = width - side - 1
    room = height - FRAME - summary
    all_rows = {name: HEAD + rows[name] if rows.get(name) else 1 for name in PANES}
    want = {name: min(all_rows[name], HEAD + most) for name, most in MODEST.items()}
    if focus in PANES:
        want[focus] = HEAD + max(1, min(rows.get(focus, 0), EAGER))
    if width >= WIDE:
        left = (across + 1) * 55 // 100
        abreast = left >= ABREAST
        charts = max(room // 2, min(12 if abreast else 36, room - want["models"] - 2))
        right = dict.fromkeys(PANES[1:], 1)
        spare = _grow_all(right, want, room - len(right), focus)
        _spread(right, all_rows, spare, focus)
        tables = {"models": room - charts, **right}
        return BackendLayout(side, left, charts, tables, True, abreast)
    abreast = across >= ABREAST
    best = 9 if abreast else 13
    tables = dict.fromkeys(PANES, 1)
    spare = room - len(PANES)
    if focus in PANES:
        spare -= _grow(tables, focus, want[focus], spare)
    charts = min(best, spare)
    charts = charts if charts >= 5 else 0
    spare = _grow_all(tables, want, spare - charts, focus)
    if charts:
        more = min(spare, 16 - charts)
        charts, spare = charts + more, spare - more
    _spread(tables, all_rows, spare, focus)
    return BackendLayout(side, across, charts, tables, False, abreast)


def side_of(width: int) -> int:
    """Columns of the list at the left."""
    return 18 if width < 76 else 24 if width < 110 else 30


def _grow_all(tables: dict[str, int], want: Mapping[str, int], spare: int, focus: str) -> int:
    """Open what there is room for, the one with the focus first; returns what is left."""
    for name in sorted(tables, key=lambda name: name != focus):
        spare -= _grow(tables, name, want[name], spare)
    return spare


def _spread(tables: dict[str, int], all_rows: Mapping[str, int], spare: int, focus: str) -> None:
    """Spend all that is left: every row of every table, a blank line below each, the rest."""
    spare = _grow_all(tables, all_rows, spare, "")
    for name, height in tables.items():
        if height > 1 and spare > 0:
            tables[name] += 1
            spare -= 1
    tables[_last_open(tables, focus)] += spare


def _grow(tables: dict[str, int], name: str, want: int, spare: int) -> int:
    """Open a table as far as it wants and there is room; returns the lines it took."""
    more = min(want - tables[name], spare)
    if more <= 0 or tables[name] + more < HEAD + 1:
        return 0
    tables[name] += more
    return more


def _last_open(tables: Mapping[str, int], focus: str) -> str:
    if focus in tables:
        return focus
    opened = [name for name, height in tables.items() if height > 1]
    return opened[-1] if opened else next(iter(tables))
