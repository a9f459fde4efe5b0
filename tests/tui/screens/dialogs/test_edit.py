"""Edit: what would change is said while it is typed, and nothing else is sent."""

from __future__ import annotations

from nexus.domain.backend import Zone
from nexus.domain.gateway import BackendEdit
from nexus.errors import BadRequest
from tests.fakes.dashboard import START, staged
from tui.screens.dialogs.edit import Edit
from tui.sources.story import Story


async def test_only_what_was_changed_is_sent_and_told() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("e")
        assert isinstance(stage.app.screen, Edit)
        assert "Nothing differs yet." in stage.text
        await stage.press("end", "backspace", "backspace", *"20")
        assert "priority 50 → 20" in stage.text
        await stage.press("enter", "end", *["backspace"] * 10, *"open")
        assert "zone restricted → open" in stage.text
        assert "must stay with you no longer go there" in stage.text
        await stage.press("enter", "enter", "enter", "right", "enter")
        assert stage.source.edits == [("gpu-01", BackendEdit(zone=Zone.OPEN, priority=20))]
        assert "gpu-01: priority 50 → 20, zone restricted → open." in [
            note.message for note in stage.app._notifications
        ]


async def test_a_limit_is_taken_away_by_emptying_its_field() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("e", "enter", "enter", "enter", "end", "backspace")
        assert "limit 8 → none" in stage.text
        await stage.press("enter", "right", "enter")
        wanted = BackendEdit(cleared=frozenset({"max_concurrent"}))
        assert stage.source.edits == [("gpu-01", wanted)]


async def test_wrong_words_are_told_beside_their_field_and_nothing_can_be_saved() -> None:
    async with staged(Story(START).opening()) as stage:
        await stage.press("e", *"999")
        assert "✖ priority is 0 to 100" in stage.text
        await stage.press("enter", *"x", "enter", *"9")
        assert "✖ a zone is restricted or open" in stage.text
        assert "✖ tier is 1 to 5" in stage.text
        await stage.press("enter", "enter", "right", "enter")
        assert stage.source.edits == []
        await stage.press("escape")
        assert not isinstance(stage.app.screen, Edit)


async def test_a_refusal_keeps_the_words() -> None:
    async with staged(Story(START).opening()) as stage:
        stage.source.refusal = BadRequest("the file cannot be written")
        await stage.press("e", "end", "backspace", "tab", "tab", "tab", "tab", "right", "enter")
        assert "✖ the file cannot be written" in stage.text
        assert "priority 50 → 5" in stage.text
        assert isinstance(stage.app.screen, Edit)
