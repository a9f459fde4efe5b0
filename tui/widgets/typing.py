"""A line to type, which does quick keys in their order. Pasted text is cleaned: it is foreign too.

Textual inserts a letter when its key arrives, but looks for a binding (backspace, an arrow) only
after the key has climbed to the app. Typed quickly, or sent at once over a slow link, `7`,
backspace, `8` would become `7`. So the keys that edit are done here, as letters are.
"""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widgets import Input

from tui.clean import clean

LONGEST = 200
"""Characters of a paste."""


class Typing(Input):
    """See the module."""

    def on_mount(self) -> None:
        self.cursor_blink = False  # a blink is a repaint twice a second, over a slow link too

    async def _on_key(self, event: events.Key) -> None:
        edits: dict[str, Callable[[], None]] = {
            "backspace": self.action_delete_left,
            "delete": self.action_delete_right,
            "left": self.action_cursor_left,
            "right": self.action_cursor_right,
            "home": self.action_home,
            "end": self.action_end,
            "ctrl+u": self.action_delete_left_all,
            "ctrl+k": self.action_delete_right_all,
            "ctrl+w": self.action_delete_left_word,
        }
        if (edit := edits.get(event.key)) is not None:
            event.stop()
            event.prevent_default()
            edit()

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(clean(event.text.strip(), self.max_length or LONGEST))
