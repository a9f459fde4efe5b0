"""A text to be selected by hand, where no way leads to the clipboard."""

from __future__ import annotations

from tui.clipboard import harmless
from tui.render.cells import Cell, Line, Role, line
from tui.screens.modal import Reader
from tui.views import Frame


class ShownText(Reader):
    """The text and how to take it."""

    indent = 0
    hints = "esc back   ↑↓ scroll   shift+drag selects"

    def __init__(self, what: str, text: str) -> None:
        super().__init__()
        self._what = what
        self._lines = tuple(line(part) for part in harmless(text).split("\n"))

    def title_line(self) -> Line:
        return line(
            Cell(self._what, Role.STRONG), Cell("   the clipboard cannot take it here", Role.DIM)
        )

    def body(self, frame: Frame) -> tuple[Line, ...]:
        return self._lines
