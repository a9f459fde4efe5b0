"""A pane of text under a title: scrolls with the keys while it has the focus."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip
from textual.widget import Widget

from tui.clean import clean
from tui.clean import width as columns_of
from tui.render.cells import Cell, Line, Role
from tui.render.wrap import wrap
from tui.widgets.paint import GUTTER, ground, line_strip, palette_of, title_strip

EDGE = 2
"""Blank columns left of the text."""


class ReadingPane(Widget, can_focus=True):
    """Title, then lines folded to the width."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("home,g", "scroll(-99999)", "Top", show=False),
        Binding("end,G", "scroll(99999)", "End", show=False),
    ]

    def __init__(self, *, id: str, indent: int) -> None:
        """`indent`: where a folded line goes on."""
        super().__init__(id=id, markup=False)
        self._indent = indent
        self._title: Line = ()
        self._given: tuple[Line, ...] = ()
        self._lines: tuple[Line, ...] = ()
        self._painted: tuple[object, ...] = ()
        self._subject: str = ""
        self.top = 0
        """Number of the first visible line."""

    @staticmethod
    def text_width_in(columns: int) -> int:
        """Columns of a line in a pane that wide."""
        return max(1, columns - EDGE - 1)

    @property
    def room(self) -> int:
        """Lines that fit."""
        return max(0, self.size.height - 1)

    def show(self, subject: str, title: Line, lines: tuple[Line, ...]) -> None:
        """Show this text; another subject begins at its top."""
        if subject != self._subject:
            self._subject, self.top = subject, 0
        self._title, self._given = title, lines
        self._fold()

    def _fold(self) -> None:
        width = self.text_width_in(self.size.width)
        self._lines = tuple(p for whole in self._given for p in wrap(whole, width, self._indent))
        self.top = max(0, min(self.top, len(self._lines) - self.room))
        shown = (self._title, self._lines, self.top, self.size, self.has_focus)
        if shown != self._painted:
            self._painted = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        palette, width = palette_of(self), self.size.width
        if y == 0:
            below = len(self._lines) - self.top - self.room
            room = width - GUTTER - 2 - sum(columns_of(clean(cell.text)) for cell in self._title)
            said = f"  ↓ {below} more"
            said = said if len(said) <= room else f"  ↓ {below}"
            more = (Cell(said, Role.WARN),) if below > 0 else ()
            strip = title_strip((*self._title, *more), width, palette, focused=self.has_focus)
        else:
            number = self.top + y - 1
            pieces = self._lines[number] if number < len(self._lines) else ()
            strip = line_strip((Cell(" " * EDGE), *pieces), width, palette)
        return strip.apply_style(ground(self))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painted = ()

    def on_resize(self) -> None:
        self._fold()

    def on_focus(self) -> None:
        self._fold()

    def on_blur(self) -> None:
        self._fold()

    def action_scroll(self, lines: int) -> None:
        self.top = max(0, min(self.top + lines, len(self._lines) - self.room))
        self._fold()

    def action_page(self, by: int) -> None:
        self.action_scroll(by * max(1, self.room - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll(-3)
