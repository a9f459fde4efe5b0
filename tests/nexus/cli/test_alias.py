"""`nexus alias` against the real gateway."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.commands import Commands
from tests.fakes.servers import Server, Story, story

CONFIG = '# ours\n[routing.aliases]\n"gpt-4" = "m"  # the good one\n'


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Story]:
    async with story(tmp_path, CONFIG, a=Server(("m",)), b=Server(("n",))) as it:
        yield it


@pytest.fixture
def nexus(here: Story, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(here.gateway.url, capsys)


async def test_a_name_is_pointed_elsewhere_and_the_next_request_follows(
    here: Story, nexus: Commands
) -> None:
    await here.chat(model="gpt-4")

    code, out, err = await nexus("alias", "set", "gpt-4", "n")
    await here.chat(model="gpt-4")

    assert (code, err) == (0, "")
    assert (here.asked("a"), here.asked("b")) == (1, 1)
    assert out.splitlines()[:2] == [
        '- "gpt-4" = "m"  # the good one',
        '+ "gpt-4" = "n"  # the good one',
    ]
    assert "Of 1 request in the last" in out
    assert "  gpt-4: a -> b, 1" in out
    assert out.splitlines()[-1] == "In force. `nexus routing undo` takes it back."


async def test_a_dry_run_says_the_same_and_changes_nothing(
    here: Story, nexus: Commands, tmp_path: Path
) -> None:
    await here.chat(model="gpt-4")

    code, out, _ = await nexus("alias", "set", "gpt-4", "n", "--dry-run")
    told = await nexus.json("alias", "set", "gpt-4", "n", "--dry-run")

    assert (code, out.splitlines()[-1]) == (0, "Nothing was changed.")
    assert "  gpt-4: a -> b, 1" in out
    assert (told["applied"], told["routing"], told["preview"]["decided"]) == (False, None, 1)
    assert (tmp_path / "nexus.toml").read_text() == CONFIG
    assert await nexus.json("alias") == {"aliases": {"gpt-4": "m"}}


async def test_a_name_is_taken_away(here: Story, nexus: Commands) -> None:
    told = await nexus.json("alias", "remove", "gpt-4")

    assert told["applied"]
    assert told["routing"]["aliases"] == {}
    assert (await here.chat(model="gpt-4")).status == 404
    assert (await nexus("alias", "list"))[1].startswith("No aliases.")


async def test_what_cannot_be_is_a_sentence_with_exit_code_1(nexus: Commands) -> None:
    code, out, err = await nexus("alias", "set", "x", "x")
    assert (code, out) == (1, "")
    assert err.startswith("Error: Nothing was changed. routing.aliases.x: circular alias")
    told = await nexus.json("alias", "set", "x", "x", code=1)
    assert (told["applied"], len(told["preview"]["problems"])) == (False, 1)


async def test_a_name_that_is_none_is_not_taken_away_and_those_there_are_are_told(
    nexus: Commands,
) -> None:
    code, _, err = await nexus("alias", "remove", "nobody")
    assert (code, err) == (1, "Error: There is no alias for 'nobody'. There are: gpt-4\n")


async def test_what_is_so_already_is_no_change(nexus: Commands) -> None:
    assert await nexus("alias", "set", "gpt-4", "m") == (0, "The routes say so already.\n", "")
    assert (await nexus.json("changes"))["changes"] == []


async def test_an_alias_to_a_model_that_nobody_has_is_a_warning(nexus: Commands) -> None:
    code, out, _ = await nexus("alias", "set", "new", "nothing")
    assert code == 0
    assert "Warning: alias 'new' leads to 'nothing', which no backend has" in out
