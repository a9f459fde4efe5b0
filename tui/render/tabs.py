"""The line that names the pages, with their digits."""

from __future__ import annotations

from tui.render.cells import Cell, Line, Role
from tui.render.pages import PAGES


def tabs(current: str, width: int) -> Line:
    """` 1 Fleet  2 Backend ...`; the page shown is marked by brackets, not only by colour."""
    pieces: list[Cell] = []
    gap = "  " if width >= 100 else ""
    for number, name in enumerate(PAGES, 1):
        if name == current:
            pieces += [Cell(f"[{number} ", Role.ACCENT), Cell(name.capitalize(), Role.STRONG)]
            pieces += [Cell("]", Role.ACCENT), Cell(gap)]
        else:
            pieces += [
                Cell(f" {number} ", Role.ACCENT),
                Cell(f"{name.capitalize()} {gap}", Role.DIM),
            ]
    return tuple(pieces)


def tab_at(current: str, width: int, x: int) -> str | None:
    """The page whose name is at this column."""
    at = number = 0
    for cell in tabs(current, width):
        number += cell.text.strip(" [").isdecimal()
        at += len(cell.text)
        if x < at:
            return PAGES[number - 1]
    return None
