"""The running dashboard: every key does what help says, and nothing steals the cursor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load, Source
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    FleetSeen,
    LinkChanged,
    LoadChanged,
    PortProbed,
    ServerFound,
    ServerGone,
    Update,
)
from nexus.domain.fleet import Fleet, picture
from nexus.errors import NexusError
from tests.fakes.dashboard import START, Stage, staged
from tests.fakes.hostile import HOSTILE
from tui.app import NexusDashboard
from tui.commands import NexusCommands
from tui.leave import Leave
from tui.screens.backend import BackendPage
from tui.screens.detail import ModelDetail
from tui.screens.dialogs.drain import Drain
from tui.screens.help import Help
from tui.screens.main import ACTIONS, MainScreen
from tui.screens.modal import Confirm
from tui.sources.story import Story, scanned
from tui.state import reduce
from tui.widgets.live_log import LiveLog
from tui.widgets.live_table import LiveTable


def busy(seconds: float = 60, *, degraded: bool = False) -> tuple[list[Update], Story]:
    story = Story(START - seconds, degraded=degraded)
    return [story.opening(), *story.tell(seconds)], story


def backends(stage: Stage) -> LiveTable:
    return stage.app.screen.query_one("#backends", LiveTable)


def routing(stage: Stage) -> LiveLog:
    return stage.app.screen.query_one("#routing", LiveLog)


async def test_the_first_screen_tells_the_fleet_in_place() -> None:
    updates, _ = busy(degraded=True)
    async with staged(*updates, demo=True) as stage:
        text = stage.text
        assert "NEXUS" in text
        assert "http://127.0.0.1:8000" in text
        assert "DEMO" in text
        assert "4/6 healthy" in text
        assert "up 00:12:33" in text
        for title in ("REQ/S", "IN FLIGHT", "P95", "TOK/S", "ERRORS", "Backends 6", "Models 8"):
            assert title in text
        assert "✖ lab-nuc down 5m  nobody else has phi-4-mini" in stage.text
        assert "✖ down 5m" in next(line for line in stage.lines if " lab-nuc  " in line)
        assert "Routing   live" in text
        assert "best score" in text


async def test_a_frame_in_steps_ends_as_the_newer_one_that_overtakes_it() -> None:
    """Painted at once, a frame would hold the gateway's loop for several milliseconds."""
    updates, _ = busy()
    async with staged(*updates[: len(updates) // 2]) as stage:
        page, before = stage.app.screen, stage.text
        assert isinstance(page, MainScreen)
        for update in updates[len(updates) // 2 :]:
            stage.app.state = reduce(stage.app.state, update)
        steps = page.steps(stage.app.frame)
        next(steps)
        page.show_frame(stage.app.frame)
        await stage.pilot.pause()
        after = stage.text
        assert after != before

        assert len(list(steps)) == 3  # charts, backends, models; with the log it is whole
        await stage.pilot.pause()
        assert stage.text == after


async def test_moving_keys_move_the_cursor() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        table = backends(stage)
        assert table.cursor == "gpu-01"
        for key, expected in (
            ("down", "gpu-02"), ("j", "mac-studio"), ("k", "gpu-02"), ("up", "gpu-01"),
            ("end", "openai"), ("home", "gpu-01"), ("G", "openai"), ("g", "gpu-01"),
            ("pagedown", "openai"), ("pageup", "gpu-01"),
        ):  # fmt: skip
            await stage.press(key)
            assert table.cursor == expected, key


async def test_tab_and_digits_move_the_focus() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        seen: list[str | None] = []
        for key in ("tab", "tab", "tab", "shift+tab", "B", "M", "R"):
            await stage.press(key)
            focused = stage.app.screen.focused
            seen.append(focused.id if focused else None)
        assert seen == [
            "models", "routing", "backends", "routing", "backends", "models", "routing",
        ]  # fmt: skip


async def test_the_cursor_stays_on_its_backend_when_rows_change_places() -> None:
    updates, story = busy(5)
    async with staged(*updates) as stage:
        await stage.press("down", "down")
        assert backends(stage).cursor == "mac-studio"
        await stage.press("s", "s")
        assert backends(stage).cursor == "mac-studio"
        await stage.tell(story.turn("openai", BackendStatus.UNHEALTHY, "gone"))
        stage.clock.now += 5
        await stage.tell(*story.tell(5))
        assert backends(stage).cursor == "mac-studio"
        assert stage.line_with("mac-studio ").startswith("▌")


async def test_the_cursor_keeps_its_line_when_its_backend_leaves() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("down")
        await stage.tell(BackendRemoved(900, BackendId("gpu-02"), "gpu-02"))
        assert backends(stage).cursor == "mac-studio"


async def test_the_log_follows_until_the_reader_scrolls_up_and_again_at_its_end() -> None:
    updates, story = busy(60)
    async with staged(*updates) as stage:
        log = routing(stage)
        await stage.press("R")
        newest = log.cursor
        await stage.tell(*story.tell(3))
        assert log.cursor != newest
        await stage.press("up", "up", "up")
        held, shown = log.cursor, stage.lines[-8:-1]
        await stage.tell(*story.tell(20))
        assert log.cursor == held
        assert stage.lines[-8:-1] == shown
        assert "Routing" in stage.line_with("held")
        await stage.press("f")
        assert log.following
        assert "Routing" in stage.line_with("live")
        await stage.press("up", "end")
        assert log.following


async def test_a_held_log_shows_the_same_rows_while_old_ones_fall_out() -> None:
    updates, story = busy(60)
    async with staged(*updates) as stage:
        log = routing(stage)
        await stage.press("R", *["up"] * 3)
        held = log.cursor
        cursor_line = next(line for line in stage.lines if line.startswith("▌ ") and "200" in line)
        await stage.tell(*story.tell(60))
        assert log.cursor == held
        assert cursor_line in stage.lines


async def test_drain_asks_first_and_tells_what_is_in_flight() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=3)))
        await stage.press("d")
        assert isinstance(stage.app.screen, Drain)
        assert "Drain gpu-01?" in stage.text
        assert "3 requests in flight" in stage.text
        await stage.press("enter")
        assert stage.source.wishes == []
        await stage.press("d", "right", "enter")
        assert stage.source.wishes == [("drain", "gpu-01")]


