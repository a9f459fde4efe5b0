"""What an operator changes at run time is there after a restart, in the file, comments intact."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.fakes.client import ask, request
from tests.fakes.gateway import process
from tests.fakes.upstream import answer, reply, upstream

COMMENTED = "# mine\n[server]\ndrain_timeout_seconds = 1  # short\n"


async def nexus(url: str, *arguments: str) -> tuple[int, str]:
    """Run the CLI against a gateway: exit code and everything it printed."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "nexus",
        *arguments,
        "--url",
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(child.communicate(), 30)
    return child.returncode or 0, out.decode()


async def backends(url: str) -> dict[str, dict[str, object]]:
    listing = await ask(url, request("/nexus/v1/backends", method="GET", headers=""))
    return {entry["name"]: entry for entry in json.loads(listing.body)["backends"]}


async def test_changes_from_the_command_line_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "nexus.toml"
    async with upstream(answer(reply())) as one, upstream(answer(reply())) as two:
        async with process(tmp_path, COMMENTED) as (url, _):
            added = await nexus(url, "backends", "add", one.url, "--name", "one", "--priority", "7")
            await nexus(url, "backends", "add", two.url, "--name", "two")
            edited = await nexus(url, "backends", "edit", "one", "--tier", "3")
            drained = await nexus(url, "backends", "drain", "one")
            removed = await nexus(url, "backends", "remove", "two")
        kept = path.read_text()
        async with process(tmp_path, kept) as (url, _):
            after = await backends(url)

    assert [code for code, _ in (added, edited, drained, removed)] == [0] * 4
    assert kept.startswith(COMMENTED)
    assert set(after) == {"one"}
    one_after = after["one"]
    assert (one_after["priority"], one_after["tier"], one_after["status"]) == (7, 3, "draining")


async def test_an_edit_of_the_file_is_applied_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "nexus.toml"
    async with upstream(answer(reply())) as one, process(tmp_path, COMMENTED) as (url, _):
        path.write_text(f'{COMMENTED}[[backends]]\nname = "one"\nurl = "{one.url}"\n')
        async with asyncio.timeout(20):
            while "one" not in await backends(url):
                await asyncio.sleep(0.1)
        path.write_text(COMMENTED + "nonsense\n")
        await asyncio.sleep(1.5)  # one look of the watcher
        still = await backends(url)

    assert set(still) == {"one"}
