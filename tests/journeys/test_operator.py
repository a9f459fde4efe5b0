"""An operator's day with the real binary on a terminal: look, drain, reroute, ask why, leave."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.client import CHAT, Reply, ask, chat, request
from tests.fakes.gateway import free_port
from tests.fakes.hostile import HOSTILE
from tests.fakes.looked_at import Eye
from tests.fakes.servers import GOOD
from tests.fakes.terminal import on_terminal
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Got,
    Upstream,
    answer,
    chunk,
    event,
    reply,
    upstream,
)

PAGES = ("Backend", "Models", "Requests", "Routing", "Accounts", "Logs")
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1000l")


@dataclass
class Desk:
    """The screen, the gateway's address, and the servers behind it."""

    eye: Eye
    url: str
    servers: tuple[Upstream, ...]

    async def chat(self, model: str, **more: object) -> Reply:
        body = {**chat(), "model": model, **more}
        return await ask(self.url, request(CHAT, body))

    async def end(self) -> int:
        """What SIGTERM leads to."""
        self.eye.program.child.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self.eye.program.end)


@contextlib.asynccontextmanager
async def desk(home: Path, *servers: Upstream, more: str = "") -> AsyncGenerator[Desk]:
    """`nexus` over these servers, on a terminal."""
    names = ("alpha", "beta")
    tables = [
        f'[[backends]]\nname = "{name}"\nurl = "{server.url}"\ntype = "generic"\n'
        for name, server in zip(names, servers, strict=False)
    ]
    config = home / "nexus.toml"
    config.write_text("\n".join([more, *tables]))
    port = free_port()
    arguments = ("serve", "--no-discovery", "--config", str(config), "--port", str(port))
    with on_terminal(*arguments, home=home, NEXUS_TOUR="0") as program:
        eye = Eye(program)
        await eye.sees("NEXUS", "[1 Fleet]")
        yield Desk(eye, f"http://127.0.0.1:{port}", servers)


async def test_every_page_is_a_digit_away_and_leaving_gives_the_terminal_back(
    tmp_path: Path,
) -> None:
    async with upstream(GOOD) as one, desk(tmp_path, one) as here:
        for number, name in enumerate(PAGES, 2):
            await here.eye.press(str(number))
            await here.eye.sees(f"[{number} {name}]")
        here.eye.resize(60, 15)
        await here.eye.press("1")
        await here.eye.until(
            lambda text: "alpha" in text and max(map(len, text.split("\n"))) <= 60, "60 columns"
        )
        here.eye.resize(40, 8)
        await here.eye.sees("Nexus needs")
        here.eye.resize(80, 24)
        await here.eye.sees("alpha", "[1 Fleet]")
        assert await here.end() == 0
        assert all(code in here.eye.program.output[-600:] for code in RESTORED)


async def test_a_backend_is_drained_while_a_stream_runs_and_taken_back(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def stream(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("hi")))
        await writer.drain()
        await release.wait()
        writer.write(chunk(event("!", "stop")) + chunk(DONE) + LAST_CHUNK)

    async with upstream(stream) as one, desk(tmp_path, one) as here:
        await here.eye.sees("alpha")
        async with asyncio.TaskGroup() as group:
            asked = group.create_task(here.chat("m", stream=True), name="a stream")
            await here.eye.until(lambda _: bool(one.got), "the stream")
            await here.eye.press("d")
            await here.eye.sees("Drain alpha?")
            await here.eye.press("alpha")  # the only one with the model: its name is typed
            await here.eye.sees("Its name    alpha")
            await here.eye.press("\r")
            await here.eye.until(lambda _: not here.eye.cursor_in("Its name"), "the button")
            await here.eye.press("\r")
            await here.eye.sees("alpha drains", "no new work")
            refused = await here.chat("m")
            release.set()
        assert asked.result().status == 200
        assert refused.status == 503
        await here.eye.sees("alpha drained", "nothing runs there: safe to stop")
        await here.eye.press("u")
        await here.eye.sees("takes new work again")
        assert (await here.chat("m")).status == 200
        assert await here.end() == 0


