"""Tables for a terminal: they fit its width, numbers stand on the right, long cells are wrapped.

Cells must be clean (`nexus.domain.text.clean`); colour is added after measuring. Pure. No
dataclasses, whose import takes longer than all else here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from nexus.domain.text import width

GAP = "  "
NARROWEST = 6
"""Columns are not made narrower than this to fit."""


class Column(NamedTuple):
    """A column's heading and looks."""

    title: str
    right: bool = False
    short: bool = False
    """Gives room only when the others have none left."""
    paint: Callable[[str], str] = str
    """Adds colour to a padded piece of a cell; must not change what is seen of it."""


def render(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], columns_wide: int | None = None
) -> str:
    """The table as text without a final newline.

    Args:
        columns: headings, from left to right.
        rows: cells, one per column.
        columns_wide: what the terminal holds; None for as wide as it comes (a pipe).
    """
    table = [tuple(column.title for column in columns), *rows]
    sizes = [max(width(row[at]) for row in table) for at in range(len(columns))]
    if columns_wide is not None:
        room = columns_wide - len(GAP) * (len(columns) - 1)
        _shrink(sizes, room, [at for at, column in enumerate(columns) if not column.short])
        _shrink(sizes, room, list(range(len(columns))))
    lines: list[str] = []
    for number, row in enumerate(table):
        wrapped = [wrap(cell, size) for cell, size in zip(row, sizes, strict=True)]
        for line in range(max(map(len, wrapped))):
            pieces = [pieces[line] if line < len(pieces) else "" for pieces in wrapped]
            lines.append(_line(columns, pieces, sizes, plain=number == 0))
    return "\n".join(lines)


def wrap(cell: str, size: int) -> list[str]:
    """`cell` in pieces of at most `size` columns, cut after blanks or punctuation if any."""
    pieces: list[str] = []
    rest = cell
    while width(rest) > size:
        end = _characters_in(rest, size)
        after = rest.rfind(" ", 1, end) + 1 or max(rest.rfind(mark, 1, end) for mark in "/:,-_") + 1
        cut = after or end
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest]


def _characters_in(text: str, size: int) -> int:
    """How many characters of `text` fill `size` columns; at least one."""
    used = 0
    for at, char in enumerate(text):
        used += width(char)
        if used > size:
            return max(at, 1)
    return len(text)


def _shrink(sizes: list[int], room: int, among: Sequence[int]) -> None:
    """Narrow the widest of the columns `among` until all fit or those are at their narrowest."""
    while among and sum(sizes) > room:
        widest = max(among, key=lambda at: sizes[at])
        if sizes[widest] <= NARROWEST:
            return
        sizes[widest] -= 1


def _line(
    columns: Sequence[Column], pieces: Sequence[str], sizes: Sequence[int], *, plain: bool
) -> str:
    shown: list[str] = []
    for column, piece, size in zip(columns, pieces, sizes, strict=True):
        pad = " " * (size - width(piece))
        painted = piece if plain or not piece else column.paint(piece)
        shown.append(pad + painted if column.right else painted + pad)
    return GAP.join(shown).rstrip()