async def test_drain_warns_of_models_that_nobody_else_has() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("end", "d")
        for model in ("gpt-4o", "gpt-4o-mini"):
            assert f"! {model}  only copy here" in stage.text
        await stage.press("escape")
        assert stage.source.wishes == []


async def test_pasted_letters_never_confirm() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("d", *"ydYD1")
        assert stage.source.wishes == []


async def test_undrain_check_and_rescan_are_wishes_of_the_source() -> None:
    updates, _ = busy(1, degraded=True)
    async with staged(*updates) as stage:
        await stage.press("u")
        assert stage.source.wishes == []
        assert "gpu-01 is not draining" in stage.text
        await stage.press("down", "u", "c", "r")
        assert stage.source.wishes == [("undrain", "gpu-02"), ("check", "gpu-02"), ("scan", "")]


async def test_a_refused_wish_is_told_and_nothing_breaks() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        stage.source.refusal = NexusError("gpu-01 is [b]busy\x1b[2J")
        await stage.press("c")
        assert "gpu-01 is [b]busy�[2J" in stage.text
        assert isinstance(stage.app.screen, MainScreen)


async def test_the_filter_reaches_every_pane_and_escape_clears_it() -> None:
    updates, _ = busy(60)
    async with staged(*updates) as stage:
        await stage.press("slash", *"qwen")
        assert backends(stage).keys == ("gpu-01", "mac-studio", "workshop")
        assert "3 of 6" in stage.line_with("Backends 6")
        await stage.press("enter")
        assert stage.app.screen.focused is backends(stage)
        assert "qwen3:32b" in stage.text
        assert "nomic" not in stage.text
        await stage.press("escape")
        assert len(backends(stage).keys) == 6


async def test_the_filter_knows_status_and_exclusion() -> None:
    updates, _ = busy(1, degraded=True)
    async with staged(*updates) as stage:
        await stage.press("slash", *"down", "enter")
        assert backends(stage).keys == ("lab-nuc",)
        await stage.press("escape", "slash", *"!healthy", "enter")
        assert backends(stage).keys == ("gpu-02", "lab-nuc")
        await stage.press("slash", "escape")
        assert len(backends(stage).keys) == 6


