"""A table whose newest row stands on top, and which stays there until the reader moves away.

While the reader looks at older rows, the row under the cursor stays on its line (or, where that is
out of sight, the first visible row), though new rows come in above.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tui.widgets.live_table import LiveTable


class LiveFeed(LiveTable):
    """Newest row first. `following` is True while the view stays at the top."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.following = True
        self._top_key: Hashable | None = None

    def _hold(self, keys: Sequence[Hashable]) -> None:
        if not keys:
            super()._hold(keys)
            self._top_key = None
            return
        if self.following:
            self._index, self.top, self.cursor = 0, 0, keys[0]
        else:
            line = self._index - self.top
            seen = 0 <= line < self.room
            if self.cursor in keys:
                self._index = keys.index(self.cursor)
            else:
                self._index = min(self._index, len(keys) - 1)
                self.cursor = keys[self._index]
            if seen:  # the row that is looked at stays on its line
                self.top = self._index - line
            elif self._top_key is not None and self._top_key in keys:
                self.top = keys.index(self._top_key)
            self.top = max(0, min(self.top, len(keys) - max(1, self.room)))
        self._top_key = keys[self.top]

    def follow(self, follow: bool) -> None:
        """Go to the newest row and stay there, or stay where the reader is."""
        self.following = follow
        self._hold(self.keys)
        self._sync()

    def look_at(self, key: Hashable) -> bool:
        """Put the cursor on that row and hold it; False when there is none."""
        if key not in self.keys:
            return False
        self.go(self.keys.index(key))
        self.following = False
        return True

    def go(self, index: int) -> None:
        super().go(index)
        self.following = self._index == 0
        self._remember()

    def scroll_rows(self, by: int) -> None:
        self.following = False
        super().scroll_rows(by)
        self._remember()

    def _remember(self) -> None:
        keys = self.keys
        self._top_key = keys[self.top] if keys else None
