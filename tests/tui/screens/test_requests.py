"""The page Requests, with a hand on its keys."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from textual.drivers.headless_driver import HeadlessDriver
from textual.events import Key

from nexus.domain.access import Role
from nexus.domain.events import RequestFinished, RequestRouted, Update
from nexus.domain.gateway import Json
from nexus.errors import NexusError
from tests.fakes.dashboard import START, Stage, staged
from tests.fakes.hostile import HOSTILE
from tui.app import NexusDashboard
from tui.render.query import FIELDS, NUMBERS
from tui.screens.choose import Choose
from tui.screens.main import MainScreen
from tui.screens.modal import Confirm
from tui.screens.requests import RequestsPage
from tui.screens.shown import ShownText
from tui.sources.accounts import accounts, summary
from tui.sources.story import Story
from tui.widgets.live_feed import LiveFeed


@asynccontextmanager
async def page(
    *, seconds: float = 30, size: tuple[int, int] = (120, 36), degraded: bool = True
) -> AsyncIterator[tuple[Stage, Story]]:
    """The page after a story, whose accounts the gateway remembers."""
    story = Story(START - seconds, degraded=degraded)
    updates = [story.opening(), *story.tell(seconds)]
    async with staged(*updates, size=size) as stage:
        stage.source.stories = accounts(updates)
        await stage.press("4")
        yield stage, story


def table(stage: Stage) -> LiveFeed:
    return stage.app.screen.query_one("#requests", LiveFeed)


def running(stage: Stage) -> list[str]:
    return list(stage.app.state.running)


def newest(stage: Stage) -> str:
    return stage.app.state.log[-1].request_id


def past(count: int, **more: object) -> tuple[Json, ...]:
    """Lines of requests before the story, newest first."""
    story = Story(START - 4000)
    updates = [story.opening(), *story.tell(60)]
    done = [one for one in accounts(updates).values() if one["status"] is not None]
    found: list[Json] = []
    for number in range(count):
        line = dict(summary(done[number % len(done)]))
        line |= {"request_id": f"old-{number}", "at": START - 5000 - number}
        found.append(line | more)
    return tuple(found)


async def written_out(stage: Stage) -> None:
    """Until an export has come to its end, and is told."""
    exports = [worker for worker in stage.app.workers if worker.name == "export"]
    if exports:
        await stage.app.workers.wait_for_complete(exports)
    await stage.settle()


def update_of(stage: Stage, id: str) -> RequestFinished:
    found = next(each for each in stage.app.state.log if each.request_id == id)
    assert isinstance(found, RequestFinished)
    return found


async def test_what_runs_stands_above_what_ended_with_its_time_moving() -> None:
    async with page() as (stage, _):
        keys = table(stage).keys
        assert list(keys[: len(running(stage))]) == running(stage)
        assert keys[len(running(stage))] == newest(stage)
        row = stage.line_with("▶ running ")
        stage.clock.now += 7
        await stage.settle()
        assert stage.line_with("▶ running ") != row
        assert f"▶ {len(running(stage))} running" in stage.text


async def test_the_list_follows_the_newest_until_the_reader_moves() -> None:
    async with page() as (stage, story):
        assert "live" in stage.line_with("Requests  ")
        await stage.press("down", "down", "down")
        held = table(stage).cursor
        place = next(n for n, line in enumerate(stage.lines) if line.startswith("▌ 0"))
        await stage.tell(*story.tell(3))
        assert table(stage).cursor == held
        assert "held: f follows again" in stage.line_with("Requests  ")
        assert abs(next(n for n, x in enumerate(stage.lines) if x.startswith("▌ 0")) - place) <= 3
        await stage.press("f")
        assert table(stage).cursor == table(stage).keys[0]
        assert "live" in stage.line_with("Requests  ")


async def test_enter_shows_the_story_below_and_again_on_the_whole_page_and_esc_goes_back() -> None:
    async with page() as (stage, _):
        await stage.press("down", "enter")
        assert "Request req_" in stage.text
        assert "Requests  " in stage.text
        assert "candidates" in stage.text
        await stage.press("enter")
        assert "Requests  " not in stage.text
        assert "in words" in stage.text
        await stage.press("escape")
        assert "Requests  " in stage.text
        assert "Request req_" in stage.text
        await stage.press("escape")
        assert "Request req_" not in stage.text


async def test_a_small_terminal_gives_the_story_the_whole_page() -> None:
    async with page(size=(80, 24)) as (stage, _):
        await stage.press("down", "enter")
        assert "Requests  " not in stage.text
        assert "candidates" in stage.text
        before = stage.text
        await stage.press("down", "down")
        assert stage.text != before
        await stage.press("escape")
        assert "Requests  " in stage.text


async def test_the_story_follows_the_cursor() -> None:
    async with page() as (stage, _):
        await stage.press("enter")
        for _ in range(4):
            await stage.press("down")
            assert f"Request {table(stage).cursor}" in stage.text
            assert "candidates" in stage.text


async def test_a_request_nobody_remembers_is_told_with_what_the_row_knows() -> None:
    async with page() as (stage, _):
        stage.source.stories = {}
        await stage.press("down", "enter")
        assert "○ not remembered" in stage.text
        assert "routed" in stage.text


async def test_a_story_that_is_not_here_yet_says_so() -> None:
    async with page() as (stage, _):
        import asyncio

        gate, story = asyncio.Event(), stage.source.story

        async def slowly(request_id: str) -> Json:
            await gate.wait()
            return await story(request_id)

        stage.source.story = slowly  # type: ignore[method-assign]
        await stage.press("down", "enter")
        assert "◐ reading" in stage.text
        gate.set()
        await stage.settle()
        assert "candidates" in stage.text


async def test_a_running_request_is_read_again_when_it_ended() -> None:
    async with page() as (stage, _):
        id = running(stage)[0]
        await stage.press("home", "enter")
        assert "goes on" in stage.text
        routed = stage.app.state.running[id]
        done = replace(
            update_of(stage, next(e.request_id for e in stage.app.state.log if e.status == 200)),
            request_id=id,
            error="broke off",
        )
        facts = {**stage.source.stories[id], "status": 200, "error": "broke off"}
        stage.source.stories[id] = facts
        await stage.tell(done)
        await stage.settle()
        assert table(stage).cursor == id
        assert "✖ 200  broke off" in stage.text
        assert routed.request_id not in stage.app.state.running


async def test_two_key_presses_from_the_routing_log_to_why() -> None:
    async with page() as (stage, _):
        await stage.press("1")
        assert isinstance(stage.app.screen, MainScreen)
        await stage.press("R", "enter")
        assert isinstance(stage.app.screen, RequestsPage)
        assert f"Request {newest(stage)}" in stage.text


async def test_a_request_that_is_not_in_the_list_is_shown_by_its_id() -> None:
    async with page() as (stage, _):
        stage.source.stories["old-1"] = {
            **stage.source.stories[newest(stage)], "request_id": "old-1", "backend": "gone-box",
        }  # fmt: skip
        stage.app.show_request("old-1")
        await stage.settle()
        assert "Request old-1" in stage.text
        assert "gone-box" in stage.text
        stage.app.show_request(newest(stage))
        await stage.settle()
        assert table(stage).cursor == newest(stage)


async def test_a_story_is_shown_on_a_page_that_was_never_open() -> None:
    story = Story(START - 5)
    updates = [story.opening(), *story.tell(5)]
    async with staged(*updates) as stage:
        stage.source.stories = accounts(updates)
        wanted = newest(stage)
        stage.app.show_request(wanted)
        await stage.settle()
        await stage.settle()
        assert f"Request {wanted}" in stage.text


async def test_the_filter_speaks_of_models_states_zones_and_times() -> None:
    async with page() as (stage, _):
        await stage.press("down", "down", "slash", *"zone:open >1s", "enter")
        rows = [table(stage)._rows.request(key) for key in table(stage).keys]  # type: ignore[union-attr]
        assert rows
        assert all(r.zone.value == "open" and r.duration_ms > 1000 for r in rows)
        assert f"filter zone:open >1s: {len(rows)} row" in stage.text
        assert table(stage).cursor == table(stage).keys[0]
        await stage.press("escape")
        assert len(table(stage).keys) > len(rows)


async def test_a_filter_that_is_not_understood_says_what_would_be() -> None:
    async with page() as (stage, _):
        await stage.press("slash")
        assert "model: backend: status:" in stage.text
        await stage.press(*"bakend:gpu")
        assert "no field 'bakend': did you mean backend:?" in stage.text
        assert len(table(stage).keys) == 0 or "bakend" in stage.text


async def test_faults_only_is_one_key() -> None:
    async with page() as (stage, _):
        everything = len(table(stage).keys)
        await stage.press("exclamation_mark")
        assert "! faults only" in stage.text
        assert 0 < len(table(stage).keys) < everything
        await stage.press("exclamation_mark")
        assert len(table(stage).keys) == everything


async def test_the_past_is_read_page_by_page_as_its_end_comes_into_sight() -> None:
    async with page(seconds=2) as (stage, _):
        stage.source.past = past(250)
        table(stage)
        page_of = cast(RequestsPage, stage.app.screen)
        page_of._view.complete = False
        for _ in range(4):
            await stage.press("end")
        assert stage.lines
        assert table(stage).keys[-1] == "old-249"
        asked = [wanted.until for wanted in stage.source.asked]
        assert len([until for until in asked if until is not None]) >= 3
        assert "old-0" in table(stage).keys


async def test_the_past_is_filtered_by_the_gateway_and_again_here() -> None:
    async with page(seconds=2) as (stage, _):
        stage.source.past = past(20, model="special", actual_model="special") + past(5)
        await stage.press("slash", *"model:special", "enter")
        assert len(table(stage).keys) == 20
        assert stage.source.asked[-1].model.startswith("*[sS]")


async def test_a_search_without_an_end_waits_for_a_key() -> None:
    async with page(seconds=2) as (stage, _):
        stage.source.past = past(5000)
        await stage.press("slash", *"model:nobody-has-this", "enter")
        for _ in range(14):
            await stage.settle()
        assert "searched back to" in stage.text
        asked = len(stage.source.asked)
        await stage.settle()
        assert len(stage.source.asked) == asked


async def test_a_past_that_cannot_be_read_is_told() -> None:
    async with page(seconds=2) as (stage, _):
        stage.source.refusal = NexusError("the file is damaged")
        await stage.press("slash", *"x", "enter")
        assert "older ones: the file is damaged" in stage.text
        stage.source.refusal = None


async def test_a_tenant_is_asked_of_the_gateway() -> None:
    async with page(seconds=2) as (stage, _):
        stage.source.past = past(7)
        await stage.press("slash", *"tenant:team-a", "enter")
        await stage.settle()
        assert len(table(stage).keys) == 7
        assert stage.source.asked[-1].tenant
        stage.source.past = past(9)
        stage.clock.now += 3
        await stage.settle()
        await stage.settle()
        assert len(table(stage).keys) == 9
        await stage.press("escape")
        assert len(table(stage).keys) > 9


async def test_a_running_request_is_cancelled_after_a_question() -> None:
    async with page() as (stage, _):
        await stage.press("home", "K")
        assert isinstance(stage.app.screen, Confirm)
        assert "Cancel this request?" in stage.text
        await stage.press("enter")
        assert stage.source.wishes == []
        await stage.press("K", "right", "enter")
        assert stage.source.wishes == [("cancel", running(stage)[0])]


async def test_what_ended_cannot_be_cancelled_and_a_viewer_cannot_cancel() -> None:
    async with page() as (stage, _):
        await stage.press("end", "K")
        assert not isinstance(stage.app.screen, Confirm)
        assert "does not run any more" in stage.text
        stage.source.role = Role.VIEWER
        await stage.press("home", "K")
        assert not isinstance(stage.app.screen, Confirm)
        assert "cancel" not in stage.lines[-1]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the terminal's clipboard."""
    monkeypatch.delenv("TMUX", raising=False)
    found: list[str] = []

    def write(self: HeadlessDriver, data: str) -> None:
        if data.startswith("\x1b]52"):
            found.append(base64.b64decode(data[7:-1]).decode())

    monkeypatch.setattr(HeadlessDriver, "write", write)
    return found


