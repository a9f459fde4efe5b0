"""Keys pressed on a screen that has come to rest, for pictures of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from tui.app import NexusDashboard

MOST = 40
"""Looks at a screen that does not come to rest."""


def settled(*keys: str, theme: str = "") -> Callable[[Pilot[Any]], Any]:
    """Press keys one by one, each when all that was told and asked for is on the screen.

    Args:
        theme: to change to first; that of the app when empty.
    """

    async def run_before(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, NexusDashboard)
        if theme:
            app.theme = theme
        await rest(pilot)
        for key in keys:
            await pilot.press(key)
            await rest(pilot)

    return run_before


async def rest(pilot: Pilot[Any]) -> None:
    """Until two looks show the same."""
    app, seen = pilot.app, None
    assert isinstance(app, NexusDashboard)
    for _ in range(MOST):
        state = app.state
        await pilot.pause()
        app.repaint()
        app.show_latest()
        await pilot.pause()
        now = (state, [strip.text for strip in app.screen._compositor.render_strips()])
        if seen is not None and seen[0] is now[0] and seen[1] == now[1]:
            return
        seen = now