async def test_pasted_filter_text_is_cleaned() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("slash")
        from textual import events

        stage.app.screen.focused.post_message(events.Paste("q\x1b]0;x\x07wen"))  # type: ignore[union-attr]
        await stage.settle()
        assert "\x1b" not in stage.text


async def test_sorting_walks_the_columns_and_comes_back() -> None:
    updates, _ = busy(60)
    async with staged(*updates) as stage:
        registration = backends(stage).keys
        await stage.press("s", "s")
        assert "by name" in stage.line_with("Backends 6")
        assert backends(stage).keys == tuple(sorted(map(str, registration)))
        await stage.press(*"ssssss")
        assert backends(stage).keys == registration


async def test_a_click_on_a_heading_sorts_and_a_second_click_opens_a_row() -> None:
    updates, _ = busy(60)
    async with staged(*updates) as stage:
        head = next(y for y, line in enumerate(stage.lines) if "BACKEND " in line)
        await stage.pilot.click(offset=(stage.lines[head].index("BACKEND"), head))
        await stage.settle()
        assert "by name" in stage.line_with("Backends 6")
        await stage.pilot.click(offset=(20, head + 2), times=2)
        await stage.settle()
        assert isinstance(stage.app.screen, BackendPage)


async def test_enter_shows_a_model_and_a_request() -> None:
    updates, _ = busy(60)
    async with staged(*updates) as stage:
        await stage.press("M", "down", "down", "enter")
        assert isinstance(stage.app.screen, ModelDetail)
        assert "mac-studio" in stage.text
        await stage.press("q", "R", "enter")
        assert stage.app.current_mode == "requests"


async def test_help_names_every_key_of_every_action() -> None:
    updates, _ = busy(1)
    async with staged(*updates, size=(120, 60)) as stage:
        await stage.press("question_mark")
        assert isinstance(stage.app.screen, Help)
        for action in ACTIONS:
            assert action.help in stage.text, action.name
        assert "tab" in stage.text
        assert "ctrl+p" in stage.text
        await stage.press("escape", "f1", "q")
        assert isinstance(stage.app.screen, MainScreen)


async def test_help_begins_with_what_this_page_can_do() -> None:
    updates, _ = busy(1)
    async with staged(*updates, size=(80, 24)) as stage:
        await stage.press("question_mark")
        assert "Send no new work" in stage.text
        assert "One row up" not in stage.text


async def test_no_two_actions_share_a_key() -> None:
    keys = [key for action in ACTIONS for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))


async def test_the_palette_drains_a_backend_by_name() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        await stage.press("ctrl+p", *"drain mac")
        await stage.pilot.pause(0.4)
        await stage.press("down", "enter")
        await stage.pilot.pause(0.2)
        await stage.settle()
        assert "Drain mac-studio?" in stage.text


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_leaving_is_at_once_when_nothing_runs(key: str) -> None:
    async with staged(FleetSeen(Fleet(), {})) as stage:
        await stage.pilot.press(key)
        await stage.pilot.pause()
    assert stage.app.return_value is Leave.STOP


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_leaving_asks_while_requests_run(key: str) -> None:
    updates, _ = busy(1)
    async with staged(updates[0]) as stage:
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=2)))
        await stage.press(key)
        assert "2 requests in flight" in stage.text
        await stage.press("escape")
        assert stage.app.return_value is None
        await stage.press(key, "tab", "enter")
    assert stage.app.return_value is Leave.STOP


async def test_the_theme_changes_and_comes_back() -> None:
    async with staged(FleetSeen(Fleet(), {})) as stage:
        await stage.press("t")
        assert stage.app.theme == "nexus-light"
        await stage.press("t")
        assert stage.app.theme == "nexus-dark"


async def test_no_visit_finds_the_styles_of_a_page_again_but_after_a_change_of_theme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found: list[str] = []

    def refresh_css(self: NexusDashboard, animate: bool = True) -> None:
        found.append(str(self.current_mode))
        super(NexusDashboard, self).refresh_css(animate)

    monkeypatch.setattr(NexusDashboard, "refresh_css", refresh_css, raising=False)
    async with staged(Story(START).opening()) as stage:
        found.clear()
        await stage.press("3", "1", "3", "4", "1")
        assert found == []
        dark = stage.app.screen.styles.background
        await stage.press("t", "3")
        assert found
        assert stage.app.screen.styles.background != dark


