"""Every page in every state at every size: it stands, and no line is wider than the terminal."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from nexus.domain.access import Role
from nexus.domain.events import FleetSeen
from nexus.domain.fleet import Fleet
from tests.fakes.settled import rest
from tui.app import NexusDashboard
from tui.leave import Leave
from tui.render.pages import PAGES
from tui.screenshots import dashboard

SIZES = [(60, 15), (80, 24), (120, 36), (200, 60)]


def looked_at(app: NexusDashboard, where: str) -> None:
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height, where
    assert {strip.cell_length for strip in strips} == {width}, where
    assert any(strip.text.strip() for strip in strips), where


async def everywhere(pilot: Pilot[Leave], state: str, *keys: str) -> None:
    """Look at each page, with these keys pressed there."""
    app = pilot.app
    assert isinstance(app, NexusDashboard)
    for number, page in enumerate(PAGES, 1):
        await pilot.press(str(number), *keys)
        await rest(pilot)
        looked_at(app, f"{page}, {state}")
        await pilot.press("escape")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_page_stands_in_every_state(size: tuple[int, int]) -> None:
    app, source = dashboard("degraded")
    async with app.run_test(size=size) as pilot:
        await rest(pilot)
        await everywhere(pilot, "normal")
        await everywhere(pilot, "filtered to nothing", "slash", *"zzz", "enter")
        await pilot.press("p")
        await everywhere(pilot, "paused")
        await pilot.press("p")
        source.role = Role.VIEWER
        await everywhere(pilot, "as a viewer")
        source.role = Role.ADMIN
        source.push(FleetSeen(Fleet(), {}))
        await everywhere(pilot, "empty")
        source.end()
        await everywhere(pilot, "lost")
    assert app.failure is None


async def test_a_viewer_is_refused_every_action_that_changes_something() -> None:
    app, source = dashboard("degraded")
    source.role = Role.VIEWER
    async with app.run_test(size=(120, 36)) as pilot:
        await rest(pilot)
        refused = 0
        for number in range(1, len(PAGES) + 1):
            await pilot.press(str(number))
            await rest(pilot)
            page = app.screen
            for action in type(page).ACTIONS:  # type: ignore[attr-defined]
                if action.role is Role.VIEWER:
                    continue
                refused += 1
                assert page.check_action(action.method, ()) is False, action.name
                assert action not in app.page_actions
                await pilot.press(action.keys.split(",")[0])
                await rest(pilot)
                assert app.screen is page, f"{action.name} opened something"
        assert refused > 10
        assert source.wishes == []
        assert source.added == source.edits == []
