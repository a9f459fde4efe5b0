"""Lines of cells that change in place: header, tiles, footer, details."""

from __future__ import annotations

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.clean import clean, fit, width
from tui.render.cells import Cell, Line
from tui.widgets.paint import ground, line_strip, palette_of


class TextLines(Widget):
    """Shows lines from the top; only lines that changed are painted again. May scroll."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)
        self._lines: tuple[Line, ...] = ()
        self.top = 0
        """Number of the first visible line."""

    def show(self, lines: tuple[Line, ...]) -> None:
        """Replace the lines."""
        old, self._lines = self._lines, lines
        if len(old) != len(lines):
            self.top = max(0, min(self.top, len(lines) - self.size.height))
            self.refresh()
            return
        for y in range(self.size.height):
            number = y + self.top
            if number < len(lines) and lines[number] != old[number]:
                self.refresh(Region(0, y, self.size.width, 1))

    def scroll_lines(self, lines: int) -> None:
        """Move the view, within the text."""
        top = max(0, min(self.top + lines, len(self._lines) - self.size.height))
        if top != self.top:
            self.top = top
            self.refresh()

    @property
    def hidden_below(self) -> int:
        """Lines that do not fit below."""
        return max(0, len(self._lines) - self.top - self.size.height)

    def render_line(self, y: int) -> Strip:
        number = y + self.top
        pieces = self._lines[number] if number < len(self._lines) else ()
        return line_strip(pieces, self.size.width, palette_of(self)).apply_style(ground(self))


class Bar(TextLines):
    """One line with a left and a right part; the right one goes first when room is short."""

    def show_parts(self, left: Line, right: Line) -> None:
        """Replace both parts."""
        used = sum(width(clean(cell.text)) for cell in left)
        space = self.size.width - used - sum(width(clean(cell.text)) for cell in right)
        if space < 1:
            self.show((left,))
        else:
            self.show(((*left, Cell(" " * space), *right),))

    def show_between(self, left: Line, right: Line) -> None:
        """Replace both parts; the left one is cut where room is short."""
        room = self.size.width - sum(width(clean(cell.text)) for cell in right) - 1
        pieces: list[Cell] = []
        for text, role in left:
            text = clean(text)
            size = width(text)
            if size > room:
                pieces.append(Cell(fit(text, room), role))
                room = 0
                break
            pieces.append(Cell(text, role))
            room -= size
        self.show(((*pieces, Cell(" " * (room + 1)), *right),))
