"""The page Logs, with a hand on its keys."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import cast

import pytest

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.events import ChangeMade
from nexus.domain.logline import LogLevel, LogLine
from nexus.errors import NexusError
from tests.fakes.dashboard import START, Stage, staged
from tests.fakes.hostile import HOSTILE
from tui.clean import width
from tui.screens.choose import Choose
from tui.screens.log_line import ChangeDetail, LineDetail
from tui.screens.logs import LogsPage
from tui.sources.accounts import accounts
from tui.sources.lines import TRACEBACK, made
from tui.sources.story import Story
from tui.widgets.live_table import LiveTable
from tui.widgets.log_table import LogTable

COMPONENTS = ("server", "health", "request")


def some(count: int, first: int = 1) -> tuple[LogLine, ...]:
    """Lines of three components in five levels; each names a request."""
    levels = list(LogLevel)
    return tuple(
        LogLine(
            seq,
            START - 100 + seq / 10,
            levels[seq % 5],
            COMPONENTS[seq % 3],
            f"message {seq}",
            {"request_id": f"req_{seq:06d}", "status": 200},
        )
        for seq in range(first, first + count)
    )


@asynccontextmanager
async def page(*lines: LogLine, size: tuple[int, int] = (120, 36)) -> AsyncIterator[Stage]:
    story = Story(START - 5)
    updates = [story.opening(), *story.tell(5)]
    async with staged(*updates, size=size) as stage:
        stage.source.stories = accounts(updates)
        stage.source.lines = lines or some(60)
        await stage.press("7")
        await stage.settle()
        yield stage


def log(stage: Stage) -> LogTable:
    return stage.app.screen.query_one("#log", LogTable)


def current(stage: Stage) -> LogLine:
    found = cast(LogsPage, stage.app.screen)._view.line(log(stage).cursor)
    assert found is not None
    return found


async def second(stage: Stage) -> None:
    """Let one pass, and what is read in it be shown."""
    stage.clock.now += 1
    await stage.settle()
    await stage.settle()


async def test_the_newest_line_is_last_and_new_ones_come_every_second() -> None:
    async with page() as stage:
        assert current(stage).seq == 60
        assert "live" in stage.line_with("Logs 60")
        stage.source.lines += some(2, 61)
        await stage.settle()
        assert current(stage).seq == 60
        await second(stage)
        assert current(stage).seq == 62


async def test_a_page_that_is_not_shown_asks_nothing() -> None:
    async with page() as stage:
        await stage.press("1")
        asked: list[int] = []
        logs = stage.source.logs

        async def counted(after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
            asked.append(after)
            return await logs(after, limit)

        stage.source.logs = counted  # type: ignore[method-assign]
        await second(stage)
        await second(stage)
        assert asked == []
        await stage.press("7")
        assert asked


async def test_moving_away_holds_the_view_and_f_follows_again() -> None:
    async with page() as stage:
        await stage.press("up", "k", "k")
        assert current(stage).seq == 57
        stage.source.lines += some(2, 61)
        await second(stage)
        assert current(stage).seq == 57
        assert "held: f follows again" in stage.line_with("Logs 62")
        await stage.press("f")
        assert current(stage).seq == 62


async def test_levels_have_a_mark_beside_their_colour() -> None:
    async with page() as stage:
        for mark in ("· trace", "· debug", "  info", "! warn", "✖ error"):
            assert mark in stage.text


async def test_the_least_level_goes_round() -> None:
    async with page() as stage:
        await stage.press("m", "m", "m")
        assert "warn and worse" in stage.text
        assert "· debug" not in stage.text
        assert len(log(stage).keys) == 24
        await stage.press("m", "m")
        assert len(log(stage).keys) == 60


async def test_one_component_is_chosen_from_those_that_spoke() -> None:
    async with page() as stage:
        await stage.press("S")
        assert isinstance(stage.app.screen, Choose)
        for name in ("all components", *COMPONENTS):
            assert name in stage.text
        await stage.press("down", "enter")
        assert "only health" in stage.text
        assert len(log(stage).keys) == 20
        await stage.press("S", "home", "enter")
        assert len(log(stage).keys) == 60


async def test_search_marks_and_n_walks_round() -> None:
    async with page() as stage:
        await stage.press("slash", *"ERROR", "enter")
        assert "searching ERROR (n, N)" in stage.text
        seen = [current(stage).seq]
        for key in ("N", "N", "n", "n", "n"):
            await stage.press(key)
            seen.append(current(stage).seq)
        assert seen == [59, 54, 49, 54, 59, 4]
        assert "» message" in stage.line_with("▌ 0")
        assert len(log(stage).keys) == 60
        await stage.press("ampersand")
        assert len(log(stage).keys) == 12
        assert "only ERROR" in stage.text
        await stage.press("escape")
        assert len(log(stage).keys) == 60
        await stage.press("n")
        assert "Nothing is searched for" in stage.text


async def test_a_search_for_nothing_there_says_so() -> None:
    async with page() as stage:
        await stage.press("slash", *"zebra", "enter", "n")
        assert "No line has that." in stage.text


async def test_a_level_is_set_for_the_component_under_the_cursor_or_for_all_others() -> None:
    async with page() as stage:
        component = current(stage).component
        await stage.press("l")
        assert f"Log level of {component}" in stage.text
        assert "▌" in stage.line_with("(now)")
        await stage.press("up", "enter")
        assert stage.source.wishes == [("log level", f"{component} debug")]
        await stage.press("L", "end", "enter")
        assert stage.source.wishes[-1] == ("log level", " error")
        await stage.press("L", "escape")
        assert len(stage.source.wishes) == 2


async def test_a_viewer_sets_no_level() -> None:
    async with page() as stage:
        stage.source.role = Role.VIEWER
        await stage.press("l", "L")
        assert isinstance(stage.app.screen, LogsPage)
        assert "set level" not in stage.lines[-1]


async def test_g_goes_to_the_request_of_the_line() -> None:
    async with page() as stage:
        wanted = stage.app.state.log[-1].request_id
        stage.source.lines += (
            LogLine(61, START, LogLevel.INFO, "request", "done", {"request_id": wanted}),
            LogLine(62, START, LogLevel.INFO, "server", "hello"),
        )
        await second(stage)
        await stage.press("g")
        assert "names no request" in stage.text
        await stage.press("up", "g")
        assert stage.app.current_mode == "requests"
        assert f"Request {wanted}" in stage.text
        await stage.press("7", "enter", "g")
        await stage.settle()
        assert stage.app.current_mode == "requests"


async def test_lines_that_were_missed_are_said() -> None:
    async with page() as stage:
        stage.source.lines = some(3, 100)
        await second(stage)
        assert "! gap" in stage.line_with("39 lines missed:")
        assert "! 39 lines missed" in stage.line_with("Logs 63")


async def test_enter_shows_all_fields_and_folds_a_traceback() -> None:
    fields = {"exception": TRACEBACK, "port": 5353, "retry": True, "why": None}
    odd = LogLine(1, START, LogLevel.ERROR, "discovery", "announcing failed", fields)
    async with page(odd) as stage:
        assert "OSError: [Errno 101]" in stage.text
        await stage.press("enter")
        assert isinstance(stage.app.screen, LineDetail)
        for text in ("announcing failed", "port ", "5353", "retry", "yes", "OSError"):
            assert text in stage.text
        assert "Traceback (most" not in stage.text
        assert "1 line folded" in stage.text
        await stage.press("space")
        assert "Traceback (most" in stage.text
        await stage.press("y")
        told = json.loads(stage.app.clipboard)
        assert told["fields"]["port"] == 5353
        await stage.press("escape")
        assert isinstance(stage.app.screen, LogsPage)


async def test_a_line_is_copied_as_json() -> None:
    async with page() as stage:
        await stage.press("y")
        told = json.loads(stage.app.clipboard)
        assert told["seq"] == 60
        assert told["fields"] == {"request_id": "req_000060", "status": 200}


async def test_changes_are_who_what_before_and_after() -> None:
    async with page() as stage:
        stage.source.made = made(START)
        await stage.press("c")
        await stage.settle()
        table = stage.app.screen.query_one("#changes", LiveTable)
        assert stage.app.screen.focused is table
        assert "● done" in stage.line_with("drain")
        assert "target qwen3:32b → llama3.3:70b" in stage.line_with("alias set")
        assert "✖ failed" in stage.line_with("this takes the role admin")
        entry = AuditEntry(START, "cli", "admin", "undrain", "gpu-02", None, {"draining": False})
        await stage.tell(ChangeMade(entry))
        assert "undrain" in stage.text
        await stage.press("home", "down", "down", "enter")
        assert isinstance(stage.app.screen, ChangeDetail)
        assert "~ target" in stage.text
        assert "→ llama3.3:70b" in stage.text
        await stage.press("y")
        assert json.loads(stage.app.clipboard)["action"] == "alias set"
        await stage.press("escape", "slash", *"cli", "enter")
        assert len(table.keys) == 2
        await stage.press("escape")
        assert "Logs 60" in stage.text
        assert stage.app.screen.focused is log(stage)


async def test_a_log_that_cannot_be_read_says_why_and_comes_back() -> None:
    async with page() as stage:
        logs = stage.source.logs

        async def refused(after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
            raise NexusError("the key is for viewers")

        stage.source.logs = refused  # type: ignore[method-assign]
        await second(stage)
        assert "✖ the key is for viewers" in stage.line_with("Logs 60")
        stage.source.logs = logs  # type: ignore[method-assign]
        await second(stage)
        assert "live" in stage.line_with("Logs 60")


async def test_an_empty_log_and_no_changes_say_so() -> None:
    story = Story(START)
    async with staged(story.opening()) as stage:
        await stage.press("7")
        assert "nothing was logged yet" in stage.text
        await stage.press("c")
        assert "nobody changed anything yet" in stage.text


async def test_no_two_actions_share_a_key() -> None:
    keys = [key for action in LogsPage.ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize("name", HOSTILE)
async def test_hostile_text_in_a_line_or_a_change_is_only_text(name: str) -> None:
    odd = LogLine(
        1, START, LogLevel.WARN, name, name,
        {name: name, "request_id": name, "exception": f"{name}\n{name}\nlast {name}"},
    )  # fmt: skip
    change = AuditEntry(START, name, name, name, name, {name: name}, {name: [name]}, name)
    async with page(odd, replace(odd, seq=2)) as stage:
        stage.source.made = (change, replace(change, outcome="done"))
        texts = [stage.text]
        for keys in (("enter",), ("space",), ("escape", "S"), ("escape", "l"), ("up", "enter"),
                     ("c",), ("enter",), ("escape", "c"), ("g",)):  # fmt: skip
            await stage.press(*keys)
            texts.append(stage.text)
        for text in texts:
            assert not set(text) & set("\x1b\x9b\x07\u202e\u200d\r")
            assert {width(line) for line in text.split("\n")} == {120}
    assert stage.app.failure is None


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (240, 70)])
async def test_no_line_is_wider_than_the_screen_at_any_size(size: tuple[int, int]) -> None:
    async with page(size=size) as stage:
        stage.source.made = made(START)
        for keys in ((), ("slash", *"message"), ("enter",), ("c",), ("enter",), ("escape",)):
            await stage.press(*keys)
            assert len(stage.lines) == size[1]
            assert {len(line) for line in stage.lines} == {size[0]}


async def test_lines_of_a_gateway_that_started_again_follow_those_before() -> None:
    async with page() as stage:
        stage.source._info = replace(stage.source.info, started_at=START)
        stage.source.lines = some(3)
        await second(stage)
        assert "◆ start" in stage.line_with("the gateway started again")
        assert current(stage).seq == 3
        assert len(log(stage).keys) == 64
