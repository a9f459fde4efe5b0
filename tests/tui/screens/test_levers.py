"""Models are loaded, unloaded and moved from the palette, on whatever page somebody is."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.access import Role
from nexus.domain.backend import BackendId, Residency
from nexus.domain.events import BackendChanged
from tests.fakes.dashboard import START, Stage, staged
from tui.commands import MODEL_ACTIONS, NexusCommands
from tui.screens.choose import Choose
from tui.screens.modal import Confirm
from tui.sources.story import Story


def story() -> list[object]:
    teller = Story(START)
    return [teller.opening(), *teller.tell(20)]


async def run(stage: Stage, title: str) -> None:
    """Choose that entry of the palette."""
    commands = NexusCommands(stage.app.screen)
    found = {str(hit.text): hit.command async for hit in commands.search(title.lower())}
    found[title]()  # type: ignore[operator]
    await stage.settle()


async def test_a_model_is_loaded_from_any_page_where_it_waits_on_one_disk() -> None:
    async with staged(*story()) as stage:
        await stage.press("7")
        await run(stage, "Load a model")
        assert isinstance(stage.app.screen, Choose)
        assert "llava:13b  workshop" in stage.text
        await stage.press("enter")
        assert isinstance(stage.app.screen, Confirm)
        assert "Load llava:13b on workshop?" in stage.text
        assert stage.source.wishes == []
        await stage.press("right", "enter")
        assert stage.source.wishes == [("load", "workshop llava:13b")]
        assert stage.app.current_mode == "logs"


async def test_where_there_are_several_copies_the_backend_is_asked_for_too() -> None:
    async with staged(*story()) as stage:
        await run(stage, "Unload a model")
        assert "qwen3:32b          gpu-01, mac-studio, workshop" in stage.text
        await stage.press("end", "enter")
        assert "Unload qwen3:32b: on which backend?" in stage.text
        await stage.press("end", "enter")
        assert "Still loaded on gpu-01, mac-studio" in stage.text
        await stage.press("right", "enter")
        assert stage.source.wishes == [("unload", "workshop qwen3:32b")]


async def test_migration_asks_where_to_and_turning_back_changes_nothing() -> None:
    async with staged(*story()) as stage:
        old = stage.app.state.backends[BackendId("gpu-02")]
        on_disk = [replace(model, residency=Residency.INSTALLED) for model in old.models]
        new = replace(old, models=tuple(on_disk))
        await stage.tell(BackendChanged(stage.app.state.version + 1, new))
        await run(stage, "Migrate a model")
        assert "llama3.3:70b       gpu-02" in stage.text
        await stage.press("enter")
        assert "First it is loaded on gpu-02; then gpu-01 frees its memory." in stage.text
        await stage.press("escape")
        await run(stage, "Migrate a model")
        await stage.press("escape")
        assert stage.source.wishes == []


async def test_where_no_model_could_be_that_is_said() -> None:
    async with staged() as stage:
        for what, _, _ in MODEL_ACTIONS:
            stage.app.choose_model(what)
        await stage.settle()
        assert not isinstance(stage.app.screen, Choose)
        said = [note.message for note in stage.app._notifications]
        assert len(said) == len(MODEL_ACTIONS)


async def test_a_viewer_is_offered_none_of_it() -> None:
    async with staged(*story()) as stage:
        stage.source.role = Role.VIEWER
        commands = NexusCommands(stage.app.screen)
        found = {str(hit.text) async for hit in commands.discover()}
        assert not found & {title for _, title, _ in MODEL_ACTIONS}
