"""What all pages have in common: one that nobody sees does nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.widget import Widget

from tests.fakes.dashboard import START, staged
from tui.render.pages import PAGES
from tui.screens import page_types
from tui.screens.page import Page
from tui.sources.story import Story
from tui.widgets.live_log import LiveLog
from tui.widgets.live_table import LiveTable
from tui.widgets.text_lines import TextLines


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Frames compared and lines painted, by page."""
    count: Counter[str] = Counter()

    def counted(owner: type[Widget], name: str) -> None:
        if name not in vars(owner):
            return
        done = getattr(owner, name)

        def doing(self: Widget, *args: object) -> object:
            screen = self if isinstance(self, Page) else self.screen
            count[getattr(screen, "NAME", "")] += 1
            return done(self, *args)

        monkeypatch.setattr(owner, name, doing)

    for page in (Page, *page_types()):
        counted(page, "show_frame")
        counted(page, "paint")
    for widget in (LiveTable, LiveLog, TextLines):
        counted(widget, "render_line")
    return count


async def test_pages_that_nobody_sees_neither_compare_nor_paint(worked: Counter[str]) -> None:
    story = Story(START, degraded=True)
    async with staged(story.opening(), *story.tell(5)) as stage:
        for number in (*range(1, len(PAGES) + 1), 1):
            await stage.press(str(number))
        assert set(PAGES) <= set(worked)
        for number, name in enumerate(PAGES, 1):
            await stage.press(str(number))
            worked.clear()
            for _ in range(5):
                stage.clock.now += 1
                await stage.tell(*story.tell(1, 50))
            assert set(worked) == {name}


async def test_a_page_under_a_dialog_rests_too(worked: Counter[str]) -> None:
    story = Story(START, degraded=True)
    async with staged(story.opening(), *story.tell(5)) as stage:
        await stage.press("question_mark")
        worked.clear()
        for _ in range(5):
            stage.clock.now += 1
            await stage.tell(*story.tell(1, 50))
        assert set(worked) <= {""}  # of the dialog itself
