"""Keys sent in one burst: each lands where the ones before it have led."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from tests.fakes.dashboard import START, Stage, staged
from tui.screens.dialogs.add import Add
from tui.screens.dialogs.edit import Edit
from tui.screens.main import MainScreen
from tui.screens.requests import RequestsPage
from tui.sources.story import Story
from tui.widgets.live_table import LiveTable

NAMES = {"\r": "enter", "\x1b": "escape", "/": "slash", "\t": "tab", ":": "colon"}


def told() -> list[object]:
    story = Story(START - 60)
    return [story.opening(), *story.tell(60)]


async def burst(stage: Stage, keys: str, done: Callable[[], bool]) -> None:
    """Send all keys before the first is handled; then wait until that has come of them."""
    for each in keys:
        stage.app.post_message(events.Key(NAMES.get(each, each), each if each >= " " else None))
    for _ in range(200):
        await stage.pilot.pause(0.005)
        if done():
            break
    await stage.settle()
    assert done(), stage.text


async def test_a_filter_typed_at_once_is_typed_into_the_filter_and_drains_nothing() -> None:
    async with staged(*told()) as stage:
        page = stage.app.screen
        assert isinstance(page, MainScreen)
        await burst(stage, "/ddd\r", lambda: page.words == "ddd" and page.focused is not None)
        assert stage.app.screen is page
        await burst(stage, "\x1bjj", lambda: cursor(stage) == "mac-studio")
        assert page.words == ""


def cursor(stage: Stage) -> object:
    return stage.app.screen.query_one("#backends", LiveTable).cursor


async def test_keys_after_enter_belong_to_the_rows_again() -> None:
    async with staged(*told()) as stage:
        await burst(stage, "/gpu\rj", lambda: cursor(stage) == "gpu-02")
        assert "filter gpu" in stage.text


async def test_the_first_field_of_a_dialog_gets_what_was_typed_with_the_key_that_opened_it() -> (
    None
):
    async with staged(*told()) as stage:
        await burst(stage, "nhttp://x.y", lambda: isinstance(stage.app.screen, Add))
        dialog = stage.app.screen
        assert isinstance(dialog, Add)
        await burst(stage, "", lambda: dialog.words["url"] == "http://x.y")
        await burst(stage, "\x1be7", lambda: isinstance(stage.app.screen, Edit))
        edit = stage.app.screen
        assert isinstance(edit, Edit)
        await burst(stage, "", lambda: "7" in edit.words["priority"])


async def test_a_page_that_nobody_has_seen_takes_the_keys_typed_after_its_digit() -> None:
    async with staged(*told()) as stage:
        await burst(stage, "4/mod:llamaX\r", lambda: "filter mod:llamaX" in stage.text)
        assert isinstance(stage.app.screen, RequestsPage)


async def test_text_that_is_pasted_waits_for_its_field_too() -> None:
    async with staged(*told()) as stage:
        stage.app.post_message(events.Key("slash", "/"))
        stage.app.post_message(events.Paste("gpu"))
        await burst(stage, "\r", lambda: "filter gpu" in stage.text)