async def test_an_empty_fleet_tells_what_was_scanned_and_what_to_do() -> None:
    async with staged() as stage:
        assert "Waiting for the first picture" in stage.text
        await stage.tell(FleetSeen(Fleet(), {}), *scanned(START))
        for text in ("No model server yet.", "Scanned 5 addresses, 4s ago",
                     "http://127.0.0.1:11434", "connection refused", "not like an LLM server",
                     "nexus backends add URL", "nexus demo", "scan again"):  # fmt: skip
            assert text in stage.text, text
        updates, _ = busy(1)
        await stage.tell(*updates)
        assert "Backends 6" in stage.text
        await stage.tell(PortProbed(START, "http://x:1", None, "refused"))
        assert "Backends 6" in stage.text


async def test_a_lost_source_says_so_and_keeps_the_last_picture() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        stage.source.end()
        await stage.settle()
        assert "connection lost" in stage.text
        assert "gpu-01" in stage.text


@pytest.mark.parametrize("size", [(20, 5), (59, 24), (80, 13), (1, 1)])
async def test_too_small_a_terminal_says_so_and_q_still_leaves(size: tuple[int, int]) -> None:
    async with staged(FleetSeen(Fleet(), {}), size=size) as stage:
        if size[0] > 10:
            assert "Nexus needs 60x14" in "".join(line.strip() for line in stage.lines)[:40]
        await stage.pilot.press("q")
        await stage.pilot.pause()
    assert stage.app.return_value is Leave.STOP


@pytest.mark.parametrize("size", [(60, 14), (80, 24), (100, 30), (120, 36), (160, 50), (240, 70)])
async def test_no_line_is_wider_than_the_screen_at_any_size(size: tuple[int, int]) -> None:
    updates, story = busy(60, degraded=True)
    async with staged(*updates, size=size) as stage:
        for keys in ((), ("M",), ("R",), ("enter",), ("escape", "question_mark")):
            await stage.press(*keys)
            assert len(stage.lines) == size[1]
            assert {len(line) for line in stage.lines} == {size[0]}
        await stage.pilot.resize_terminal(70, 20)
        await stage.tell(*story.tell(2))
        assert len(stage.lines) == 20


async def test_many_backends_are_paged_in_the_matrix() -> None:
    updates, _ = busy(1)
    opening = updates[0]
    assert isinstance(opening, FleetSeen)
    one = next(iter(opening.fleet.backends.values()))
    many = {
        BackendId(f"node-{n:02d}"): replace(
            one, face=replace(one.face, id=BackendId(f"node-{n:02d}"), name=f"node-{n:02d}")
        )
        for n in range(40)
    }
    async with staged(FleetSeen(picture(1, many), {})) as stage:
        await stage.press("M")
        assert "Models" in stage.line_with("more backends")
        heads = next(line for line in stage.lines if "CTX" in line)
        assert "node-00" in heads
        await stage.press("right")
        heads = next(line for line in stage.lines if "CTX" in line)
        assert "node-00" not in heads
        await stage.press("h")
        assert "node-00" in next(line for line in stage.lines if "CTX" in line)


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_name_is_only_text_wherever_it_shows(name: str) -> None:
    updates, story = busy(20)
    opening = updates[0]
    assert isinstance(opening, FleetSeen)
    one = next(iter(opening.fleet.backends.values()))
    model = replace(one.models[0], id=name or "m")
    evil = replace(
        one,
        face=replace(one.face, name=name, url=f"http://{name}"),
        models=(model,),
        reason=name,
        version=name,
        status=BackendStatus.UNHEALTHY,
    )
    async with staged(*updates) as stage:
        await stage.tell(BackendChanged(500, evil, None))
        done = next(update for update in stage.app.state.log if update.status == 200)
        await stage.tell(replace(done, requested=name, model=name, error=name))  # type: ignore[call-arg]
        texts: list[str] = []
        for keys in ((), ("enter",), ("escape", "M", "enter"), ("escape", "R", "enter"),
                     ("escape", "B", "d"), ("escape", "u", "c")):  # fmt: skip
            await stage.press(*keys)
            texts.append(stage.text)
        await stage.press("ctrl+p")
        await stage.pilot.pause(0.2)
        texts.append(stage.text)
        for text in texts:
            assert not set(text) & set("\x1b\x9b\x07\u202e\u200d")
            assert {len(line) > 0 for line in text.split("\n")} == {True}
    assert stage.app.failure is None
    assert story


