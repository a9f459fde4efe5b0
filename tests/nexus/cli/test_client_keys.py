"""Commands at the door of a control API that asks for keys."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.commands import Commands
from tests.fakes.servers import Server, story

ROLES = ("viewer", "operator", "admin")


@pytest.fixture
async def nexus(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Commands]:
    monkeypatch.chdir(tmp_path)
    config = '[control]\nlocal = "none"\n'
    for role in ROLES:
        key = f"the-key-of-the-{role}-0123456789"
        (tmp_path / role).write_text(key)
        digest = hashlib.sha256(key.encode()).hexdigest()
        config += f'[[control.keys]]\nname = "{role}"\nrole = "{role}"\nsha256 = "{digest}"\n'
    (tmp_path / "wrong").write_text("a-key-that-nobody-knows")
    async with story(tmp_path, config, a=Server(("m",))) as here:
        yield Commands(here.gateway.url, capsys)


async def test_without_a_key_a_sentence_says_how_to_give_one(nexus: Commands) -> None:
    for words in (["backends"], ["alias"], ["changes"], ["cancel", "x"], ["models", "load", "m"]):
        code, out, err = await nexus(*words)
        assert (code, out) == (1, "")
        assert "--key-file or NEXUS_CONTROL_KEY" in err


async def test_a_key_that_is_not_known_is_said_so(nexus: Commands) -> None:
    code, _, err = await nexus("backends", "--key-file", "wrong")
    assert code == 1
    assert err == (
        "Error: This control key is not known to Nexus. "
        "Give another one with --key-file FILE or NEXUS_CONTROL_KEY\n"
    )


async def test_a_role_that_is_not_enough_says_which_one_is(
    nexus: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = await nexus("backends", "drain", "a", "--key-file", "viewer")
    assert code == 1
    assert "takes the role operator. Give a key of that role with --key-file FILE" in err
    assert (await nexus("backends", "drain", "a", "--key-file", "operator"))[0] == 0

    monkeypatch.setenv("NEXUS_CONTROL_KEY", "the-key-of-the-operator-0123456789")
    code, _, err = await nexus("alias", "set", "x", "m")
    assert (code, "takes the role admin" in err) == (1, True)
    assert (await nexus("alias", "set", "x", "m", "--dry-run"))[0] == 0
    assert (await nexus("alias", "set", "x", "m", "--key-file", "admin"))[0] == 0


async def test_health_needs_no_key_to_say_whether_it_serves(nexus: Commands) -> None:
    code, out, err = await nexus("health")
    assert (code, "Backends: 1/1 healthy" in out) == (0, True)
    assert err.startswith("Backends are not shown: ")
    assert (await nexus.json("health"))["backend_details"] == []
    assert "✓ a: healthy" in (await nexus("health", "--key-file", "viewer"))[1]
