"""Keys over HTTP: made, used, revoked; and where their secrets never are."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexus.domain.events import Update
from nexus.runtime import Gateway
from tests.fakes.gateway import gateway
from tests.fakes.logging import logging_to

FILE = "# mine\n[control]\n# no name\nhosts = []\n"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway(config=FILE, tmp_path=tmp_path, kept=True) as running:
        yield running


def client_of(here: Gateway, key: str = "") -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    base = f"{here.url}/nexus/v1"
    return httpx.AsyncClient(base_url=base, trust_env=False, timeout=15, headers=headers)


async def make(http: httpx.AsyncClient, name: str, role: str = "admin") -> dict[str, Any]:
    reply = await http.post("/keys", json={"name": name, "role": role})
    assert reply.status_code == 201, reply.text
    return reply.json()


async def test_a_key_is_told_once_and_opens_what_its_role_may(
    here: Gateway, tmp_path: Path
) -> None:
    async with client_of(here) as anybody:
        reply = await anybody.post("/keys", json={"name": "root", "role": "admin"})
        shut_out = await anybody.get("/backends")
    root = reply.json()
    async with client_of(here, root["key"]) as http:
        wall = await make(http, "wall", "viewer")
        listed = (await http.get("/keys")).json()
    async with client_of(here, wall["key"]) as http:
        seen, refused = await http.get("/backends"), await http.get("/keys")

    assert reply.headers["cache-control"] == "no-store"
    assert reply.headers["etag"] == f'"{root["version"]}"'
    assert (root["name"], root["role"], root["unkept"]) == ("root", "admin", "")
    assert shut_out.status_code == 401
    assert [(key["name"], key["role"], key["yours"]) for key in listed["keys"]] == [
        ("root", "admin", True),
        ("wall", "viewer", False),
    ]
    assert listed["keys"][0]["last_used"] is not None
    assert (seen.status_code, refused.status_code) == (200, 403)
    assert (tmp_path / "nexus.toml").read_text().startswith(FILE)


async def test_a_dry_run_tells_whom_it_shuts_out_and_changes_nothing(here: Gateway) -> None:
    async with client_of(here) as http:
        made = (await http.post("/keys?dry_run=1", json={"name": "ci"})).json()
        none = (await http.get("/keys")).json()
        await http.post("/keys", json={"name": "ci", "role": "admin"})

    assert any("first key" in each for each in made["warnings"])
    assert any("shut out" in each for each in made["warnings"])
    assert any("no key has the role admin" in each for each in made["warnings"])
    assert none["keys"] == []
    assert made["version"] == none["version"]


async def test_a_dry_run_of_revoking_tells_it_too(here: Gateway) -> None:
    async with client_of(here) as anybody:
        key = (await make(anybody, "root"))["key"]
    async with client_of(here, key) as http:
        told = (await http.delete("/keys/root?dry_run=1")).json()
        absent = await http.delete("/keys/nobody?dry_run=1")
        left = (await http.get("/keys")).json()["keys"]

    assert any("the key that you came with" in each for each in told["warnings"])
    assert any("last key" in each for each in told["warnings"])
    assert absent.status_code == 404
    assert len(left) == 1


async def test_a_revoked_key_opens_nothing_although_no_key_is_needed_any_more(
    here: Gateway,
) -> None:
    async with client_of(here) as anybody:
        key = (await make(anybody, "root"))["key"]
    async with client_of(here, key) as http:
        gone = await http.delete("/keys/root")
        late = await http.get("/backends")
    async with client_of(here) as anybody:
        again = await anybody.get("/backends")

    assert gone.json() | {"version": ""} == {
        "name": "root",
        "role": "admin",
        "version": "",
        "unkept": "",
    }
    assert late.status_code == 401
    assert late.json()["error"]["message"] == "This control key was revoked"
    assert again.status_code == 200


async def test_a_stream_ends_when_its_key_is_revoked(here: Gateway) -> None:
    async with client_of(here) as anybody:
        root = (await make(anybody, "root"))["key"]
    async with client_of(here, root) as admin:
        wall = (await make(admin, "wall", "viewer"))["key"]
        async with (
            asyncio.timeout(10),
            client_of(here, wall) as viewer,
            viewer.stream("GET", "/events") as reply,
        ):
            pieces = reply.aiter_raw()
            await anext(pieces)
            await admin.delete("/keys/wall")
            async for _ in pieces:
                pass
        again = await admin.get("/keys")

    assert again.status_code == 200


async def test_names_that_need_care_in_a_path_can_be_revoked(here: Gateway) -> None:
    async with client_of(here) as anybody:
        root = (await make(anybody, "root"))["key"]
    async with client_of(here, root) as http:
        await make(http, "ci/main è?#")
        gone = await http.delete("/keys/ci%2Fmain%20%C3%A8%3F%23")

    assert gone.json()["name"] == "ci/main è?#"


async def test_an_older_version_is_412_and_a_taken_name_409(here: Gateway) -> None:
    async with client_of(here) as anybody:
        old = (await anybody.get("/keys")).headers["etag"]
        root = await make(anybody, "root")
    async with client_of(here, root["key"]) as http:
        late = await http.post("/keys", json={"name": "b"}, headers={"if-match": old})
        taken = await http.post("/keys", json={"name": "Root"})
        late_too = await http.delete("/keys/root", headers={"if-match": old})
        good = await http.post(
            "/keys", json={"name": "b"}, headers={"if-match": f'"{root["version"]}"'}
        )

    assert [each.status_code for each in (late, taken, late_too, good)] == [412, 409, 412, 201]
    assert taken.json()["error"]["param"] == "name"


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "a", "role": "god"}, {"name": "a", "key": "mine"}]
)
async def test_what_makes_no_sense_is_400(here: Gateway, body: dict[str, str]) -> None:
    async with client_of(here) as http:
        assert (await http.post("/keys", json=body)).status_code == 400


async def test_changes_of_keys_are_written_down_with_who_and_what(here: Gateway) -> None:
    async with client_of(here) as anybody:
        root = (await make(anybody, "root"))["key"]
    async with client_of(here, root) as http:
        await make(http, "ci", "viewer")
        await http.delete("/keys/ci")
        changes = (await http.get("/changes")).json()

    assert [(each["who"], each["action"], each["target"]) for each in changes] == [
        ("api:root", "keys revoke", "ci"),
        ("api:root", "keys create", "ci"),
        ("api", "keys create", "root"),
    ]
    assert [(each["before"], each["after"]) for each in changes[:2]] == [
        ({"role": "viewer"}, None),
        (None, {"role": "viewer"}),
    ]


async def test_a_secret_is_nowhere_but_in_the_answer_to_who_made_it(tmp_path: Path) -> None:
    """Not in the log, the audit, events, the file, the history, or any answer of a GET."""
    stream = io.StringIO()
    told: list[Update] = []

    async def watch(here: Gateway) -> None:
        async for update in here.control.view.updates():
            told.append(update)  # noqa: PERF401 - what was told before the end counts

    with logging_to(stream, level="trace"):
        async with (
            gateway(config=FILE, tmp_path=tmp_path, kept=True) as here,
            asyncio.TaskGroup() as group,
        ):
            watching = group.create_task(watch(here), name="watch")
            async with client_of(here) as anybody:
                made = [(await make(anybody, "root"))["key"]]
            async with client_of(here, made[0]) as http:
                made.append((await make(http, "ci"))["key"])
                schema = (await http.get(f"{here.url}/openapi.json")).json()["paths"]
                paths = [path for path, methods in schema.items() if "get" in methods]
                paths = [path for path in paths if "{" not in path and "events" not in path]
                query = "?metric=requests&since=0"
                got = [(await http.get(here.url + path + query)).text for path in paths]
                await http.delete("/keys/ci")
            file = (tmp_path / "nexus.toml").read_text()
            watching.cancel()
    everything = {
        "log": stream.getvalue(),
        "events": repr(told),
        "file": file,
        "history": (tmp_path / "history.db").read_bytes().decode("latin-1"),
        "answers": json.dumps(got),
    }

    assert any("/nexus/v1/keys" in path for path in paths)
    assert "was made" in everything["log"]
    for where, text in everything.items():
        for key in made:
            assert key not in text, where
    for where in ("log", "events", "history", "answers"):
        for key in made:
            assert hashlib.sha256(key.encode()).hexdigest() not in everything[where], where