async def test_the_copy_menu_copies_id_curl_and_story(written: list[str]) -> None:
    async with page() as (stage, _):
        await stage.press("end", "home", "enter", "y")
        assert isinstance(stage.app.screen, Choose)
        await stage.press("i")
        await stage.press("y", "c")
        await stage.press("y", "down", "down", "enter")
        id, command, story = written
        assert id == running(stage)[0]
        assert command.startswith("curl http://127.0.0.1:8000/v1/")
        assert json.loads(story)["request_id"] == id
        assert "The story was copied by the terminal" in stage.text
        await stage.press("y", "escape")
        assert len(written) == 3


async def test_a_copy_too_long_for_terminals_is_shown(written: list[str]) -> None:
    async with page() as (stage, _):
        id = running(stage)[0]
        long: dict[str, Any] = {**stage.source.stories[id], "sentences": ["x" * 900] * 90}
        stage.source.stories[id] = long
        await stage.press("home", "enter", "y", "s")
        assert isinstance(stage.app.screen, ShownText)
        assert written == []
        await stage.press("escape")


async def test_keys_lead_to_the_backend_and_the_model() -> None:
    async with page() as (stage, _):
        await stage.press("home")
        routed = stage.app.state.running[running(stage)[0]]
        await stage.press("b")
        assert stage.app.current_mode == "backend"
        assert routed.backend in stage.text
        await stage.press("4", "m")
        assert stage.app.current_mode == "models"
        assert routed.model in stage.text


