"""The page Accounts, with a hand on its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from textual.widgets import Input

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.events import ChangeMade, LinkChanged
from nexus.domain.keys import Keyring, KeySeen
from nexus.errors import Forbidden
from tests.fakes.dashboard import START, Stage, staged
from tui.commands import NexusCommands
from tui.screens.accounts import AccountsPage
from tui.screens.dialogs.key import MakeKey, RevokeKey
from tui.screens.keys import KeyDetail, Secret
from tui.screens.models import ModelsPage
from tui.sources.replay import SAID_KEY
from tui.sources.story import Story

RING = Keyring(
    (
        KeySeen("maria", Role.ADMIN, "file", last_used=START - 5, yours=True),
        KeySeen("wall", Role.VIEWER, "variable", "WALL", "WALL is not set"),
    ),
    None,
    version="1",
)


@asynccontextmanager
async def on_page(
    ring: Keyring = RING, size: tuple[int, int] = (120, 36), role: Role = Role.ADMIN
) -> AsyncIterator[Stage]:
    async with staged(Story(START).opening(), size=size) as stage:
        stage.source.ring, stage.source.role = ring, role
        await stage.press("6")
        assert isinstance(stage.app.screen, AccountsPage)
        yield stage


async def test_keys_are_listed_with_what_holds_without_one() -> None:
    async with on_page() as stage:
        assert "Keys 2   nobody gets in without one" in stage.text
        assert "5s ago" in stage.line_with("maria")
        assert "● usable, yours" in stage.line_with("maria")
        assert "✖ WALL is not set" in stage.line_with("wall")


async def test_without_keys_it_says_what_they_are_for_and_which_key_makes_one() -> None:
    async with on_page(Keyring(version="1")) as stage:
        assert "admin without one" in stage.text
        assert "n makes one" in stage.text
        assert "x revoke" not in stage.lines[-1]
        await stage.press("3")
        assert isinstance(stage.app.screen, ModelsPage)


async def test_a_new_key_is_shown_once_and_the_cursor_is_on_its_row() -> None:
    async with on_page() as stage:
        await stage.press("n", *"laptop", "enter", "enter")
        await stage.offered()
        await stage.press("right", "enter")
        assert isinstance(stage.app.screen, Secret)
        assert SAID_KEY in stage.text
        await stage.press("escape")
        assert stage.source.wishes == [("create key", "laptop viewer")]
        assert isinstance(stage.app.screen, AccountsPage)
        assert SAID_KEY not in stage.text
        assert stage.line_with("laptop").startswith("▌")


async def test_the_first_key_brings_the_table_and_the_keys_go_to_it() -> None:
    async with on_page(Keyring(version="1")) as stage:
        await stage.press("plus", *"laptop", "enter", "enter")
        await stage.offered()
        await stage.press("right", "enter", "escape")
        assert "Keys 1" in stage.text
        await stage.press("x")
        assert isinstance(stage.app.screen, RevokeKey)


async def test_a_key_is_revoked_after_its_name_was_typed() -> None:
    async with on_page() as stage:
        await stage.press("down", "delete")
        assert "Revoke the key wall?" in stage.text
        await stage.press("enter", "enter")
        assert stage.source.wishes == []
        await stage.press(*"wall", "enter", "enter")
        assert stage.source.wishes == [("revoke key", "wall")]
        assert "Keys 1" in stage.text


async def test_enter_shows_what_is_known_of_a_key() -> None:
    async with on_page() as stage:
        await stage.press("enter")
        assert isinstance(stage.app.screen, KeyDetail)
        assert "admin: may do everything" in stage.text
        assert "api:maria" in stage.text


async def test_rows_are_filtered_and_the_filter_gives_the_keys_back() -> None:
    async with on_page() as stage:
        await stage.press("slash", *"wall", "enter")
        assert "filter wall: 1 row" in stage.text
        await stage.press("x")
        assert "Revoke the key wall?" in stage.text


async def test_with_nothing_to_filter_the_keys_go_to_the_page_again() -> None:
    async with on_page(Keyring(version="1")) as stage:
        await stage.press("slash", "x", "escape", "n")
        assert isinstance(stage.app.screen, MakeKey)


async def test_who_is_no_admin_is_offered_nothing_and_nothing_is_asked_for() -> None:
    for role in (Role.VIEWER, Role.OPERATOR):
        async with on_page(role=role) as stage:
            assert "Only admins see the keys" in stage.text
            assert "maria" not in stage.text
            assert "new key" not in stage.lines[-1]
            await stage.press("n", "x", "delete", "enter")
            assert isinstance(stage.app.screen, AccountsPage)


async def test_a_change_by_somebody_else_is_seen_at_once() -> None:
    async with on_page() as stage:
        stage.source.ring = Keyring(RING.keys[:1], None, version="2")
        entry = AuditEntry(START, "cli", "admin", "keys revoke", "wall", {"role": "viewer"}, None)
        await stage.tell(ChangeMade(entry))
        await stage.settle()
        assert "Keys 1" in stage.text


async def test_last_use_moves_while_one_looks() -> None:
    async with on_page() as stage:
        used = replace(RING.keys[1], last_used=START + 6)
        stage.source.ring = replace(RING, keys=(RING.keys[0], used))
        stage.clock.now += 7
        await stage.settle()
        await stage.settle()
        assert "1s ago" in stage.line_with("wall")


async def test_why_keys_cannot_be_read_is_said() -> None:
    async with on_page() as stage:
        stage.source.refusal = Forbidden("Not for you")
        stage.clock.now += 7
        await stage.settle()
        await stage.settle()
        assert "✖ Not for you" in stage.text


async def test_a_lost_connection_says_why() -> None:
    """As when the key that opened it was revoked."""
    async with on_page() as stage:
        why = "reconnecting in 4 s: This control key was revoked"
        await stage.tell(LinkChanged(START, False, why))
        assert f"✖ {why}" in stage.text


async def test_many_keys_take_the_room_that_the_rest_can_spare() -> None:
    ring = Keyring(
        tuple(KeySeen(f"k{at:02}", Role.VIEWER, "file") for at in range(30)), None, version="1"
    )
    async with on_page(ring, (80, 24)) as stage:
        assert "of 30" in stage.text
        assert "Queue" in stage.text
        await stage.press("end")
        assert stage.line_with("k29").startswith("▌")


async def test_the_palette_makes_and_revokes_too() -> None:
    async with on_page() as stage:
        palette = NexusCommands(stage.app.screen)
        titles = [title for title, _, _ in palette._entries]
        assert {"New key", "Revoke"} <= set(titles)


async def test_a_form_that_is_left_makes_nothing() -> None:
    async with on_page() as stage:
        await stage.press("n", *"laptop", "escape")
        assert stage.source.wishes == []
        assert not stage.app.screen.query(Input).filter("#field-name")


async def test_help_says_what_each_role_may() -> None:
    async with on_page(size=(120, 60)) as stage:
        await stage.press("question_mark")
        assert "may see everything and change nothing" in stage.line_with("viewer ")
        assert "may do everything" in stage.line_with("admin ")
