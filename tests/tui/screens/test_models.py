"""The page Models, with a hand on its keys."""

from __future__ import annotations

from typing import cast

from nexus.domain.access import Role
from nexus.domain.routes import Routes
from nexus.errors import Conflict
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.detail import ModelDetail
from tui.screens.modal import Confirm
from tui.screens.models import ModelsPage
from tui.sources.story import Story


def story() -> list[object]:
    teller = Story(START)
    return [teller.opening(), *teller.tell(20)]


async def choose(stage: Stage, backend: str, model: str) -> ModelsPage:
    """Put both cursors on a cell."""
    await stage.press("3")
    page = cast(ModelsPage, stage.app.screen)
    for _ in range(10):
        if page._view.backend and page._view.backend.id == backend:
            break
        await stage.press("right")
    while page._model != model:
        await stage.press("down")
    return page


async def yes(stage: Stage) -> None:
    assert isinstance(stage.app.screen, Confirm)
    await stage.press("right", "enter")


async def test_a_model_is_loaded_after_a_question() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "workshop", "llava:13b")
        await stage.press("L")
        assert "Load llava:13b on workshop?" in stage.text
        assert stage.source.wishes == []
        await yes(stage)
        assert stage.source.wishes == [("load", "workshop llava:13b")]


async def test_unloading_the_last_loaded_copy_says_so() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "lab-nuc", "phi-4-mini")
        await stage.press("U")
        assert "No other backend has it loaded" in stage.text
        await stage.press("escape")
        assert stage.source.wishes == []
        await stage.press("U")
        await yes(stage)
        assert stage.source.wishes == [("unload", "lab-nuc phi-4-mini")]


async def test_unloading_from_a_vllm_says_that_all_of_it_sleeps() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "gpu-01", "llama3.3:70b")
        await stage.press("U")
        assert "All of gpu-01 goes to sleep" in stage.text
        assert "It stays on disk" not in stage.text


async def test_migrating_away_from_a_vllm_says_that_all_of_it_sleeps() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "gpu-02", "llama3.3:70b")
        await stage.press("m")
        assert "All of gpu-01 goes to sleep" in stage.text


async def test_migration_loads_before_it_unloads() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "gpu-02", "llama3.3:70b")
        await stage.press("m")
        await yes(stage)
        assert stage.source.wishes == [
            ("load", "gpu-02 llama3.3:70b"), ("unload", "gpu-01 llama3.3:70b"),
        ]  # fmt: skip


async def test_nothing_is_unloaded_where_loading_failed() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "gpu-02", "llama3.3:70b")
        stage.source.refusal = Conflict("out of memory")
        await stage.press("m")
        await yes(stage)
        assert stage.source.wishes == []
        assert "out of memory" in stage.text


async def test_a_backend_that_does_not_list_the_model_says_so() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "openai", "llava:13b")
        for key in ("L", "U", "m"):
            await stage.press(key)
            assert "openai does not list llava:13b" in stage.text
            assert isinstance(stage.app.screen, ModelsPage)


async def test_the_capability_key_goes_round() -> None:
    async with staged(*story()) as stage:
        await stage.press("3", "c")
        assert "can vision" in stage.text
        await stage.press(*["c"] * 6)
        assert "can " not in stage.line_with("Models 8")
        await stage.press("c", "escape")
        assert "can vision" not in stage.text


async def test_enter_opens_the_model_and_escape_comes_back() -> None:
    async with staged(*story()) as stage:
        await stage.press("3", "enter")
        assert isinstance(stage.app.screen, ModelDetail)
        await stage.press("escape")
        assert isinstance(stage.app.screen, ModelsPage)


async def test_a_viewer_is_not_offered_what_changes_anything() -> None:
    async with staged(*story()) as stage:
        stage.source.role = Role.VIEWER
        await choose(stage, "workshop", "llava:13b")
        await stage.press("L", "U", "m", "e")
        assert isinstance(stage.app.screen, ModelsPage)
        assert "unload" not in stage.lines[-1]


async def test_aliases_of_the_model_are_named() -> None:
    async with staged(*story()) as stage:
        stage.source.table = Routes("1", aliases={"gpt-4": "llama3.3:70b"})
        await choose(stage, "gpu-01", "llama3.3:70b")
        assert "also called gpt-4" in stage.text


async def test_a_fleet_that_is_empty_or_small_says_so() -> None:
    async with staged() as stage:
        await stage.press("3")
        assert "Waiting for the first picture" in stage.text
    async with staged(*story(), size=(40, 10)) as stage:
        await stage.press("3")
        assert "Nexus needs" in stage.text


async def test_the_cursor_and_filter_of_a_page_stay_while_another_is_shown() -> None:
    async with staged(*story()) as stage:
        await choose(stage, "gpu-01", "llama3.3:70b")
        await stage.press("slash", *"llama", "enter", "1", "3")
        assert "filter llama: 1 of 8" in stage.text
