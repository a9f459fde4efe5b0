"""Columns that fit any width: the least important leave first, the growing ones share the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. Widths are in terminal columns."""

    title: str
    width: int
    """Narrowest useful width."""
    widest: int = 0
    """How far it may grow; 0 for not at all."""
    right: bool = False
    """Numbers stand right."""
    drop: int = 0
    """The largest leaves first; 0 stays for ever."""
    sort: str = ""
    """Name of the order this column stands for, if the table can be sorted by it."""

    def space(self, gap: int) -> int:
        """Blanks before it: numbers bring their own air, words need `gap`."""
        return 1 if self.right else gap


@dataclass(frozen=True, slots=True)
class Fitted:
    """A column that is shown."""

    index: int
    """Its place among all columns, and so in a row of cells."""
    column: Column
    width: int


def fit_columns(columns: Sequence[Column], width: int, gap: int) -> tuple[Fitted, ...]:
    """Choose and size columns for `width`, with up to `gap` blanks between two."""
    shown = list(range(len(columns)))

    def need() -> int:
        return sum(
            columns[i].width + (columns[i].space(gap) if n else 0) for n, i in enumerate(shown)
        )

    while need() > width:
        victims = [i for i in shown if columns[i].drop]
        if not victims:
            break
        shown.remove(max(victims, key=lambda i: columns[i].drop))
    widths = {i: columns[i].width for i in shown}
    spare = width - need()
    growing = [i for i in shown if columns[i].widest > columns[i].width]
    while spare > 0 and growing:
        share = max(1, spare // len(growing))
        for i in tuple(growing):
            more = min(share, columns[i].widest - widths[i], spare)
            widths[i] += more
            spare -= more
            if widths[i] >= columns[i].widest:
                growing.remove(i)
            if spare <= 0:
                break
    return tuple(Fitted(i, columns[i], widths[i]) for i in shown)
