"""Pictures of every screen: what changed on the screen is seen in review, not by a user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tui.app import NexusDashboard
from tui.screenshots import dashboard

Snap = Callable[..., bool]
SIZES = {"80x24": (80, 24), "120x36": (120, 36)}


def settled(*keys: str) -> Callable[[Pilot[Any]], Any]:
    """Press keys once the story is on the screen."""

    async def run_before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, NexusDashboard)
        for pressed in ((), keys):
            await pilot.press(*pressed)
            seen = None
            while app.state is not seen:
                seen = app.state
                await pilot.pause()
            app.repaint()
            app.show_latest()
            await pilot.pause()

    return run_before


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("story", ["empty", "busy", "degraded"])
def test_main_screen(snap_compare: Snap, story: str, size: str) -> None:
    app, _ = dashboard(story)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled())


@pytest.mark.parametrize("size", SIZES)
def test_main_screen_without_colour(snap_compare: Snap, size: str) -> None:
    app, _ = dashboard("degraded", no_color=True)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled())


def test_main_screen_in_the_light_theme(snap_compare: Snap) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=settled("t"))


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("backend", ("down", "enter")),
        ("model", ("M", "enter")),
        ("request", ("R", "enter")),
        ("drain", ("d",)),
        ("quit", ("q",)),
        ("help", ("question_mark",)),
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_what_stands_before_it(
    snap_compare: Snap, name: str, keys: tuple[str, ...], size: str
) -> None:
    app, _ = dashboard("degraded")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled(*keys))


def test_lost_connection(snap_compare: Snap) -> None:
    app, source = dashboard("busy")
    source.end()
    assert snap_compare(app, terminal_size=SIZES["120x36"], run_before=settled())


def test_before_the_first_picture(snap_compare: Snap) -> None:
    app, _ = dashboard("nothing")
    assert snap_compare(app, terminal_size=SIZES["80x24"], run_before=settled())


def test_a_terminal_that_is_too_small(snap_compare: Snap) -> None:
    app, _ = dashboard("busy")
    assert snap_compare(app, terminal_size=(50, 12), run_before=settled())
