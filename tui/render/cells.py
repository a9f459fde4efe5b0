"""What every painter returns: pieces of text with the role they play, never a colour.

A theme turns roles into colours in one place (`tui.theme`). A role is never the only sign: the
text or a glyph says the same.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Role(Enum):
    """What a piece of text is, which decides how it looks."""

    TEXT = "text"
    STRONG = "strong"
    DIM = "dim"
    FAINT = "faint"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    INFO = "info"
    ACCENT = "accent"
    BADGE = "badge"
    HEAD = "head"


class Cell(NamedTuple):
    """Text in one role. The text may be hostile: it is cleaned when painted."""

    text: str
    role: Role = Role.TEXT


Line = tuple[Cell, ...]
"""Pieces painted one after another."""

BLANK: Line = ()
UNKNOWN = Cell("-", Role.FAINT)
"""No data. Never a zero."""


def known(text: str, role: Role = Role.TEXT) -> Cell:
    """A number as it was written; `-` looks like what it is."""
    return UNKNOWN if text == UNKNOWN.text else Cell(text, role)


def line(*pieces: Cell | str) -> Line:
    """A line from cells and plain strings."""
    return tuple(piece if isinstance(piece, Cell) else Cell(piece) for piece in pieces)
