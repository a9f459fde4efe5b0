"""What the gateway did is there after a restart; what was asked and answered is nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import httpx

from nexus.store.schema import reading
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import process
from tests.fakes.upstream import answer, reply, upstream

MARKER = "swordfish-7f3a"
"""Stands in what clients ask and what backends answer."""


def config(*urls: str) -> str:
    backends = (
        f'[[backends]]\nname = "gpu-{n}"\nurl = "{url}"\ntype = "vllm"\npriority = {n}\n'
        for n, url in enumerate(urls, 1)
    )
    return "[server]\ndrain_timeout_seconds = 1\n" + "\n".join(backends)


async def nexus(url: str, *arguments: str) -> str:
    """What the command line prints."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nexus", *arguments, "--url", url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(child.communicate(), 30)
    assert child.returncode == 0, out.decode()
    return out.decode()


async def got(url: str, path: str) -> Any:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        found = await client.get(path)
    assert found.status_code == 200, found.text
    return found.json()


async def until_served(url: str) -> None:
    """Until the first check has found the model."""
    async with asyncio.timeout(20):
        while not (await got(url, "/v1/models"))["data"]:
            await asyncio.sleep(0.05)


async def until_written(path: Path, count: int) -> None:
    """Until so many requests are in the file."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(sqlite3.OperationalError):  # not even made
                with reading(path) as connection:
                    (there,) = connection.execute("SELECT total(size) FROM chunks").fetchone()
                if there == count:
                    return
            await asyncio.sleep(0.05)


def written(tmp_path: Path) -> bytes:
    """Everything in the state directory: the file, its log and its lock."""
    files = [each for each in (tmp_path / "state").rglob("*") if each.is_file()]
    assert any(each.name == "nexus.db" for each in files)
    return b"".join(each.read_bytes() for each in files)


async def test_a_request_is_explained_after_a_restart_as_before_it(tmp_path: Path) -> None:
    async with upstream(answer(reply())) as one, upstream(answer(reply())) as two:
        toml = config(one.url, two.url)
        async with process(tmp_path, toml) as (url, _):
            await until_served(url)
            served = await ask(url, request(body=chat()))
            refused = await ask(url, request(body=chat(model="nobody-has-this")))
            ids = [each.headers["x-nexus-request-id"] for each in (served, refused)]
            before = [await got(url, f"/nexus/v1/requests/{id}") for id in ids]
            listed = await got(url, "/nexus/v1/requests")
        async with process(tmp_path, toml) as (url, _):
            after = [await got(url, f"/nexus/v1/requests/{id}") for id in ids]
            again = await got(url, "/nexus/v1/requests")
            told = await nexus(url, "explain", ids[0])
            errors = await nexus(url, "explain", "--status", "error", "--since", "1h")
            none = await nexus(url, "explain", "--model", "gpt-*")

    assert (served.status, refused.status) == (200, 404)
    assert after == before
    assert again["requests"] == listed["requests"]
    assert len(again["requests"]) == 2
    assert "gpu-1 was chosen" in told
    assert ids[1] in errors
    assert ids[0] not in errors
    assert none == "No request is like that.\n"


async def test_what_was_written_survives_a_kill(
    tmp_path: Path,
) -> None:
    async with upstream(answer(reply())) as one:
        async with process(tmp_path, config(one.url)) as (url, child):
            await until_served(url)
            for _ in range(20):
                await ask(url, request(body=chat()))
            await until_written(tmp_path / "state" / "nexus" / "nexus.db", 20)
            child.send_signal(signal.SIGKILL)
            await child.wait()
        async with process(tmp_path, config(one.url)) as (url, _):
            after = await got(url, "/nexus/v1/requests?limit=100")

    assert len(after["requests"]) == 20


async def test_who_changed_what_is_known_after_a_restart(tmp_path: Path) -> None:
    async with upstream(answer(reply())) as one:
        async with process(tmp_path, config(one.url)) as (url, _):
            await nexus(url, "backends", "edit", "gpu-1", "--priority", "7")
            await asyncio.sleep(1.5)  # one look of the watcher: the edit is its author's alone
            kept = (tmp_path / "nexus.toml").read_text()
            (tmp_path / "nexus.toml").write_text(kept + '[routing]\nstrategy = "random"\n')
            async with asyncio.timeout(20):
                while len(await got(url, "/nexus/v1/changes")) < 2:
                    await asyncio.sleep(0.1)
        async with process(tmp_path, kept) as (url, _):
            by_file, by_cli = await got(url, "/nexus/v1/changes")

    assert (by_cli["who"], by_cli["action"], by_cli["target"]) == ("cli", "edit", "gpu-1")
    assert (by_cli["before"], by_cli["after"]) == ({"priority": 1}, {"priority": 7})
    assert (by_file["who"], by_file["action"]) == ("configuration file", "edit file")
    assert "routing.strategy: smart -> random" in by_file["after"]["to"]


async def test_what_was_asked_and_answered_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    secret = chat(
        messages=[{"role": "system", "content": MARKER}, {"role": "user", "content": MARKER}],
        tools=[{"type": "function", "function": {"name": MARKER, "description": MARKER}}],
        user=MARKER,
        prompt_cache_key=MARKER,
        metadata={"note": MARKER},
    )
    session = (
        f"content-type: application/json\r\nx-session-id: {MARKER}\r\n"
        f"authorization: Bearer {MARKER}\r\nx-openwebui-chat-id: {MARKER}\r\n"
    )
    good = reply(json.dumps({"choices": [{"message": {"content": MARKER}}]}).encode())
    broken = reply(json.dumps({"error": {"message": MARKER}}).encode(), status="500 Broken")
    unfit = reply(json.dumps({"error": {"message": MARKER}}).encode(), status="400 Bad Request")
    for said in (good, broken, unfit):
        async with upstream(answer(said)) as one, process(tmp_path, config(one.url)) as (url, _):
            await until_served(url)
            for wanted in (
                request(body=secret, headers=session),
                request(body=secret | {"stream": True}, headers=session),
                request(raw=f'{{"model": "m", "messages": "{MARKER}'.encode()),
                request(body=secret | {"stream": MARKER}),
            ):
                await ask(url, wanted)
            listed = await got(url, "/nexus/v1/requests?limit=4")

        assert len(listed["requests"]) == 4
        assert MARKER.encode() not in written(tmp_path)
