"""Remove: nothing but the typed name makes it happen."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import BackendId, Source
from nexus.domain.events import BackendChanged
from tests.fakes.dashboard import START, staged
from tui.screens.dialogs.remove import Remove
from tui.sources.story import Story


async def test_a_backend_is_removed_after_its_name_was_typed() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("x")
        assert isinstance(stage.app.screen, Remove)
        assert "Remove gpu-01?" in stage.text
        assert "also in any configuration file" in stage.text
        await stage.press("enter", "enter")
        assert stage.source.wishes == []
        assert isinstance(stage.app.screen, Remove)  # enter leads to what is missing
        await stage.press(*"gpu-01", "enter", "enter")
        assert stage.source.wishes == [("remove", "gpu-01")]
        assert "gpu-01 was removed." in [note.message for note in stage.app._notifications]


async def test_a_found_backend_may_be_found_again_and_that_is_said() -> None:
    opening = Story(START).opening()
    gpu = opening.fleet.backends[BackendId("gpu-01")]
    async with staged(opening) as stage:
        found = replace(gpu, face=replace(gpu.face, source=Source.MDNS))
        await stage.tell(BackendChanged(900, found, None))
        await stage.press("x")
        assert "may be found again" in stage.text


async def test_a_backend_whose_name_cannot_be_typed_is_removed_by_its_id() -> None:
    opening = Story(START).opening()
    gpu = opening.fleet.backends[BackendId("gpu-01")]
    async with staged(opening) as stage:
        odd = replace(gpu, face=replace(gpu.face, name="gpu\x1b[2J\u202e"))
        await stage.tell(BackendChanged(900, odd, None))
        await stage.press("x", *"gpu-01", "enter", "right", "enter")
        assert stage.source.wishes == [("remove", "gpu-01")]