async def test_the_next_request_follows_an_alias_and_two_keys_say_why(tmp_path: Path) -> None:
    routes = '[routing.aliases]\ngpt-4 = "m"\n'
    async with (
        upstream(GOOD, ["m"]) as one,
        upstream(GOOD, ["n"]) as two,
        desk(tmp_path, one, two, more=routes) as here,
    ):
        await here.eye.sees("alpha", "beta")
        await here.chat("gpt-4")
        assert (len(one.got), len(two.got)) == (1, 0)
        await here.eye.press("5")
        await here.eye.sees("[5 Routing]", "gpt-4")
        await here.eye.press("e")
        await here.eye.until(lambda _: here.eye.cursor_in("Name "), "the first field")
        await here.eye.press("\t")
        await here.eye.until(lambda _: here.eye.cursor_in("Leads to"), "the second field")
        await here.eye.press("\x15n\r")
        await here.eye.until(lambda _: not here.eye.cursor_in("Leads to"), "the button")
        await here.eye.press("\r")
        await here.eye.sees("not applied")
        await here.eye.press("A")
        await here.eye.sees("Apply this change?")
        await here.eye.press("\t\r")
        await here.eye.until(lambda text: "not applied" not in text and "Apply" not in text, "end")
        await here.chat("gpt-4")
        assert (len(one.got), len(two.got)) == (1, 1)
        await here.eye.press("1")
        await here.eye.sees("[1 Fleet]", "gpt-4")
        await here.eye.press("R")
        await here.eye.sees("▌ Routing")
        await here.eye.press("\r")
        await here.eye.sees("gpt-4", "beta", "alias")
        assert 'gpt-4 = "n"' in (tmp_path / "nexus.toml").read_text()
        assert await here.end() == 0


async def test_a_backend_is_added_by_its_url(tmp_path: Path) -> None:
    async with upstream(GOOD) as one, upstream(GOOD, ["new"]) as two, desk(tmp_path, one) as here:
        await here.eye.sees("alpha")
        await here.eye.press("n")
        await here.eye.sees("Add a backend", "made from the URL")
        await here.eye.press(two.url)
        await here.eye.sees("OpenAI-compatible")
        await here.eye.press("\x1b[Z")  # back from the first field: the last button
        await here.eye.until(lambda _: not here.eye.cursor_in("URL "), "the button")
        await here.eye.press("\r")
        await here.eye.until(lambda text: "new" in text and "[1 Fleet]" in text, "the new model")
        assert (await here.chat("new")).status == 200
        assert await here.end() == 0


async def test_a_terminal_that_hangs_up_leaves_the_gateway_serving(tmp_path: Path) -> None:
    async with upstream(GOOD) as one, desk(tmp_path, one) as here:
        await here.eye.sees("alpha")
        child = here.eye.program.child
        child.send_signal(signal.SIGHUP)
        await here.eye.until(lambda _: "Nexus serves on" in here.eye.program.text, "a word")
        assert (await here.chat("m")).status == 200
        assert await here.end() == 0


async def test_names_and_errors_of_a_hostile_server_never_command_the_terminal(
    tmp_path: Path,
) -> None:
    evil = b'{"error":{"message":"\\u001b]0;owned\\u0007\\u009b31m\\u202e"}}'
    models = ["m", *(name for name in HOSTILE if name), "\x1b]52;c;b3duZWQ=\x07" + "x" * 10_000]
    broken = answer(reply(evil, "500 \x1b]0;owned\x07 Error"))
    async with upstream(broken, models) as one, desk(tmp_path, one) as here:
        await here.eye.sees("alpha")
        await here.chat("m")
        await here.chat(models[-1][:200])
        await here.chat("\x1b]0;owned\x07\u202e")
        for number, name in enumerate(PAGES, 2):
            await here.eye.press(str(number))
            await here.eye.sees(f"[{number} {name}]")
        await here.eye.press("1M\r")
        await here.eye.press("\x1b")
        assert await here.end() == 0
        text = here.eye.program.output.decode("utf-8", "replace")
        # Textual names the shape of the mouse pointer; no other such command may appear.
        text = re.sub("\x1b]22;[a-z]*\x07", "", text)
        assert "\x1b]" not in text
        assert not re.search("[\x80-\x9f\u202a-\u202e\u2066-\u2069\x07]", text)
