"""Drain: the impact first, then the countdown; the worst is typed."""

from __future__ import annotations

from nexus.domain.backend import BackendId, BackendStatus, Load
from nexus.domain.decision import RouteReason
from nexus.domain.events import LoadChanged, RequestRouted
from nexus.domain.routes import Routes
from nexus.errors import NexusError
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.dialogs.drain import Drain
from tui.screens.main import MainScreen
from tui.sources.story import Story


def running(id: str, ago: float) -> RequestRouted:
    return RequestRouted(
        id, START - ago, "qwen3:32b", "qwen3:32b", BackendId("gpu-01"), "gpu-01",
        RouteReason.CAPABILITY_MATCH, "", True,
    )  # fmt: skip


async def ask(stage: Stage) -> Story:
    story = Story(START - 60)
    stage.source.table = Routes("1", aliases={"gpt-4": "qwen3:32b", "best": "gpt-4o"})
    await stage.tell(story.opening(), *story.tell(60))
    return story


async def test_the_question_says_what_runs_what_moves_and_which_aliases_keep_working() -> None:
    async with staged() as stage:
        await ask(stage)
        await stage.tell(running("r-one", 0.2), LoadChanged(BackendId("gpu-01"), Load(pending=1)))
        await stage.press("d")
        for told in ("Drain gpu-01?", "1 request in flight; the last", "stays with mac-studio",
                     "aliases that keep working: gpt-4", "to go", "r-one"):  # fmt: skip
            assert told in stage.text, told
        assert "Its name" not in stage.text


async def test_the_dialog_counts_down_and_closes_when_nothing_is_left() -> None:
    async with staged() as stage:
        story = await ask(stage)
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=2)))
        await stage.press("d", "right", "enter")
        assert stage.source.wishes == [("drain", "gpu-01")]
        assert isinstance(stage.app.screen, Drain)
        await stage.tell(story.turn("gpu-01", BackendStatus.DRAINING, "drained"))
        assert "gpu-01 drains" in stage.text
        assert "2 requests in flight" in stage.text
        stage.clock.now += 20
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=1)))
        assert "no new work for 20s" in stage.text
        assert "1 request in flight" in stage.text
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load()))
        assert isinstance(stage.app.screen, MainScreen)
        said = [note.message for note in stage.app._notifications]
        assert "gpu-01 drained in 20s, safe to stop." in said


async def test_closing_the_countdown_leaves_the_drain_alone() -> None:
    async with staged() as stage:
        await ask(stage)
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=2)))
        await stage.press("d", "right", "enter", "enter")
        assert isinstance(stage.app.screen, MainScreen)
        assert stage.source.wishes == [("drain", "gpu-01")]


async def test_a_drain_that_somebody_else_takes_back_ends_the_countdown() -> None:
    async with staged() as stage:
        story = await ask(stage)
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=2)))
        await stage.press("d", "right", "enter")
        await stage.tell(story.turn("gpu-01", BackendStatus.DRAINING, ""))
        stage.clock.now += 30
        await stage.tell(story.turn("gpu-01", BackendStatus.HEALTHY, ""))
        assert isinstance(stage.app.screen, MainScreen)


async def test_the_only_copy_of_a_model_is_drained_only_when_the_name_is_typed() -> None:
    async with staged() as stage:
        await ask(stage)
        await stage.press("end", "d")
        assert "! gpt-4o  only copy here" in stage.text
        assert "aliases that fail: best" in stage.text
        await stage.press("enter", "enter", "enter")
        assert stage.source.wishes == []
        await stage.press("escape", "d", *"wrong")
        assert "that is not openai" in stage.text
        await stage.press(*["backspace"] * 5, *"openai", "tab", "tab", "enter")
        assert stage.source.wishes == [("drain", "openai")]


async def test_what_refuses_a_drain_is_said_in_the_dialog() -> None:
    async with staged() as stage:
        await ask(stage)
        stage.source.refusal = NexusError("the registry is [b]shut\x1b[2J")
        await stage.press("d", "right", "enter")
        assert isinstance(stage.app.screen, Drain)
        assert "✖ the registry is [b]shut\ufffd[2J" in stage.text
        stage.source.refusal = None
        await stage.press("right", "enter")
        assert stage.source.wishes == [("drain", "gpu-01")]


async def test_the_countdown_is_about_now_while_the_page_looks_back() -> None:
    async with staged() as stage:
        story = await ask(stage)
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=2)))
        await stage.press("p", "d", "right", "enter")
        await stage.tell(story.turn("gpu-01", BackendStatus.DRAINING, ""))
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=1)))
        assert "1 request in flight" in stage.text
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load()))
        assert isinstance(stage.app.screen, MainScreen)


async def test_nothing_jumps_when_a_request_comes_or_ends() -> None:
    async with staged() as stage:
        await ask(stage)
        await stage.press("d")
        before = stage.lines.index(stage.line_with("What happens without it"))
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load(pending=1)))
        await stage.tell(LoadChanged(BackendId("gpu-01"), Load()))
        assert stage.lines.index(stage.line_with("What happens without it")) == before