def found(name: str = "gpu box", id: str = "gpu-box") -> ServerFound:
    return ServerFound(
        START,
        BackendId(id),
        name,
        "http://192.168.1.20:8000",
        BackendType.VLLM,
        "vLLM 0.11.0 (models owned by vllm)",
        Source.MDNS,
        "mDNS _llm._tcp",
    )


async def test_a_found_server_is_shown_and_asked_about_and_used_after_a_yes() -> None:
    updates, _ = busy(1)
    async with staged(*updates) as stage:
        assert "approve" not in stage.lines[-1]
        await stage.tell(found())
        assert "◆ 1 found, a approves" in stage.line_with("Backends 6")
        assert "a approve" in stage.lines[-1]
        await stage.press("a")
        assert isinstance(stage.app.screen, Confirm)
        for fact in ("gpu box", "http://192.168.1.20:8000", "vLLM 0.11.0", "mDNS _llm._tcp"):
            assert fact in stage.text
        await stage.press("enter")
        assert stage.source.wishes == []  # the harmless answer is in focus
        await stage.press("a", "right", "enter")
        assert stage.source.wishes == [("approve", "gpu-box")]
        await stage.tell(ServerGone(START, BackendId("gpu-box"), "gpu box", "approved"))
        assert "approves" not in stage.text
        await stage.press("a")
        assert "No server waits for approval." in [n.message for n in stage.app._notifications]


async def test_an_empty_screen_tells_who_waits_and_cleans_their_names() -> None:
    names = [found(f"\x1b]0;x\x07 box {n}", f"box-{n}") for n in range(7)]
    async with staged(FleetSeen(Fleet(), {}), *names) as stage:
        assert "Found on the network, 7 servers to approve" in stage.text
        assert "box 0" in stage.text
        assert "and 2 more" in stage.text
        assert "\x1b" not in stage.text
        assert "a approve" in stage.lines[-1]


async def test_a_gap_in_the_updates_forgets_who_waited_until_told_again() -> None:
    async with staged(FleetSeen(Fleet(), {}), found()) as stage:
        assert list(stage.app.state.waiting) == ["gpu-box"]
        await stage.tell(FleetSeen(Fleet(), {}))
        assert stage.app.state.waiting == {}


async def test_the_palette_can_approve_and_dismiss() -> None:
    async with staged(FleetSeen(Fleet(), {}), found()) as stage:
        commands = NexusCommands(stage.app.screen)
        hits = {hit.text: hit.command async for hit in commands.discover()}
        hits["Dismiss gpu box"]()
        await stage.settle()
        assert stage.source.wishes == [("dismiss", "gpu-box")]
        assert "Approve gpu box" in hits


async def test_a_frame_that_comes_while_a_dialog_is_being_made_changes_nothing() -> None:
    updates, _ = busy()
    async with staged(*updates) as stage:
        for action in ("edit", "drain"):
            page = stage.app.screen
            await stage.app.run_action(f"screen.{action}", default_namespace=page)
            assert stage.app.screen is not page
            stage.app.repaint()
            stage.app.show_latest()  # none of its widgets stands yet
            await stage.settle()
            assert "gpu-01" in stage.line_with("Edit" if action == "edit" else "Drain")
            await stage.press("escape")


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_picture_that_has_become_old_stands_still_and_says_of_when_it_is(
    size: tuple[int, int],
) -> None:
    story = Story(START - 120)
    async with staged(story.opening(), *story.tell(120), size=size) as stage:
        if size == (80, 24):
            await stage.press("v")
        before = [line for line in stage.lines if "┤" in line]
        await stage.tell(LinkChanged(START, False, "reconnecting in 4 s: connection refused"))
        stage.clock.now += 90
        await stage.settle()
        assert "as of 08:00:00" in stage.lines[0]
        assert before
        assert [line for line in stage.lines if "┤" in line] == before
        await stage.tell(LinkChanged(START + 90, True, ""))
        assert "up 00:14:03" in stage.lines[0]
