"""Rows of the tables on the page about one backend: keys and cells, kept while nothing changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from tui.render.cells import UNKNOWN, Cell
from tui.render.columns import Column


class Listed:
    """Rows of anything: values by key, and how one becomes cells."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns: Sequence[Column] = tuple(columns)
        self.keys: Sequence[Hashable] = ()
        self._values: Mapping[Hashable, object] = {}
        self._paint: Callable[[object], tuple[Cell, ...]] = lambda value: ()

    def take(
        self,
        values: Mapping[Hashable, object],
        paint: Callable[[object], tuple[Cell, ...]],
    ) -> None:
        """This frame's rows, in order."""
        self._values, self._paint = values, paint
        self.keys = tuple(values)

    def value(self, key: Hashable) -> object:
        """The row's value, or None when it is gone."""
        return self._values.get(key)

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        value = self._values.get(key)
        return (UNKNOWN,) * len(self.columns) if value is None else self._paint(value)
