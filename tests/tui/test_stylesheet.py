"""Styles: read once for all screens, and again when the theme is another one."""

from __future__ import annotations

from tests.fakes.dashboard import START, Stage, staged
from tui.sources.story import Story


def rules(stage: Stage) -> set[int]:
    return {id(rule) for rule in stage.app.stylesheet.rules}


async def test_new_pages_and_dialogs_read_only_what_is_new() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        read = rules(stage)
        await stage.press("3", "1", "d")
        await stage.press("escape", "question_mark")
        # A class of widgets that turns out to be a base of others is read once more.
        assert len(read & rules(stage)) > 0.9 * len(read)


async def test_another_theme_reaches_every_style() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        read, header = rules(stage), stage.app.screen.query_one("#header")
        dark = header.styles.background
        stage.app.change_theme()
        await stage.settle()
        assert not read & rules(stage)
        assert header.styles.background != dark
