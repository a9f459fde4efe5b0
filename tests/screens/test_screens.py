"""Pictures of what stands before any page: seen in review, not by a user."""

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


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("model", ("M", "enter")),
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
