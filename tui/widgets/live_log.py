"""A table that follows its newest row until the reader moves away from it.

Row keys are numbers that only grow. While the reader looks at older rows the view stands still, by
key, though new rows come in below and the oldest fall out above.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tui.widgets.live_table import LiveTable


class LiveLog(LiveTable):
    """Newest row last. `following` is True while new rows pull the view along."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.following = True
        self._top_key: Hashable | None = None

    def _hold(self, keys: Sequence[Hashable]) -> None:
        if not keys:
            super()._hold(keys)
            return
        if self.following:
            self._index = len(keys) - 1
            self.cursor = keys[-1]
            self.top = max(0, len(keys) - max(1, self.room))
        else:
            if self.cursor not in keys:
                self._index = 0
                self.cursor = keys[0]
            else:
                self._index = keys.index(self.cursor)
            if self._top_key is not None and self._top_key in keys:
                self.top = keys.index(self._top_key)
            else:
                self.top = 0
            self.top = max(0, min(self.top, len(keys) - max(1, self.room)))
        self._top_key = keys[self.top]

    def go(self, index: int) -> None:
        super().go(index)
        self._moved()

    def scroll_rows(self, by: int) -> None:
        super().scroll_rows(by)
        if by < 0 or self.top < len(self.keys) - max(1, self.room):
            self.following = False
        else:
            self._moved()
        self._remember()

    def _moved(self) -> None:
        self.following = bool(self.keys) and self._index == len(self.keys) - 1
        self._remember()

    def _remember(self) -> None:
        keys = self.keys
        self._top_key = keys[self.top] if keys else None
