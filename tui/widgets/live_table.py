"""A table for live data: one cached strip per row, and only rows that changed are painted.

Stock `DataTable` renders every visible cell again for one change, which blocks the gateway's loop
for tens of milliseconds. Here a frame costs what changed. The cursor is held by row key, so rows
may come, go and change places under it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.render.cells import Cell, Line, Role
from tui.render.columns import Column, Fitted, fit_columns
from tui.render.layout import HEAD
from tui.widgets.paint import GUTTER, ground, head_strip, palette_of, row_strip, title_strip

AT_ONCE = 5
"""Rows painted at once while a gateway is at work beside it: a millisecond."""

WIDE = 116
"""From this width columns stand two blanks apart."""


class Rows(Protocol):
    """What a table shows. Cells are asked for visible rows only, once per frame."""

    @property
    def columns(self) -> Sequence[Column]: ...
    @property
    def keys(self) -> Sequence[Hashable]:
        """Row keys in order."""
        ...

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        """One cell per column."""
        ...


def gap_for(width: int) -> int:
    """Blanks between columns of a table that wide."""
    return 2 if width >= WIDE else 1


class LiveTable(Widget, can_focus=True):
    """Title, column heads, rows. Scrolls by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("enter", "open", "Detail", show=False),
    ]

    class Opened(Message):
        """Enter, or a second click, on a row."""

        def __init__(self, table: LiveTable, key: Hashable) -> None:
            super().__init__()
            self.table = table
            self.key = key

    class CursorMoved(Message):
        """The cursor went to another row."""

        def __init__(self, table: LiveTable) -> None:
            super().__init__()
            self.table = table

    class HeadClicked(Message):
        """A click on a column title."""

        def __init__(self, table: LiveTable, column: Column) -> None:
            super().__init__()
            self.table = table
            self.column = column

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, markup=False)
        self._rows: Rows | None = None
        self._title: Line = ()
        self._sort = ""
        self._fitted: tuple[Fitted, ...] = ()
        self._shape: tuple[object, ...] = ()
        self._painted: dict[int, tuple[tuple[Cell, ...] | None, bool]] = {}
        self._strips: dict[int, Strip] = {}
        self._syncs = 0
        """Comparisons with the screen that have begun."""
        self._index = 0
        self.top = 0
        """Number of the first visible row."""
        self.cursor: Hashable | None = None
        """Key of the row under the cursor."""

    @property
    def room(self) -> int:
        """Rows that fit."""
        return max(0, self.size.height - HEAD)

    @property
    def keys(self) -> Sequence[Hashable]:
        return self._rows.keys if self._rows else ()

    @property
    def rows(self) -> Rows | None:
        """What is shown; None before the first frame."""
        return self._rows

    def width_of(self, index: int) -> int:
        """Width of column number `index`; 0 while it is not shown."""
        return next((fitted.width for fitted in self._fitted if fitted.index == index), 0)

    def position(self) -> Line:
        """`   4-9 of 20` while not all rows fit, for the title."""
        total = len(self.keys)
        if self.room <= 0 or total <= self.room:
            return ()
        last = min(total, self.top + self.room)
        return (Cell(f"   {self.top + 1}-{last} of {total}", Role.DIM),)

    def show(self, rows: Rows, title: Line, sort: str = "") -> None:
        """Take this frame's rows; mark for painting what differs from the screen."""
        for _ in self.showing(rows, title, sort):
            pass

    def showing(self, rows: Rows, title: Line, sort: str = "") -> Iterator[None]:
        """The same in steps of a few rows, between which others may have the loop."""
        self._rows = rows
        self._hold(rows.keys)
        if title != self._title or sort != self._sort:
            self._title, self._sort = title, sort
            self._strips.pop(0, None)
            self._strips.pop(1, None)
            self.refresh(Region(0, 0, self.size.width, HEAD))
        yield from self._syncing()

    def _hold(self, keys: Sequence[Hashable]) -> None:
        """Keep the cursor on its key; when that is gone, on the same line."""
        if not keys:
            self._index, self.cursor = 0, None
        elif self.cursor is not None and self.cursor in keys:
            was_visible = self.top <= self._index < self.top + self.room
            self._index = keys.index(self.cursor)
            if was_visible:
                self._reveal()
        else:
            self._index = min(self._index, len(keys) - 1)
            self.cursor = keys[self._index]
        self.top = max(0, min(self.top, len(keys) - max(1, self.room)))

    def _reveal(self) -> None:
        if self._index < self.top:
            self.top = self._index
        elif self._index >= self.top + self.room:
            self.top = max(0, self._index - self.room + 1)

    def _sync(self) -> None:
        for _ in self._syncing():
            pass

    def _syncing(self) -> Iterator[None]:
        """Compare what should be on the screen with what is, line by line."""
        self._syncs += 1
        mine, changed = self._syncs, 0
        rows = self._rows
        width = self.size.width
        if rows is None or not width:
            return
        shape = (width, self.size.height, rows.columns, self.has_focus, palette_of(self))
        if shape != self._shape:
            self._shape = shape
            gap = gap_for(width)
            self._fitted = fit_columns(rows.columns, width - GUTTER - 1, gap)
            self._painted.clear()
            self._strips.clear()
            self.refresh()
        keys = rows.keys
        for y in range(self.room):
            number = self.top + y
            want: tuple[tuple[Cell, ...] | None, bool]
            if number < len(keys):
                want = (rows.cells(keys[number]), number == self._index and self.has_focus)
            else:
                want = (None, False)
            if self._painted.get(y) != want:
                self._painted[y] = want
                self._strips.pop(y + HEAD, None)
                self.refresh(Region(0, y + HEAD, width, 1))
                changed += 1
                if changed % AT_ONCE == 0:
                    yield
                    if self._syncs != mine:  # another one has begun, and does all
                        return

    def render_line(self, y: int) -> Strip:
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._strip(y).apply_style(ground(self))
        return strip

    def _strip(self, y: int) -> Strip:
        width = self.size.width
        palette = palette_of(self)
        if y == 0:
            return title_strip(self._title, width, palette, focused=self.has_focus)
        if y == 1:
            return head_strip(self._fitted, gap_for(width), width, palette, self._sort)
        cells, cursor = self._painted.get(y - HEAD, (None, False))
        if cells is None:
            return Strip.blank(width)
        return row_strip(cells, self._fitted, gap_for(width), width, palette, cursor=cursor)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._shape = ()
        self._sync()

    def on_focus(self) -> None:
        self._sync()

    def on_blur(self) -> None:
        self._sync()

    def on_resize(self) -> None:
        self._hold(self.keys)
        self._reveal()
        self._sync()

    def action_move(self, by: int) -> None:
        self.go(self._index + by)

    def action_page(self, by: int) -> None:
        self.go(self._index + by * max(1, self.room - 1))

    def action_edge(self, side: int) -> None:
        self.go(0 if side < 0 else len(self.keys) - 1)

    def action_open(self) -> None:
        if self.cursor is not None:
            self.post_message(self.Opened(self, self.cursor))

    def go(self, index: int) -> None:
        """Put the cursor on row number `index`, as near as there is one, and show it."""
        keys = self.keys
        if not keys:
            return
        before = self.cursor
        self._index = max(0, min(index, len(keys) - 1))
        self.cursor = keys[self._index]
        self._reveal()
        self._sync()
        if self.cursor != before:
            self.post_message(self.CursorMoved(self))

    def start_over(self) -> None:
        """The rows that come next are other ones: begin at the first."""
        self._index, self.top, self.cursor = 0, 0, None

    def scroll_rows(self, by: int) -> None:
        """Move the view; the cursor stays on its row, in sight or not."""
        self.top = max(0, min(self.top + by, len(self.keys) - max(1, self.room)))
        self._sync()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_rows(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_rows(-3)

    def on_click(self, event: events.Click) -> None:
        if event.y == 1:
            at = GUTTER
            for number, fitted in enumerate(self._fitted):
                at += fitted.column.space(gap_for(self.size.width)) if number else 0
                if at <= event.x < at + fitted.width:
                    self.post_message(self.HeadClicked(self, fitted.column))
                at += fitted.width
        elif event.y >= HEAD and (row := self.top + event.y - HEAD) < len(self.keys):
            self.go(row)
            if event.chain == 2:
                self.action_open()
