"""A line to type: quick keys are done in their order, and a paste is cleaned."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from tui.widgets.typing import Typing


class Desk(App[None]):
    """One line to type."""

    def compose(self) -> ComposeResult:
        yield Typing(max_length=20)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("7", "backspace", "8"), "8"),
        (("a", "b", "left", "x"), "axb"),
        (("a", "b", "home", "x", "end", "y"), "xaby"),
        (("a", "b", "home", "delete", "c"), "cb"),
        (("a", "b", "ctrl+u", "c"), "c"),
        (("a", " ", "b", "ctrl+w", "c"), "a c"),
        (("a", "b", "left", "ctrl+k", "c"), "ac"),
    ],
)
async def test_keys_that_come_at_once_are_done_in_their_order(
    keys: tuple[str, ...], text: str
) -> None:
    app = Desk()
    async with app.run_test() as pilot:
        for key in keys:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await pilot.pause()
        await pilot.pause()
        assert app.query_one(Typing).value == text


async def test_a_paste_is_cleaned_and_cut() -> None:
    app = Desk()
    async with app.run_test() as pilot:
        line = app.query_one(Typing)
        line.post_message(events.Paste("  a\x1b[2J\nb" + "x" * 50))
        await pilot.pause()
        assert line.value.startswith("a\ufffd[2J bxx")
        assert len(line.value) <= 20
