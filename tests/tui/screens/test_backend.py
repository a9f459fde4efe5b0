"""The page about one backend: the list leads, everything else follows, every key does its word."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId, BackendStatus, Model, Residency
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    ChangeMade,
    FleetSeen,
    RequestFinished,
    Update,
)
from nexus.domain.fleet import Fleet
from nexus.domain.history import Point
from nexus.errors import NexusError
from tests.fakes.dashboard import START, Stage, staged
from tests.tui.test_app import HOSTILE
from tui.screens.backend import ACTIONS, BackendPage
from tui.screens.dialogs.drain import Drain
from tui.screens.dialogs.edit import Edit
from tui.screens.modal import Confirm
from tui.screens.models import ModelsPage
from tui.sources.story import Story
from tui.widgets.live_table import LiveTable


def busy(seconds: float = 60, *, degraded: bool = False) -> tuple[list[Update], Story]:
    story = Story(START - seconds, degraded=degraded)
    return [story.opening(), *story.tell(seconds)], story


def page(stage: Stage) -> BackendPage:
    screen = stage.app.screen
    assert isinstance(screen, BackendPage)
    return screen


def pane(stage: Stage, name: str) -> LiveTable:
    return page(stage).query_one(f"#{name}", LiveTable)


async def test_the_list_says_which_backend_the_page_is_about_at_once() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates) as stage:
        await stage.press("2")
        assert "gpu-01  ● healthy" in stage.text
        await stage.pilot.press("j", "j", "j")
        await stage.pilot.pause()
        text = "\n".join(stage.lines)
        for told in ("workshop  ● healthy", "llava:13b", "◦ disk", "nomic-embed-text",
                     "closed the connection", "ollama 0.33.0"):  # fmt: skip
            assert told in text, told
        assert "▸ ● workshop" in text


async def test_the_page_is_kept_up_to_date() -> None:
    updates, story = busy()
    async with staged(*updates) as stage:
        await stage.press("2")
        await stage.tell(story.turn("gpu-01", BackendStatus.UNREACHABLE, "connection refused"))
        assert "gpu-01  ✖ down" in stage.text
        assert "connection refused" in stage.text
        await stage.tell(BackendRemoved(900, BackendId("gpu-01"), "gpu-01"))
        assert "gpu-01" not in stage.text.replace("gpu-01;", "")[: stage.text.index("gpu-02")]
        assert "gpu-02  ● healthy" in stage.text


async def test_tab_walks_the_panes_and_opens_each_on_a_small_screen() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates, size=(80, 24)) as stage:
        await stage.press("2", "end", "up", "up")
        assert "workshop  ●" in stage.text
        seen: list[str | None] = []
        for opened in ("MEMORY", "AFTER", "LASTED", "SETTING"):
            await stage.press("tab")
            assert opened in stage.text, opened
            seen.append(page(stage).focused.id if page(stage).focused else None)
        assert seen == ["models", "failing", "past", "told"]
        await stage.press("tab")
        assert page(stage).focused is pane(stage, "pick")


async def test_turns_and_changes_are_the_history_of_its_health() -> None:
    updates, story = busy(degraded=True)
    edit = AuditEntry(START - 5, "cli", "admin", "edit", "gpu-01", {"tier": 1}, {"tier": 3})
    old = replace(edit, at=START - 5000, who="api:maria", action="drain", before=None, after=None)
    async with staged(*updates) as stage:
        stage.source.made = (old,)
        await stage.press("2")
        await stage.tell(
            story.turn("gpu-01", BackendStatus.STALLED, "no byte for 60 s"), ChangeMade(edit)
        )
        assert "◍ stalled" in stage.text
        assert "by cli: tier 1 → 3" in stage.text
        assert "* drain" in stage.text
        assert "by api:maria" in stage.text


async def test_the_charts_window_is_chosen_and_the_history_is_asked_beyond_what_was_seen() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        stage.source.points = tuple(
            Point(int(START) - 3600 + n * 30, 100.0 + n) for n in range(120)
        )
        await stage.press("2")
        assert "last 5m" in stage.text
        await stage.press("right_square_bracket")
        assert "last 15m" in stage.text
        await stage.press("right_square_bracket")
        await stage.settle()
        assert "last 1h" in stage.text
        assert "p95" in stage.text
        stage.source.points = ()
        await stage.press("right_square_bracket")
        await stage.settle()
        assert "Nothing is kept of the last 24h" in stage.text
        await stage.press(*["left_square_bracket"] * 6)
        assert "last 5m" in stage.text


async def test_a_history_that_is_refused_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:

        async def refuse(*args: object, **more: object) -> tuple[Point, ...]:
            raise NexusError("the history is [b]locked\x1b[2J")

        monkeypatch.setattr(stage.source, "series", refuse)
        await stage.press("2", "right_square_bracket", "right_square_bracket")
        await stage.settle()
        assert "the history is [b]locked\ufffd[2J" in stage.text


async def test_a_failed_request_opens_its_story() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates) as stage:
        await stage.press("2", "down", "down", "down", "tab", "tab")
        key = pane(stage, "failing").cursor
        failed = {u.request_id for u in updates if isinstance(u, RequestFinished) and u.is_error}
        assert key in failed
        await stage.press("enter")
        assert stage.app.current_mode == "requests"


async def test_enter_on_a_setting_edits_and_on_the_list_goes_to_the_models() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        await stage.press("2", "enter")
        assert page(stage).focused is pane(stage, "models")
        await stage.press("tab", "tab", "tab", "enter")
        assert isinstance(stage.app.screen, Edit)


async def test_every_action_on_a_backend_works_on_the_one_that_is_shown() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates) as stage:
        await stage.press("2", "down", "u", "c")
        assert stage.source.wishes == [("undrain", "gpu-02"), ("check", "gpu-02")]
        await stage.press("down", "d")
        assert isinstance(stage.app.screen, Drain)
        assert "Drain mac-studio?" in stage.text
        await stage.press("escape", "r")
        assert stage.source.wishes[-1] == ("scan", "")


async def test_a_model_is_loaded_and_unloaded_after_a_question() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        await stage.press("2", "down", "down", "down", "L")
        assert "tab leads to the models" in " ".join(
            note.message for note in stage.app._notifications
        )
        await stage.press("tab", "down", "L")
        assert isinstance(stage.app.screen, Confirm)
        assert "Load llava:13b on workshop?" in stage.text
        await stage.press("enter")
        assert stage.source.wishes == []
        await stage.press("L", "right", "enter")
        assert stage.source.wishes == [("load", "workshop llava:13b")]
        await stage.press("down", "U")
        assert "Unload nomic-embed-text from workshop?" in stage.text
        assert "No other backend has it loaded" in stage.text
        await stage.press("right", "enter")
        assert stage.source.wishes[-1] == ("unload", "workshop nomic-embed-text")


async def test_a_model_in_memory_is_not_loaded_again() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        await stage.press("2", "tab", "L")
        assert stage.source.wishes == []
        assert "is loaded on gpu-01 already" in stage.text


async def test_the_filter_narrows_the_list_and_going_to_a_backend_clears_it() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        await stage.press("2", "slash", *"studio", "enter")
        assert pane(stage, "pick").keys == ("mac-studio",)
        assert "mac-studio  ●" in stage.text
        await stage.press("1", "enter")
        assert len(pane(stage, "pick").keys) == 6
        assert "gpu-01  ●" in stage.text


async def test_a_filter_that_nothing_matches_leaves_a_list_without_rows() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        await stage.press("2", "slash", *"zzz", "enter")
        assert "0 of 6 zzz" in stage.text
        await stage.press("d", "e", "c")
        assert stage.source.wishes == []
        await stage.press("escape")
        assert "gpu-01  ●" in stage.text


async def test_an_empty_fleet_and_a_gateway_not_heard_yet_have_their_looks() -> None:
    async with staged(size=(80, 24)) as stage:
        await stage.press("2")
        assert "Waiting for the first picture" in stage.text
        await stage.tell(FleetSeen(Fleet(), {}))
        assert "No model server yet." in stage.text
        updates, _ = busy(1)
        await stage.tell(*updates)
        assert "gpu-01  ●" in stage.text


async def test_no_two_actions_share_a_key() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


async def test_a_viewer_is_offered_nothing_that_changes_something() -> None:
    updates, _ = busy(1, degraded=True)
    async with staged(*updates) as stage:
        stage.source.role = Role.VIEWER
        await stage.press("2", "tab")
        for action in ACTIONS:
            if not Role.VIEWER.may(action.role):
                await stage.press(action.keys.split(",")[0])
                assert stage.app.screen is page(stage), action.name
        assert stage.source.wishes == []
        await stage.press("tab", "tab", "tab", "enter")
        assert stage.app.screen is page(stage)


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (110, 30), (150, 40), (240, 70)])
async def test_no_line_is_wider_than_the_screen_at_any_size(size: tuple[int, int]) -> None:
    updates, _ = busy(60, degraded=True)
    async with staged(*updates, size=size) as stage:
        await stage.press("2")
        for keys in ((), ("down",), ("tab",), ("tab",), ("tab",), ("tab",), ("d",)):
            await stage.press(*keys)
            assert len(stage.lines) == size[1]
            assert {len(line) for line in stage.lines} == {size[0]}
        await stage.pilot.resize_terminal(70, 20)
        await stage.settle()
        assert len(stage.lines) == 20


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_only_text_wherever_it_shows(name: str) -> None:
    updates, _ = busy(20, degraded=True)
    opening = updates[0]
    assert isinstance(opening, FleetSeen)
    one = next(iter(opening.fleet.backends.values()))
    evil = replace(
        one,
        face=replace(one.face, name=name, url=f"http://{name}", api_key_env=name),
        models=(Model(name or "m", residency=Residency.INSTALLED),),
        reason=name,
        next=name,
        version=name,
        status=BackendStatus.UNHEALTHY,
    )
    entry = AuditEntry(START, name, "admin", name, name, {"zone": name}, {"zone": "x"}, name)
    async with staged(*updates) as stage:
        done = next(u for u in updates if isinstance(u, RequestFinished))
        failed = replace(
            done,
            backend_id=one.id,
            backend=name,
            requested=name,
            model=name,
            status=502,
            error=name,
        )
        await stage.tell(
            BackendChanged(500, evil, BackendStatus.HEALTHY), failed, ChangeMade(entry)
        )
        texts: list[str] = []
        for keys in (("2",), ("tab",), ("L",), ("escape", "tab"), ("tab",), ("tab",),
                     ("d",), ("escape", "e"), ("escape", "x"), ("escape", "1")):  # fmt: skip
            await stage.press(*keys)
            texts.append(stage.text)
        for text in texts:
            assert not set(text) & set("\x1b\x9b\x07\u202e\u200d")
            assert {len(line) > 0 for line in text.split("\n")} == {True}
    assert stage.app.failure is None


async def test_a_model_opens_with_the_cell_cursor_on_this_backend() -> None:
    updates, _ = busy()
    async with staged(*updates, size=(80, 24)) as stage:
        await stage.press("down", "down", "enter", "tab", "enter")
        screen = stage.app.screen
        assert isinstance(screen, ModelsPage)
        assert f" on {list(stage.app.state.backends.values())[2].name}" in stage.text
