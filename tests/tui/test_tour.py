"""The three hints of the first time."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.dashboard import START, staged
from tui.sources.story import Story
from tui.tour import HINTS, is_first, wanted


def test_the_first_time_is_once(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "nexus"
    assert is_first(folder)
    assert not is_first(folder)


def test_a_folder_that_cannot_be_written_means_no_tour(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert not is_first(file / "below")


def test_the_environment_has_the_last_word(tmp_path: Path) -> None:
    assert wanted({"NEXUS_TOUR": "1"}, tmp_path)
    assert not wanted({"NEXUS_TOUR": "0"}, tmp_path)
    assert wanted({}, tmp_path)
    assert wanted({"NEXUS_TOUR": "1"}, tmp_path)


def shown_at(text: str) -> list[int]:
    """Numbers of the hints that can be read there."""
    return [number for number, (title, _) in enumerate(HINTS, 1) if title in text]


async def test_hints_are_shown_one_after_another() -> None:
    async with staged() as stage:
        stage.app.tour(seconds=0.05)
        for title, _ in HINTS:
            for _ in range(200):
                if title in stage.text:
                    break
                await stage.pilot.pause(0.01)
            assert title in stage.text


async def test_enter_goes_on_to_the_next_hint_and_opens_nothing() -> None:
    async with staged(Story(START).opening()) as stage:
        stage.app.tour(seconds=60)
        await stage.settle()
        for number in (1, 2, 3):
            assert shown_at(stage.text) == [number]
            await stage.press("enter")
        assert shown_at(stage.text) == []
        assert stage.app.current_mode == "fleet"
        await stage.press("enter")
        assert stage.app.current_mode == "backend"


async def test_escape_ends_the_hints_and_nothing_else() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("slash", *"gpu", "enter")
        stage.app.tour(seconds=60)
        await stage.settle()
        assert shown_at(stage.text) == [1]
        await stage.press("escape")
        assert shown_at(stage.text) == []
        assert "filter gpu" in stage.text


async def test_other_keys_do_what_they_do_and_close_the_last_hint() -> None:
    async with staged() as stage:
        stage.app.tour(seconds=60)
        await stage.settle()
        await stage.press("3")
        assert stage.app.current_mode == "models"
        assert shown_at(stage.text) == [1]
        await stage.press("1", "enter", "enter")
        assert shown_at(stage.text) == [3]
        await stage.press("R")
        assert shown_at(stage.text) == []


async def test_in_dialogs_enter_is_not_for_the_hints() -> None:
    async with staged() as stage:
        stage.app.tour(seconds=60)
        await stage.settle()
        await stage.press("n", "enter")
        assert stage.app.focused is not None
        assert stage.app.focused.id == "field-name"
        assert shown_at(stage.text) == [1]
