"""The page Routing: seen, edited, previewed, applied, taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.widgets import Input

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.events import ChangeMade
from nexus.domain.routes import Moved, Preview, Routes
from nexus.domain.traffic import Privacy, TrafficPolicy
from tests.fakes.dashboard import START, Stage, staged
from tui.screens.choose import Choose
from tui.screens.form import Form
from tui.screens.modal import Confirm
from tui.screens.routing import RoutingPage
from tui.sources.story import Story

ROUTES = Routes(
    "1",
    aliases={"gpt-4": "llama3.3:70b", "gpt-4-turbo": "gpt-4", "claude": "nothing"},
    fallbacks={"llama3.3:70b": ("qwen3:32b", "gpt-4o")},
    policies=(TrafficPolicy("llama*", Privacy.RESTRICTED), TrafficPolicy("*", None, 2, False)),
)


@asynccontextmanager
async def routing(size: tuple[int, int] = (120, 36)) -> AsyncIterator[Stage]:
    teller = Story(START)
    async with staged(teller.opening(), *teller.tell(10), size=size) as stage:
        stage.source.table = ROUTES
        stage.source.foreseen = Preview(diff=("+ something",), since_s=3600, decided=4)
        await stage.press("5")
        yield stage


async def retype(stage: Stage, text: str) -> None:
    """Replace what stands in the field."""
    await stage.press("end", "ctrl+u", *text)


async def yes(stage: Stage) -> None:
    assert isinstance(stage.app.screen, Confirm)
    await stage.press("right", "enter")


async def test_every_rule_is_a_row_with_how_it_stands() -> None:
    async with routing() as stage:
        assert "ok" in stage.line_with("→ llama3.3:70b")
        assert "ok depth 2" in stage.line_with("gpt-4-turbo")
        assert "nobody lists it" in stage.line_with("claude")
        assert "⇢ qwen3:32b ⇢ gpt-4o" in stage.text
        assert "tier 2 or better, no fallbacks" in stage.line_with("2 *")
        assert "prio 50 load 30 latency 20" in stage.line_with("smart")
        assert "2 retries" in stage.line_with("smart")


async def test_the_rule_under_the_cursor_is_followed_down_to_backends() -> None:
    async with routing() as stage:
        assert "gpt-4 → llama3.3:70b" in stage.text
        assert "fallback 2 gpt-4o" in stage.text
        await stage.press("down")
        assert "gpt-4-turbo → gpt-4 → llama3.3:70b" in stage.text


async def test_an_edit_is_a_draft_until_it_is_applied() -> None:
    async with routing() as stage:
        stage.source.foreseen = Preview(
            diff=('- gpt-4 = "llama3.3:70b"', '+ gpt-4 = "qwen3:32b"'),
            since_s=3600, decided=412, moved=(Moved("gpt-4", "gpu-01", "workshop", 14),),
        )  # fmt: skip
        await stage.press("e")
        assert isinstance(stage.app.screen, Form)
        await stage.press("down")
        await retype(stage, "qwen3:32b")
        await stage.press("enter", "enter")
        assert "~alias" in stage.line_with("→ qwen3:32b")
        assert "412 requests decided again: 14 would move" in stage.text
        assert stage.source.table == ROUTES

        await stage.press("A")
        await yes(stage)
        assert stage.source.table.aliases["gpt-4"] == "qwen3:32b"
        assert "Applied" in stage.text
        assert "~" not in stage.line_with("→ qwen3:32b")

        await stage.press("Z")
        await yes(stage)
        assert stage.source.table.aliases == ROUTES.aliases
        assert "→ llama3.3:70b" in stage.text


async def test_a_change_that_cannot_be_is_not_applied() -> None:
    async with routing() as stage:
        stage.source.foreseen = Preview(problems=("two policies fight",))
        await stage.press("x")
        assert "✖ two policies fight" in stage.text
        await stage.press("A")
        assert isinstance(stage.app.screen, RoutingPage)
        assert stage.source.wishes == []


async def test_a_dropped_draft_leaves_no_trace() -> None:
    async with routing() as stage:
        await stage.press("x")
        assert "a change is not applied yet" in stage.text
        await stage.press("X")
        assert "a change is not applied yet" not in stage.text
        assert "→ llama3.3:70b" in stage.text


async def test_somebody_else_s_change_is_never_overwritten_unseen() -> None:
    async with routing() as stage:
        await stage.press("x")
        stage.source.table = replace(ROUTES, version="2", aliases={"other": "qwen3:32b"})
        await stage.press("A")
        await yes(stage)
        assert "Look again" in stage.text
        assert stage.source.table.version == "2"
        assert stage.source.table.aliases == {"other": "qwen3:32b"}


async def test_somebody_else_s_change_is_shown_when_it_is_told() -> None:
    async with routing() as stage:
        stage.source.table = replace(ROUTES, version="2", aliases={"other": "qwen3:32b"})
        await stage.tell(ChangeMade(AuditEntry(START, "cli", "admin", "alias set", "other")))
        await stage.tell(ChangeMade(AuditEntry(START, "cli", "admin", "alias set", "other")))
        assert "other" in stage.line_with("→ qwen3:32b")


async def test_a_wrong_word_keeps_the_button_off() -> None:
    async with routing() as stage:
        await stage.press("e")
        await retype(stage, "gpt-4-turbo")
        assert "there is an alias of that name" in stage.text
        await stage.press("enter", "enter", "enter")
        assert isinstance(stage.app.screen, Form)
        await stage.press("escape")
        assert isinstance(stage.app.screen, RoutingPage)


async def test_what_right_would_complete_stands_below_the_field() -> None:
    async with routing() as stage:
        await stage.press("e", "enter", "ctrl+u", *"qw")
        assert "→ qwen3:32b" in stage.text
        await stage.press("right")
        assert "→ qwen3:32b" not in stage.text
        assert stage.app.screen.query_one("#field-target", Input).value == "qwen3:32b"


async def test_of_a_list_the_last_word_is_completed() -> None:
    async with routing() as stage:
        await stage.press("n", "down", "enter", *"gpt-4o", "enter", *"qwen3:32b, lla")
        assert "→ llama3.3:70b" in stage.text
        await stage.press("right")
        typed = stage.app.screen.query_one("#field-chain", Input).value
        assert typed == "qwen3:32b, llama3.3:70b"


async def test_what_is_missing_is_said_when_it_was_passed_by_and_enter_leads_there() -> None:
    async with routing() as stage:
        await stage.press("n", "enter")
        assert "a name is needed" not in stage.text
        await stage.press("enter", *"qwen3:32b", "enter")
        assert "✖ a name is needed" in stage.text
        assert stage.app.focused is not None
        assert stage.app.focused.id == "field-name"


async def test_new_rules_of_every_kind() -> None:
    async with routing() as stage:
        await stage.press("n")
        assert isinstance(stage.app.screen, Choose)
        await stage.press("enter", *"fast", "enter", *"phi-4-mini", "enter", "enter")
        assert "→ phi-4-mini" in stage.line_with("fast")

        await stage.press("n", "down", "enter", *"phi-4-mini", "enter", *"gpt-4o", "enter")
        await stage.press("enter")
        assert "⇢ gpt-4o" in stage.line_with("fallback  phi-4-mini")

        await stage.press("n", "down", "down", "enter", *"gpt*", "enter", *"restricted")
        await stage.press(*["enter"] * 8)
        assert "restricted" in stage.line_with("3 gpt*")


async def test_policies_change_places_under_the_cursor() -> None:
    async with routing() as stage:
        await stage.press("G", "up")
        assert stage.line_with("2 *").startswith("▌")
        await stage.press("K")
        assert stage.line_with("1 *").startswith("▌")
        await stage.press("J")
        assert stage.line_with("2 *").startswith("▌")
        await stage.press("g", "K")
        assert "Only policies have an order" in stage.text


async def test_the_strategy_can_be_changed_and_not_deleted() -> None:
    async with routing() as stage:
        await stage.press("G", "x")
        assert "not deleted" in stage.text
        await stage.press("enter")
        await retype(stage, "random")
        await stage.press("enter", "enter", "enter", "enter")
        assert "~strategy" in stage.line_with("random")


async def test_a_model_of_another_page_can_be_given_an_alias() -> None:
    async with routing() as stage:
        await stage.press("3", "e")
        assert isinstance(stage.app.screen, Form)
        assert "gpt-4o" in stage.text


async def test_a_viewer_sees_and_cannot_edit() -> None:
    async with routing() as stage:
        stage.source.role = Role.VIEWER
        await stage.press("e", "enter", "n", "x", "A", "Z")
        assert isinstance(stage.app.screen, RoutingPage)
        assert stage.source.table == ROUTES
        assert "a change is not applied yet" not in stage.text


async def test_hostile_names_are_only_text() -> None:
    async with routing((80, 24)) as stage:
        stage.source.table = Routes("3", aliases={"[/b]\x1b]0;x\x07": "[@click=app.quit]x[/]"})
        await stage.press("1", "5", "e")
        assert "\x1b" not in stage.text
        assert "[@click=app.quit]x[/]" in stage.text


async def test_every_size_has_room_for_a_draft() -> None:
    for size in ((60, 14), (80, 24), (200, 60)):
        async with routing(size) as stage:
            await stage.press("x")
            assert "+ something" in stage.text, size


@pytest.mark.parametrize("size", [(60, 14), (80, 24)])
async def test_the_longest_form_has_all_its_fields_and_buttons_in_small_terminals(
    size: tuple[int, int],
) -> None:
    async with routing(size) as stage:
        await stage.press("n", "end", "enter")
        assert "a glob: llama*" in stage.text
        assert "Keep" in stage.text
        assert "besides." in stage.text
        await stage.press(*["tab"] * 7)
        assert "only with: X-Team=research*" in stage.text
        assert "enter confirm" in stage.text
        assert "Keep" in stage.text
