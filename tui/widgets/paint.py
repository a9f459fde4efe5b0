"""Cells to strips. The only door to the screen for texts, so the sanitiser stands here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.strip import Strip
from textual.widget import Widget

from tui.clean import clean, fit, width
from tui.render.cells import Cell, Line, Role
from tui.render.columns import Fitted
from tui.theme import PALETTES, Palette, palette_from

GUTTER = 2
"""Columns left of every row: the cursor's mark and a blank."""


def palette_of(widget: Widget) -> Palette:
    """The palette that belongs to the theme in use."""
    app = cast("App[object]", widget.app)  # pyright: ignore[reportUnknownMemberType]
    found = PALETTES.get(app.theme)
    if found is None:  # one of Textual's
        found = PALETTES[app.theme] = palette_from(app.current_theme)
    return found


def ground(widget: Widget) -> Style:
    """The background that belongs under a widget's strips."""
    return Style(bgcolor=widget.background_colors[1].rich_color)


def line_strip(pieces: Line, columns: int, palette: Palette) -> Strip:
    """One line of cells, cut or padded to `columns`."""
    segments: list[Segment] = []
    room = columns
    for text, role in pieces:
        if room <= 0:
            break
        text = clean(text)
        size = width(text)
        if size > room:
            text, size = fit(text, room), room
        segments.append(Segment(text, palette.roles[role]))
        room -= size
    if room > 0:
        segments.append(Segment(" " * room))
    return Strip(segments, columns)


def row_strip(
    cells: Sequence[Cell],
    columns: Sequence[Fitted],
    gap: int,
    total: int,
    palette: Palette,
    *,
    cursor: bool,
) -> Strip:
    """One table row in `total` columns; the row under the cursor has a mark and a background."""
    roles = palette.roles
    over = palette.cursor if cursor else None
    segments = [Segment("▌ " if cursor else "  ", palette.focused + (over or Style.null()))]
    used = GUTTER
    for number, fitted in enumerate(columns):
        text, role = cells[fitted.index]
        style = roles[role]
        if number:
            space = fitted.column.space(gap)
            segments.append(Segment(" " * space, over))
            used += space
        text = fit(text, fitted.width, right=fitted.column.right)
        segments.append(Segment(text, style + over if over else style))
        used += fitted.width
    if used < total:
        segments.append(Segment(" " * (total - used), over))
    strip = Strip(segments, max(used, total))
    return strip if used <= total else strip.crop(0, total)


def head_strip(
    columns: Sequence[Fitted], gap: int, total: int, palette: Palette, sort: str
) -> Strip:
    """Column titles; the one the table is sorted by carries a mark."""
    style = palette.roles[Role.HEAD]
    segments = [Segment(" " * GUTTER)]
    for number, fitted in enumerate(columns):
        column = fitted.column
        sorted_by = bool(sort) and column.sort == sort
        title = f"{column.title}▾" if sorted_by else column.title
        if number:
            segments.append(Segment(" " * column.space(gap)))
        shown = style + Style(bold=True) if sorted_by else style
        segments.append(Segment(fit(title, fitted.width, right=column.right), shown))
    return Strip(segments).adjust_cell_length(total)


def title_strip(title: Line, total: int, palette: Palette, *, focused: bool) -> Strip:
    """A section's title, continued by a rule to the edge."""
    style = palette.focused if focused else palette.roles[Role.STRONG]
    segments = [Segment("▌ " if focused else "  ", palette.focused)]
    used = GUTTER
    for number, (text, role) in enumerate(title):
        text = clean(text)
        if used + width(text) > total - 2:
            text = fit(text, max(0, total - 2 - used))
        segments.append(Segment(text, style if number == 0 else palette.roles[role]))
        used += width(text)
    segments.append(Segment(" "))
    segments.append(Segment("─" * max(0, total - used - 2), palette.rule))
    return Strip(segments).adjust_cell_length(total)