async def test_the_rows_shown_are_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with page() as (stage, _):
        await stage.press("exclamation_mark", "ctrl+s")
        await written_out(stage)
        shown = len(table(stage).keys)
        [told] = tmp_path.glob("*.json")  # noqa: ASYNC240
        rows = json.loads(told.read_text())
        assert len(rows) == shown
        assert [row["ID"] for row in rows] == list(table(stage).keys)
        assert all(row["AT"].startswith("2027-01-15T0") for row in rows)
        assert told.name == "nexus-requests-20270115-080000.json"
        assert "nexus-requests-20270115-080000.csv" in stage.text.replace("\n", "")


async def test_in_a_browser_files_and_copies_go_to_the_browser(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMUX", "of the server")
    monkeypatch.setattr(HeadlessDriver, "is_web", True)
    sent: dict[str, str] = {}

    def deliver(self: NexusDashboard, file: StringIO, save_filename: str) -> None:
        sent[save_filename] = file.getvalue()

    monkeypatch.setattr(NexusDashboard, "deliver_text", deliver)
    async with page() as (stage, _):
        await stage.press("ctrl+s")
        assert len(sent) == 2
        assert sent["nexus-requests-20270115-080000.csv"].startswith("AT,ID,TIME,STATUS")
        await stage.press("y", "i")
        assert isinstance(stage.app.screen, ShownText)
    assert written == []
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_help_tells_the_filter() -> None:
    async with page(size=(120, 70)) as (stage, _):
        await stage.press("question_mark")
        for name in (*FIELDS, *NUMBERS):
            assert name in stage.text


async def test_no_two_actions_share_a_key() -> None:
    keys = [key for action in RequestsPage.ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_only_text_in_list_and_story(name: str) -> None:
    async with page(seconds=5) as (stage, _):
        one = next(e for e in stage.app.state.log if isinstance(e, RequestFinished))
        routed = next(iter(stage.app.state.running.values()))
        evil = replace(
            one, request_id="evil", requested=name, model=name, backend=name, error=name, why=name
        )
        facts: dict[str, Any] = {
            **stage.source.stories[one.request_id],
            "request_id": name, "model": name, "backend": name, "error": name, "why": name,
            "sentences": [name], "strategy": name,
        }  # fmt: skip
        facts["candidates"] = [
            {**each, "backend": name, "rejection": {"rule": name, "detail": name, "hint": name}}
            for each in cast("list[dict[str, Any]]", facts["candidates"])
        ]
        stage.source.stories["evil"] = facts
        stage.source.past = past(3, request_id=f"past{name}", model=name, error=name, backend=name)
        updates: list[Update] = [replace(routed, request_id=f"run{name}", requested=name), evil]
        assert isinstance(updates[0], RequestRouted)
        await stage.tell(*updates)
        stage.app.show_request("evil")
        await stage.settle()
        texts = [stage.text]
        for keys in (("enter",), ("escape", "escape", "end"), ("home", "K"), ("escape", "y"),
                     ("escape", "b"), ("4", "m"), ("4", "slash", *"x"), ("enter",)):  # fmt: skip
            await stage.press(*keys)
            texts.append(stage.text)
        for text in texts:
            assert not set(text) & set("\x1b\x9b\x07\u202e\u200d\r")
    assert stage.app.failure is None


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (100, 30), (160, 50), (240, 70)])
async def test_no_line_is_wider_than_the_screen_at_any_size(size: tuple[int, int]) -> None:
    async with page(size=size, seconds=10) as (stage, story):
        for keys in ((), ("enter",), ("enter",), ("escape",), ("slash", *"x:y"), ("escape",)):
            await stage.press(*keys)
            assert len(stage.lines) == size[1]
            assert {len(line) for line in stage.lines} == {size[0]}
        await stage.press("escape")
        await stage.pilot.resize_terminal(50, 12)
        await stage.pilot.resize_terminal(90, 30)
        await stage.tell(*story.tell(2))
        assert "Requests  " in stage.text


