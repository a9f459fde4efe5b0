"""Making and revoking keys: what it would do is said first, and what refuses it keeps the words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.widgets import Button

from nexus.domain.access import Role
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, KeySeen, NewKey
from nexus.errors import Conflict, NotFound
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.dialogs.key import MakeKey, RevokeKey
from tui.screens.keys import Secret
from tui.sources.replay import ReplaySource
from tui.sources.story import Story

MARIA = KeySeen("maria", Role.ADMIN, "file")
RING = Keyring((MARIA,), None, version="1")


@asynccontextmanager
async def on_page(*keys: str) -> AsyncIterator[Stage]:
    async with staged(Story(START).opening()) as stage:
        stage.source.ring = RING
        await stage.press("6", *keys)
        yield stage


def may(stage: Stage) -> bool:
    return not stage.app.screen.query_one("#yes", Button).disabled


async def test_a_key_can_be_made_once_it_is_known_what_that_does() -> None:
    async with on_page() as stage:
        stage.source.key_impact = KeyImpact((), ("You shut out Maria.",), ("It may look.",))
        await stage.press("n")
        assert isinstance(stage.app.screen, MakeKey)
        assert not may(stage)
        await stage.press(*"ci")
        assert not may(stage)
        await stage.offered()
        assert "! You shut out Maria." in stage.text
        assert "It may look." in stage.text


async def test_another_word_is_looked_at_anew() -> None:
    async with on_page("n", *"ci") as stage:
        await stage.offered()
        await stage.press("tab", "end", *("backspace",) * 6, *"op")
        assert not may(stage)
        await stage.offered()
        await stage.press("enter", "right", "enter")
        assert stage.source.wishes == [("create key", "ci operator")]


async def test_a_name_that_is_taken_and_a_role_that_is_none_are_told_at_the_field() -> None:
    async with on_page("n", *"maria") as stage:
        async with asyncio.timeout(5):
            while "called 'maria' already" not in stage.text:
                await asyncio.sleep(0.02)
                await stage.settle()
        assert not may(stage)
        await stage.press("tab", *"x")
        assert "a role is viewer, operator or admin" in stage.text
        assert not may(stage)


async def test_keys_that_were_changed_meanwhile_are_looked_at_again_and_the_words_stay() -> None:
    async with on_page("n", *"ci") as stage:
        await stage.offered()
        stage.source.ring = Keyring(RING.keys, None, version="7")
        await stage.press("enter", "enter", "right", "enter")
        assert "changed meanwhile" in stage.text
        await stage.offered()
        await stage.press("right", "enter")
        assert isinstance(stage.app.screen, Secret)


async def test_a_key_that_is_being_made_is_not_lost_by_leaving() -> None:
    class Slow(ReplaySource):
        go = asyncio.Event()

        async def create_key(self, new: NewKey) -> KeyMade:
            await self.go.wait()
            return await super().create_key(new)

    async with on_page() as stage:
        slow = Slow(stage.source.info)
        slow.ring = RING
        stage.app.source = slow
        await stage.press("n", *"ci")
        await stage.offered()
        await stage.press("enter", "enter", "right", "enter", "escape")
        assert isinstance(stage.app.screen, MakeKey)
        slow.go.set()
        await stage.settle()
        await stage.settle()
        assert isinstance(stage.app.screen, Secret)


async def test_revoking_says_who_is_shut_out_and_needs_the_name() -> None:
    async with on_page() as stage:
        stage.source.revoke_impact = KeyImpact((), ("It is the last key.",), ("Used 3 s ago.",))
        await stage.press("x")
        assert isinstance(stage.app.screen, RevokeKey)
        await stage.settle()
        assert "! It is the last key." in stage.text
        assert "Used 3 s ago." in stage.text
        assert not may(stage)
        await stage.press(*"marie")
        assert "that is not maria" in stage.text
        await stage.press("backspace", "a")
        assert may(stage)
        await stage.press("enter", "right", "enter")
        assert stage.source.wishes == [("revoke key", "maria")]
        assert "maria was revoked: it opens nothing any more." in notes(stage)


async def test_a_key_that_comes_back_at_the_next_start_is_a_warning() -> None:
    class Stuck(ReplaySource):
        async def revoke_key(self, name: str, version: str = "") -> KeyGone:
            return KeyGone(name, Role.ADMIN, "2", "the file is read-only")

    async with on_page() as stage:
        stuck = Stuck(stage.source.info)
        stuck.ring = RING
        stage.app.source = stuck
        await stage.press("x", *"maria", "enter", "right", "enter")
        said = "maria opens nothing until the file is read anew: the file is read-only."
        assert said in notes(stage)


async def test_a_key_that_is_gone_already_is_told_in_the_dialog() -> None:
    class Gone(ReplaySource):
        async def preview_revoke(self, name: str) -> KeyImpact:
            raise NotFound("No key is called 'maria'")

    async with on_page() as stage:
        gone = Gone(stage.source.info)
        gone.ring = RING
        stage.app.source = gone
        await stage.press("x", *"maria")
        assert "✖ No key is called 'maria'" in stage.text or not may(stage)
        assert not may(stage)


async def test_what_refuses_it_is_said_and_the_dialog_stays() -> None:
    async with on_page("x", *"maria") as stage:
        stage.source.refusal = Conflict("Not now")
        await stage.press("enter", "right", "enter")
        assert "✖ Not now" in stage.text
        assert isinstance(stage.app.screen, RevokeKey)


def notes(stage: Stage) -> list[str]:
    return [note.message for note in stage.app._notifications]
