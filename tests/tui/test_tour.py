"""The three hints of the first time."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.dashboard import staged
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


async def test_hints_are_shown_one_after_another_and_escape_ends_them() -> None:
    async with staged() as stage:
        stage.app.tour(seconds=0.05)
        for title, _ in HINTS:
            for _ in range(200):
                if title in stage.text:
                    break
                await stage.pilot.pause(0.01)
            assert title in stage.text
    async with staged() as stage:
        stage.app.tour(seconds=60)
        await stage.settle()
        assert HINTS[0][0] in stage.text
        await stage.press("escape")
        assert HINTS[0][0] not in stage.text
        assert HINTS[1][0] not in stage.text
