"""Long lines folded at blanks, so that a small terminal cuts no sentence short."""

from __future__ import annotations

import re

from tui.clean import clean, width
from tui.render.cells import Cell, Line

_WORDS = re.compile(r"\s*\S+|\s+\Z")
"""Words with the blanks before them, and blanks at the end."""


def wrap(pieces: Line, columns: int, indent: int) -> tuple[Line, ...]:
    """`pieces` in lines of at most `columns`; those after the first begin `indent` further in.

    A word longer than a line is left to be cut where it is painted.
    """
    if sum(width(clean(text)) for text, _ in pieces) <= columns or columns <= indent * 2:
        return (pieces,)
    lines: list[Line] = []
    current: list[Cell] = []
    used = 0
    for text, role in pieces:
        for word in _WORDS.findall(clean(text)):
            size = width(word)
            if used + size > columns and used > indent:
                lines.append(tuple(current))
                word = word.lstrip()
                current, used, size = [Cell(" " * indent)], indent, width(word)
            current.append(Cell(word, role))
            used += size
    lines.append(tuple(current))
    return tuple(lines)
