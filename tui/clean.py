"""Foreign text in terminal cells: cleaned as everywhere in Nexus, and cut or padded to columns.

Every text on the screen passes here, in `tui.widgets.paint`, in toasts and in the palette. Widths
are as `rich.cells` counts them, because rich places the cells.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from nexus.domain.text import LIMIT, MARK, clean

__all__ = ["LIMIT", "MARK", "clean", "fit", "width"]


def width(text: str) -> int:
    """Columns that clean `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Clean `text` in exactly `columns` columns: padded, or cut with an ellipsis."""
    if columns <= 0:
        return ""
    text = clean(text)
    size = width(text)
    if size > columns:
        text = set_cell_size(text, columns - 1) + "…" if columns > 1 else "…"
        return text if width(text) == columns else set_cell_size(text, columns)
    pad = " " * (columns - size)
    return pad + text if right else text + pad
