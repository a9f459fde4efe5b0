"""Looking back: the picture stops, the gateway goes on."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.fakes.dashboard import START, Stage, staged
from tui.screens.models import ModelsPage
from tui.sources.story import Story


async def played(stage: Stage, story: Story, seconds: int) -> None:
    """Live through some seconds, a frame each."""
    for _ in range(seconds):
        stage.clock.now += 1
        await stage.tell(*story.tell(1))


def saved(folder: Path) -> str:
    """The text of the only picture there."""
    (picture,) = folder.glob("nexus-*.svg")
    return picture.read_text(encoding="utf-8")


async def test_a_stopped_picture_stands_while_the_fleet_goes_on() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        await played(stage, story, 4)
        await stage.press("p")
        assert "⏸" in stage.lines[0]
        held = stage.lines[2:-1]
        finished = stage.app.state.logged
        await played(stage, story, 8)
        assert stage.lines[2:-1] == held
        assert stage.app.state.logged > finished
        assert "8s ago" in stage.lines[0]

        await stage.press("p")
        assert "⏸" not in stage.lines[0]
        assert stage.lines[2:-1] != held


async def test_every_page_shows_the_moment_that_is_looked_back_at() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        await played(stage, story, 10)
        await stage.press("comma", "comma", "3")
        assert isinstance(stage.app.screen, ModelsPage)
        assert "⏸" in stage.lines[0]
        then = stage.app.frame.state
        assert then.logged < stage.app.state.logged
        await stage.press("full_stop")
        assert stage.app.frame.state.logged >= then.logged


async def test_the_film_begins_with_the_first_that_was_told() -> None:
    story = Story(START)
    async with staged() as stage:
        stage.clock.now += 10
        await stage.settle()
        await stage.tell(story.opening())
        await played(stage, story, 5)
        await stage.press(*["comma"] * 8)
        assert "The film begins here" in stage.text
        assert "connecting" not in stage.text
        assert "gpu-01" in stage.text


async def test_both_ends_of_the_film_say_so() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        await played(stage, story, 7)
        await stage.press("less_than_sign")
        assert "The film begins here" in stage.text
        await stage.press("greater_than_sign")
        assert "This is the newest frame" in stage.text


async def test_the_screen_is_saved_as_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    story = Story(START)
    async with staged(story.opening()) as stage:
        await stage.press("f12")
        assert "gpu-01" in saved(tmp_path)
        assert "Saved as" in stage.text
        (picture,) = tmp_path.glob("nexus-*.svg")  # noqa: ASYNC240
        assert stat.S_IMODE(picture.stat().st_mode) == 0o600
        await stage.press("f12")
        assert len(list(tmp_path.glob("nexus-*.svg"))) == 2  # noqa: ASYNC240


async def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    async with staged() as stage:
        await stage.press("f12")
        assert "was not saved" in stage.text


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (120, 36)])
async def test_a_moment_of_the_past_is_never_taken_for_now(size: tuple[int, int]) -> None:
    story = Story(START)
    async with staged(story.opening(), size=size) as stage:
        await played(stage, story, 10)
        for page in ("1", "4"):
            await stage.press(page, "comma")
            assert "⏸" in stage.lines[0]
            assert "s ago" in stage.lines[0]
            assert " live " not in stage.text
            await stage.press("p")
