"""`nexus keys` against the real gateway."""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nexus.domain.access import Role
from nexus.domain.audit import Actor, acting
from nexus.domain.keys import NewKey
from nexus.runtime import Gateway
from tests.fakes.commands import Commands
from tests.fakes.gateway import gateway


@pytest.fixture
async def here(tmp_path: Path) -> AsyncGenerator[Gateway]:
    async with gateway(config="# mine\n", tmp_path=tmp_path, kept=True) as running:
        yield running


@pytest.fixture
def nexus(
    here: Gateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Commands:
    monkeypatch.delenv("NEXUS_CONTROL_KEY", raising=False)
    return Commands(here.url, capsys)


class Terminal(io.StringIO):
    """Somebody who can be asked."""

    def isatty(self) -> bool:
        return True


def answers(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Somebody sits there, and will type that."""
    monkeypatch.setattr(sys, "stdin", Terminal(text))
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda stream: True, raising=False)


async def root(here: Gateway, tmp_path: Path) -> str:
    """A file with the key of an admin."""
    with acting(Actor("test")):
        made = await here.control.keys.create(NewKey("root", Role.ADMIN))
    file = tmp_path / "root.key"
    file.write_text(made.key)
    return str(file)


async def in_force(here: Gateway) -> list[str]:
    """Names of the keys."""
    with acting(Actor("test")):
        return [key.name for key in (await here.control.keys.ring()).keys]


async def test_the_key_alone_is_on_standard_output(
    here: Gateway, nexus: Commands, tmp_path: Path
) -> None:
    code, out, err = await nexus("keys", "create", "laptop", "--role", "admin", "--yes")
    file = tmp_path / "key"
    file.write_text(out)
    _, listed, _ = await nexus("keys", "--key-file", str(file))

    assert code == 0
    assert out.startswith("nxk_")
    assert len(out.split()) == 1
    assert "It is the first key" in err
    assert "Made the key 'laptop', admin. It is shown this once." in err
    assert out.strip() not in err
    head, row = listed.splitlines()
    assert head.split() == ["Name", "Role", "From", "Created", "Last", "used", "State"]
    assert row.split()[:3] == ["laptop", "admin", "file"]
    assert row.endswith("usable, yours")


async def test_without_keys_it_says_what_holds(nexus: Commands) -> None:
    _, out, _ = await nexus("keys")
    assert out == (
        "No keys. Callers on its machine are admin without one, others are shut out. "
        "`nexus keys create NAME` makes one.\n"
    )
    assert (await nexus.json("keys", "list"))["local"] == "admin"


async def test_a_key_that_shuts_nobody_out_is_made_without_a_question(
    here: Gateway, nexus: Commands, tmp_path: Path
) -> None:
    file = await root(here, tmp_path)
    code, out, _ = await nexus("keys", "create", "ci", "--key-file", file)

    assert (code, out[:4]) == (0, "nxk_")


async def test_where_nobody_can_be_asked_a_danger_needs_yes(
    here: Gateway, nexus: Commands, tmp_path: Path
) -> None:
    code, out, err = await nexus("keys", "create", "laptop")
    assert (code, out) == (1, "")
    assert "! It is the first key" in err
    assert "Nothing was changed: nobody can be asked here" in err
    file = await root(here, tmp_path)
    code, _, err = await nexus("keys", "revoke", "root", "--key-file", file)
    assert code == 1
    assert "! It is the key that you came with" in err
    told = await nexus.json("keys", "revoke", "root", "--key-file", file, code=1)
    assert told["error"]["code"] == "invalid_request"
    assert await in_force(here) == ["root"]


@pytest.mark.parametrize(("said", "left"), [("n\n", 1), ("\n", 1), ("", 1), ("Yes\n", 0)])
async def test_revoking_asks_and_only_a_yes_does_it(
    here: Gateway,
    nexus: Commands,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    left: int,
) -> None:
    file = await root(here, tmp_path)
    answers(monkeypatch, said)
    code, out, err = await nexus("keys", "revoke", "root", "--key-file", file)

    assert "Revoke the key 'root'? [y/N]" in err
    assert (code, len(await in_force(here))) == (left, left)
    assert out == ("" if left else "Revoked the key 'root': it opens nothing any more.\n")


async def test_a_dry_run_says_what_it_would_do(
    here: Gateway, nexus: Commands, tmp_path: Path
) -> None:
    _, out, _ = await nexus("keys", "create", "laptop", "--dry-run")
    assert out.startswith("! It is the first key")
    assert out.endswith("Nothing was changed.\n")
    file = await root(here, tmp_path)
    _, out, _ = await nexus("keys", "revoke", "root", "--dry-run", "--key-file", file)
    assert "! It is the last key" in out
    code, _, err = await nexus("keys", "create", "Root", "--dry-run", "--key-file", file)
    assert (code, err) == (1, "Error: There is a key called 'root' already\n")
    assert await in_force(here) == ["root"]


async def test_for_machines_everything_is_json(
    here: Gateway, nexus: Commands, tmp_path: Path
) -> None:
    file = await root(here, tmp_path)
    made = await nexus.json("keys", "create", "a/b c", "--role", "Operator", "--key-file", file)
    taken = await nexus.json("keys", "create", "a/b c", "--key-file", file, code=1)
    gone = await nexus.json("keys", "revoke", "a/b c", "--yes", "--key-file", file)
    absent = await nexus.json("keys", "revoke", "x", "--yes", "--key-file", file, code=1)

    assert (made["role"], made["key"][:4]) == ("operator", "nxk_")
    assert taken["error"]["code"] == "conflict"
    assert gone["name"] == "a/b c"
    assert absent["error"]["code"] == "not_found"


async def test_what_is_lost_at_the_end_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    async with gateway() as here:
        nexus = Commands(here.url, capsys)
        _, out, err = await nexus("keys", "create", "laptop", "--yes", "--role", "admin")

    assert out.startswith("nxk_")
    assert "It is lost when Nexus stops: this Nexus keeps no configuration file." in err
