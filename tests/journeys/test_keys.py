"""A key made in one dashboard opens another one over HTTP, until it is revoked in the first."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fakes.gateway import free_port
from tests.fakes.looked_at import Eye
from tests.fakes.terminal import on_terminal

FILE = '# mine\n[[backends]]\nname = "first-box"\nurl = "http://127.0.0.1:1"\n'
KEY = re.compile(r"nxk_[\w-]{43}")


async def test_a_key_opens_an_attached_dashboard_until_it_is_revoked(tmp_path: Path) -> None:
    file, secret = tmp_path / "nexus.toml", tmp_path / "key"
    file.write_text(FILE)
    port = free_port()
    arguments = ("--no-discovery", "--config", str(file), "--port", str(port))
    attach = ("attach", f"http://127.0.0.1:{port}")
    with on_terminal(*arguments, home=tmp_path, NEXUS_TOUR="0") as program:
        own = Eye(program)
        await own.sees("first-box")
        key = await made(own)
        assert key not in file.read_text()
        secret.write_text(key)

        with on_terminal(*attach, home=tmp_path) as refused:
            assert refused.end() == 1
            assert "needs a key" in refused.text
        with on_terminal(
            *attach, "--key-file", str(secret), home=tmp_path, NEXUS_TOUR="0"
        ) as other:
            eye = Eye(other)
            await eye.sees("first-box")
            await own.sees("s ago")
            await revoked(own)
            await eye.sees("connection lost", "This control key was revoked")
            await eye.press("6")
            await eye.sees("[6 Accounts]")
            await eye.press("q")
            assert other.end() == 0
        await own.press("q")
        assert program.end() == 0
    assert file.read_text() == FILE


async def made(own: Eye) -> str:
    """Make the key `laptop` on the page Accounts; returns it as it is on the screen."""
    await own.press("6")
    await own.sees("[6 Accounts]", "makes one")
    await own.press("n")
    await own.until(lambda _: own.cursor_in("Name "), "the name")
    await own.press("laptop")
    await own.sees("It is the first key", "no key has the role admin")
    await own.press("\r")
    await own.until(lambda _: own.cursor_in("Role "), "the role")
    await own.press("\r")
    await own.until(lambda _: not own.cursor_in("Role "), "the button")
    await own.press("\r")
    await own.until(lambda text: bool(KEY.search(text)), "the key")
    found = KEY.search(own.text)
    assert found is not None
    await own.press("\x1b")
    await own.until(lambda text: "● usable" in text and not KEY.search(text), "its row")
    return found[0]


async def revoked(own: Eye) -> None:
    """Revoke it there."""
    await own.press("x")
    await own.sees("Revoke the key laptop?", "It is the last key")
    await own.press("laptop")
    await own.sees("Its name    laptop")
    await own.press("\r")
    await own.until(lambda _: not own.cursor_in("Its name"), "the button")
    await own.press("\r")
    await own.sees("laptop was revoked")
