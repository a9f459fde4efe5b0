"""The palette: every backend can be opened, and acted on by those who may."""

from __future__ import annotations

from nexus.domain.access import Role
from tests.fakes.dashboard import START, Stage, staged
from tui.commands import NexusCommands
from tui.screens.backend import BackendPage
from tui.screens.dialogs.edit import Edit
from tui.sources.story import Story


async def offered(stage: Stage) -> dict[str, object]:
    commands = NexusCommands(stage.app.screen)
    return {str(hit.text): hit.command async for hit in commands.discover()}


async def test_each_backend_has_the_actions_that_suit_it() -> None:
    async with staged(Story(START, degraded=True).opening()) as stage:
        found = await offered(stage)
        for title in ("Open gpu-01", "Drain gpu-01", "Edit gpu-01", "Remove gpu-01",
                      "Undrain gpu-02", "Add", "Check lab-nuc"):  # fmt: skip
            assert title in found, title
        assert "Undrain gpu-01" not in found
        assert "Drain gpu-02" not in found
        found["Edit gpu-01"]()  # type: ignore[operator]
        await stage.settle()
        assert isinstance(stage.app.screen, Edit)


async def test_opening_leads_to_the_page_of_that_backend() -> None:
    async with staged(Story(START).opening()) as stage:
        (await offered(stage))["Open openai"]()  # type: ignore[operator]
        await stage.settle()
        assert isinstance(stage.app.screen, BackendPage)
        assert "openai  ● healthy" in stage.text


async def test_a_viewer_is_offered_to_look_and_nothing_else() -> None:
    async with staged(Story(START, degraded=True).opening()) as stage:
        stage.source.role = Role.VIEWER
        found = await offered(stage)
        assert "Open gpu-01" in found
        verbs = {"Drain", "Undrain", "Check", "Edit", "Remove", "Add", "Approve", "Rescan"}
        assert not {title for title in found if title.split()[0] in verbs}


async def test_what_is_typed_finds_actions_on_backends() -> None:
    async with staged(Story(START).opening()) as stage:
        commands = NexusCommands(stage.app.screen)
        texts = [str(hit.text) async for hit in commands.search("drain gpu")]
        assert texts[:2] == ["Drain gpu-01", "Drain gpu-02"]
