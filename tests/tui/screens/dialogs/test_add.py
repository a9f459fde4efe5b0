"""Add: what answers is known before anything is added."""

from __future__ import annotations

from textual import events

from nexus.domain.backend import BackendType, Zone
from nexus.domain.gateway import NewBackend, Recognition
from nexus.errors import Conflict, NexusError
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.dialogs.add import DEBOUNCE_S, Add
from tui.sources.story import Story

URL = "http://gpu-9:8000"
VLLM = Recognition(URL, BackendType.VLLM, "vLLM 0.11.0 (/v1/models owned_by)")


async def quiet(stage: Stage) -> None:
    """Until the URL was looked at."""
    dialog = stage.app.screen
    assert isinstance(dialog, Add)
    await stage.pilot.pause(DEBOUNCE_S)
    await stage.pilot.wait_for_scheduled_animations()
    while dialog._looking or (dialog._read()[0].url and dialog._asked != dialog._read()[0].url):
        await stage.pilot.pause()
    await stage.settle()


async def test_a_server_is_recognised_while_its_url_is_typed_and_then_added() -> None:
    async with staged(Story(START).opening()) as stage:
        stage.source.found[URL] = VLLM
        await stage.press("n", *"http://GPU-9:8000/v1")
        assert "looking what answers" in stage.text
        await quiet(stage)
        assert "● vLLM 0.11.0 (/v1/models owned_by)" in stage.text
        assert "restricted, as for every vllm" in stage.text
        assert stage.source.added == []
        for words in ("big one", "o", "10", "3", "4", "GPU_KEY"):
            await stage.press("enter", *words)
        await stage.press("enter", "right", "enter")
        assert stage.source.added == [
            NewBackend(URL, "big one", None, Zone.OPEN, 10, 3, 4, "GPU_KEY")
        ]
        assert f"{URL} was added." in [note.message for note in stage.app._notifications]
        assert not isinstance(stage.app.screen, Add)


async def test_nothing_is_added_before_the_url_was_looked_at() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("plus", *URL)
        await stage.press("enter", "enter", "enter", "enter", "enter", "enter", "enter")
        assert stage.app.screen.focused is not None
        if not stage.app.screen._asked:  # type: ignore[attr-defined]
            await stage.press("right", "enter")
            assert stage.source.added == []


async def test_a_server_that_nobody_knows_may_be_added_and_that_is_said() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("n", *URL)
        await quiet(stage)
        assert "nothing known answers there yet" in stage.text
        await stage.press("shift+tab", "enter")
        assert stage.source.added == [NewBackend(URL)]


async def test_that_a_scheme_is_added_is_said() -> None:
    async with staged(Story(START).opening()) as stage:
        stage.source.found[URL] = VLLM
        await stage.press("n", *"gpu-9:8000")
        assert "http:// is added   ◐ looking what answers" in stage.text
        await quiet(stage)
        assert "http:// is added   ● vLLM 0.11.0" in stage.text
        await stage.press("ctrl+u", *URL)
        await quiet(stage)
        assert "is added" not in stage.text


async def test_mistakes_stand_beside_their_field() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("n", *"gpu-900000")
        assert "✖ a URL starts with http:// or https://" in stage.text
        await stage.press(*["backspace"] * 10, *"http://10.0.0.81:8001")
        assert "✖ registered already, as gpu-01" in stage.text
        await stage.press("tab", *"gpu-02", "tab", *"moon", "tab", *"101", "tab", *"0", "tab",
                          *"none", "tab", *"sk-secret")  # fmt: skip
        for told in ("another backend has this name", "a zone is restricted or open",
                     "priority is 0 to 100", "tier is 1 to 5", "the limit is a whole number",
                     "✖ the name of an environment variable"):  # fmt: skip
            assert told in stage.text, told
        await stage.press("tab", "right", "enter", "escape")
        assert stage.source.added == []


async def test_what_cannot_be_looked_at_and_what_refuses_is_told_and_the_words_stay() -> None:
    async with staged(Story(START).opening()) as stage:

        async def fail(url: str) -> Recognition | None:
            raise NexusError("no route to [b]host\x1b[2J")

        stage.source.recognise = fail  # type: ignore[method-assign]
        await stage.press("n", *URL)
        await quiet(stage)
        assert "! no route to [b]host\ufffd[2J" in stage.text
        stage.source.refusal = Conflict("registered already, as 'gpu-9'")
        await stage.press("shift+tab", "enter")
        assert "✖ registered already, as 'gpu-9'" in stage.text
        assert URL in stage.text


async def test_pasted_text_is_cleaned() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("n")
        focused = stage.app.screen.focused
        assert focused is not None
        focused.post_message(events.Paste("http://x\x1b]0;y\x07.local\n"))
        await stage.settle()
        assert "\x1b" not in stage.text
        assert "http://x\ufffd]0;y" in stage.text


async def test_on_a_small_terminal_every_field_can_be_reached() -> None:
    async with staged(Story(START).opening(), size=(60, 14)) as stage:
        await stage.press("n", *["tab"] * 6, *"KEY")
        assert "KEY" in stage.text
        assert {len(line) for line in stage.lines} == {60}
