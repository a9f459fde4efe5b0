"""What all pages have in common: one that nobody sees does nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from textual.widget import Widget

from nexus.domain.access import Role
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


async def test_a_key_beyond_ones_role_says_so() -> None:
    story = Story(START)
    async with staged(story.opening(), *story.tell(5)) as stage:
        stage.source.role = Role.OPERATOR
        await stage.press("x")
        assert "Remove takes the role admin; this dashboard has operator." in stage.text
        await stage.press("5", "e")
        assert "takes the role admin; this dashboard has operator." in stage.text
        stage.source.role = Role.VIEWER
        await stage.press("1", "d")
        assert "Drain takes the role operator; this dashboard has viewer." in stage.text
        assert stage.source.wishes == []


async def test_tabs_and_hints_of_the_footer_can_be_clicked() -> None:
    story = Story(START)
    async with staged(story.opening(), *story.tell(5)) as stage:
        at = stage.line_with("Requests").index("Requests")
        await stage.pilot.click("#tabs", offset=(at + 2, 0))
        await stage.settle()
        assert stage.app.current_mode == "requests"
        await stage.press("1")
        at = stage.lines[-1].index("n add")
        await stage.pilot.click("#footer", offset=(at + 3, 0))
        await stage.settle()
        assert "Add a backend" in stage.text
        await stage.press("escape")
        await stage.pilot.click("#footer", offset=(119, 0))
        await stage.settle()
        assert "Add a backend" not in stage.text
