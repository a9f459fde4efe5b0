"""Looks: every role is told apart, in Nexus' themes and in all of Textual's."""

from __future__ import annotations

import pytest
from rich.color import Color
from textual.theme import BUILTIN_THEMES

from tests.fakes.dashboard import START, staged
from tui.render.cells import Role
from tui.sources.story import Story
from tui.theme import PALETTES, THEMES, palette_from


@pytest.mark.parametrize("name", sorted(BUILTIN_THEMES))
def test_a_palette_is_made_of_any_theme(name: str) -> None:
    palette = palette_from(BUILTIN_THEMES[name])
    assert set(palette.roles) == set(Role)
    trouble = {str(palette.roles[role].color) for role in (Role.OK, Role.WARN, Role.BAD)}
    assert len(trouble) == 3


def test_sixteen_colours_are_the_terminal_s_own() -> None:
    colours = [style.color for style in PALETTES["nexus-ansi"].roles.values() if style.color]
    assert colours
    assert all(isinstance(each, Color) and (each.number or 0) < 16 for each in colours)


def test_every_theme_of_ours_has_a_palette() -> None:
    assert {theme.name for theme in THEMES} == set(PALETTES) - set(BUILTIN_THEMES)


async def test_any_theme_can_be_shown() -> None:
    story = Story(START)
    async with staged(story.opening(), *story.tell(5)) as stage:
        for name in sorted(stage.app.available_themes):
            stage.app.use_theme(name)
            await stage.settle()
            assert "gpu-01" in stage.text, name


async def test_a_terminal_that_asked_for_no_colour_keeps_its_look() -> None:
    async with staged(no_color=True) as stage:
        stage.app.use_theme("dracula")
        assert stage.app.theme == "nexus-mono"