async def test_keys_that_come_in_a_heap_go_where_they_were_meant_to() -> None:
    """Over a slow link a word arrives at once: none of its letters may act on the page."""
    async with page() as (stage, _):
        for letter in "/gemma K/d":
            key = {"/": "slash", " ": "space"}.get(letter, letter)
            pressed = Key(key, letter)
            pressed.set_sender(stage.app)
            stage.app.post_message(pressed)
        await stage.settle()
        assert stage.app.current_mode == "requests"
        assert isinstance(stage.app.screen, RequestsPage)
        assert stage.app.screen.words == "gemma K/d"


async def test_every_page_with_rows_exports_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with page() as (stage, _):
        for key, name, heads in (
            ("1", "backends", "STATUS"),
            ("R", "routing", "AT,ID,TIME"),
            ("3", "matrix", "MODEL"),
            ("7", "log", "AT,TIME"),
            ("c", "changes", "AT,TIME"),
        ):
            await stage.press(key, "ctrl+s")
            await written_out(stage)
            (path,) = tmp_path.glob(f"nexus-{name}-*.csv")  # noqa: ASYNC240
            first = path.read_text().splitlines()
            assert first[0].startswith(heads), name
            dated = [row for row in first[1:] if heads.startswith("AT")]
            assert all(row.startswith("2027-01-15T0") for row in dated), name


async def test_w_shows_what_would_be_done_now_beside_what_was_done_and_again_puts_it_away() -> None:
    async with page() as (stage, _):
        await stage.press("down", "enter")
        stage.source.again = {"dry_run": True, "refusal": {"message": "no room for it"}}
        await stage.press("w")
        assert "refused  then: " in stage.text
        assert "no room for it" in stage.text
        assert "gone" in stage.text
        await stage.press("w")
        assert "no room for it" not in stage.text
        await stage.press("w", "down")
        assert "no room for it" not in stage.text  # that is another request


async def test_w_opens_the_story_and_tells_what_cannot_be_decided() -> None:
    async with page() as (stage, _):
        stage.source.refusal = NexusError("it could not be read")
        await stage.press("down", "w")
        assert "Request req_" in stage.text
        assert "it could not be read" in stage.text


async def test_a_story_on_the_whole_page_names_its_own_keys() -> None:
    async with page(size=(80, 24)) as (stage, _):
        assert "faults" in stage.lines[-1]
        await stage.press("enter")
        assert "esc back" in stage.lines[-1]
        assert "w decide again" in stage.lines[-1]
        assert "faults" not in stage.lines[-1]
        await stage.press("escape")
        assert "faults" in stage.lines[-1]
