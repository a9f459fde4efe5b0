"""The fleet's page: what needs a look, charts, and the keys that lead on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus.domain.access import Role
from nexus.domain.backend import BackendId, BackendStatus, Load
from nexus.domain.decision import RouteReason
from nexus.domain.events import (
    BackendChanged,
    FleetSeen,
    LinkChanged,
    LoadChanged,
    RequestRouted,
    Update,
    ZoneBreached,
)
from nexus.domain.fleet import Fleet
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.backend import BackendPage
from tui.screens.dialogs.add import Add
from tui.screens.main import ACTIONS
from tui.sources.story import Story
from tui.widgets.live_table import LiveTable


def busy(seconds: float = 60, *, degraded: bool = False) -> tuple[list[Update], Story]:
    story = Story(START - seconds, degraded=degraded)
    return [story.opening(), *story.tell(seconds)], story


def table(stage: Stage) -> LiveTable:
    return stage.app.screen.query_one("#backends", LiveTable)


async def test_the_strip_names_trouble_and_says_where_the_key_leads() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates) as stage:
        strip = stage.line_with("nobody else has phi-4-mini")
        assert strip.rstrip().endswith("! go there")
        await stage.press("exclamation_mark")
        assert table(stage).cursor == "lab-nuc"
        assert "c check now" in stage.line_with("nobody else has phi-4-mini")
        seen = {table(stage).cursor}
        for _ in range(4):
            await stage.press("exclamation_mark")
            seen.add(table(stage).cursor)
        assert seen == {"lab-nuc", "workshop", "gpu-02"}


async def test_a_quiet_fleet_says_that_nothing_needs_a_look() -> None:
    updates, _ = busy(0.5)
    async with staged(updates[0]) as stage:
        assert "✓ nothing needs a look" in stage.text
        await stage.press("exclamation_mark")
        assert table(stage).cursor == "gpu-01"


async def test_the_strip_does_not_move_what_is_below_it_on_a_tall_screen() -> None:
    updates, story = busy(0.5)
    async with staged(updates[0]) as stage:
        before = next(y for y, line in enumerate(stage.lines) if "Backends 6" in line)
        await stage.tell(story.turn("openai", BackendStatus.STALLED, "no byte for 60 s"))
        assert "✖" not in stage.line_with("nobody else has gpt-4o")
        assert "◍ openai stalled" in stage.text
        assert next(y for y, line in enumerate(stage.lines) if "Backends 6" in line) == before


async def test_a_lost_gateway_says_so_with_what_comes_next_and_keeps_the_picture() -> None:
    updates, _ = busy(1)
    async with staged(*updates, size=(80, 24)) as stage:
        await stage.tell(LinkChanged(START, False, "reconnecting in 4 s"))
        assert "connection lost  reconnecting in 4 s" in stage.text
        assert "gpu-01" in stage.text
        await stage.tell(updates[0])
        assert "lost" not in stage.text


async def test_a_breach_of_a_zone_stays_on_the_strip() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        breach = ZoneBreached(START, "r", BackendId("openai"), "openai", "now leads outside")
        await stage.tell(breach)
        assert "zone breach stopped" in stage.text


async def test_charts_show_on_a_tall_screen_and_when_they_are_asked_for() -> None:
    updates, _ = busy(60)
    async with staged(*updates, size=(80, 24)) as stage:
        assert "LATENCY" not in stage.text
        await stage.press("v")
        assert "TRAFFIC req/s, last" in stage.text
        assert "LATENCY" in stage.text
        assert "p95" in stage.text
        await stage.press("v")
        assert "LATENCY" not in stage.text
        await stage.pilot.resize_terminal(120, 36)
        await stage.press("v")
        assert "LATENCY" in stage.text
        await stage.pilot.resize_terminal(60, 14)
        await stage.settle()
        assert "Backends 6" in stage.text


async def test_enter_leads_to_the_page_of_that_backend_and_the_digit_comes_back() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("down", "down", "enter")
        page = stage.app.screen
        assert isinstance(page, BackendPage)
        assert page.selected is not None
        assert page.selected.name == "mac-studio"
        await stage.press("1", "down", "enter")
        assert isinstance(stage.app.screen, BackendPage)
        assert page.selected.name == "workshop"


async def test_a_draining_row_counts_down_until_it_is_safe_to_stop() -> None:
    updates, story = busy(30)
    async with staged(*updates) as stage:
        await stage.tell(
            RequestRouted(
                "r1", START, "qwen3:32b", "qwen3:32b", BackendId("mac-studio"), "mac-studio",
                RouteReason.CAPABILITY_MATCH, "", True,
            ),
            LoadChanged(BackendId("mac-studio"), Load(pending=1)),
            story.turn("mac-studio", BackendStatus.DRAINING, "drained by the operator"),
        )  # fmt: skip
        assert "◌ drain 1" in stage.line_with("mac-studio  ")
        row = next(line for line in stage.lines if "◌ drain 1" in line)
        assert "1 left, ~" in row
        stage.clock.now += 41
        await stage.tell(LoadChanged(BackendId("mac-studio"), Load(pending=0)))
        row = next(line for line in stage.lines if "◌ drained" in line and "exo" in line)
        assert "safe to stop" in row
        said = [note.message for note in stage.app._notifications]
        assert "mac-studio drained in 41s, safe to stop." in said


async def test_an_empty_fleet_offers_to_add_a_server() -> None:
    async with staged(FleetSeen(Fleet(), {}), size=(80, 24)) as stage:
        assert "add a server elsewhere by its URL" in stage.text
        for hint in ("n add", "r rescan"):
            assert hint in stage.lines[-1]
        await stage.press("n")
        assert isinstance(stage.app.screen, Add)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_keys_beyond_ones_role_are_neither_offered_nor_work(role: Role) -> None:
    updates, _ = busy(1, degraded=True)
    async with staged(*updates) as stage:
        stage.source.role = role
        stage.app.screen.refresh_bindings()
        await stage.press("j", "k")
        beyond = [action for action in ACTIONS if not role.may(action.role)]
        assert beyond
        for action in beyond:
            assert f" {action.label} " not in stage.lines[-1].split("filter")[0]
            await stage.press(action.keys.split(",")[0])
            assert stage.app.screen is stage.app.screen_stack[0], action.name
        assert stage.source.wishes == []
        await stage.press("question_mark")
        for action in beyond:
            assert action.help not in stage.text


async def test_a_large_fleet_is_looked_through_once_a_second() -> None:
    updates, _ = busy(1)
    opening = updates[0]
    assert isinstance(opening, FleetSeen)
    one = opening.fleet.backends[BackendId("gpu-01")]
    async with staged(updates[0]) as stage:
        many = [
            BackendChanged(
                1000 + n,
                replace(one, face=replace(one.face, id=BackendId(f"n{n:03}"), name=f"n{n:03}")),
                None,
            )
            for n in range(300)
        ]
        await stage.tell(*many)
        assert "Backends 306" in stage.text
        assert "1-" in stage.line_with("Backends 306")
