"""A new key on the screen: once, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nexus.domain.access import Role
from nexus.domain.keys import KeyMade
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.keys import Secret
from tui.screens.main import MainScreen
from tui.screens.shown import ShownText
from tui.sources.story import Story

KEY = "nxk_0123456789-0123456789_0123456789abcdefghijk"
MADE = KeyMade("laptop", Role.OPERATOR, KEY)


async def shown(stage: Stage, made: KeyMade = MADE) -> None:
    stage.app.push_screen(Secret(made, "http://10.0.0.1:8000"))
    await stage.settle()


async def test_the_whole_key_is_on_one_line_also_in_the_smallest_terminal() -> None:
    for size in ((60, 14), (80, 24), (200, 50)):
        async with staged(Story(START).opening(), size=size) as stage:
            await shown(stage)
            assert KEY in stage.text, size
            assert "esc close" in stage.text, size


@pytest.mark.parametrize("key", ["enter", "space", "q", "n", "x"])
async def test_no_key_that_is_pressed_by_habit_closes_it(key: str) -> None:
    async with staged(Story(START).opening()) as stage:
        await shown(stage)
        await stage.press(key)
        assert isinstance(stage.app.screen, Secret)
        await stage.press("escape")
        assert isinstance(stage.app.screen, MainScreen)


async def test_the_key_alone_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with staged(Story(START).opening()) as stage:
        await shown(stage)
        await stage.press("y")
        assert stage.app.clipboard == KEY
        assert "The key was copied" in stage.text or isinstance(stage.app.screen, ShownText)


async def test_no_picture_is_taken_of_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    async with staged(Story(START).opening()) as stage:
        await shown(stage)
        stage.app.save_picture()
        await stage.settle()
        assert "No picture is taken of a key." in stage.text
    assert os.listdir(tmp_path) == []


async def test_a_key_that_ends_with_the_process_says_so() -> None:
    async with staged(Story(START).opening()) as stage:
        await shown(stage, KeyMade("laptop", Role.VIEWER, KEY, unkept="there is no file"))
        assert "until that stops, since there is no file" in stage.text
