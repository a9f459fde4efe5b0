"""Models, requests, the log and what was changed, over HTTP; and who may do what."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from nexus.domain.access import Role
from nexus.domain.backend import BackendType, Model, Residency
from nexus.runtime import Gateway
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import Client, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.upstream import Got, upstream

OLLAMA = SimSpec(
    "tower",
    BackendType.OLLAMA,
    (Model("llama3.2:3b", 8192, chat=True, residency=Residency.INSTALLED),),
)


def client_of(here: Gateway, **headers: str) -> httpx.AsyncClient:
    base = f"{here.url}/nexus/v1"
    return httpx.AsyncClient(base_url=base, trust_env=False, timeout=15, headers=headers)


@pytest.fixture
async def here() -> AsyncIterator[Gateway]:
    async with SimFleet((OLLAMA,)) as fleet:
        told = face("tower", fleet["tower"].url, BackendType.OLLAMA)
        async with gateway(told) as running:
            yield running


async def test_a_model_is_loaded_and_unloaded(here: Gateway) -> None:
    async with client_of(here) as http:
        loaded = await http.post("/backends/tower/load", json={"model": "llama3.2:3b"})
        then = here.control.backends.resolve("tower").models[0].residency
        freed = await http.post("/backends/tower/unload", json={"model": "llama3.2:3b"})

    assert (loaded.status_code, then) == (200, Residency.LOADED)
    assert freed.status_code == 200
    assert here.control.backends.resolve("tower").models[0].residency is Residency.INSTALLED


async def test_models_are_listed_with_where_they_are(here: Gateway) -> None:
    async with client_of(here) as http:
        (model,) = (await http.get("/models")).json()["models"]

    assert model["id"] == "llama3.2:3b"
    (at,) = model["backends"]
    assert (at["backend"], at["residency"], at["zone"]) == ("tower", "installed", "restricted")


async def test_a_url_is_recognised_and_not_kept(here: Gateway) -> None:
    url = here.control.backends.resolve("tower").face.url
    async with client_of(here) as http:
        found = await http.post("/recognise", json={"url": url + "/v1/"})
        nothing = await http.post("/recognise", json={"url": "http://127.0.0.1:1"})
        wrong = await http.post("/recognise", json={"url": "nonsense://"})

    assert (found.json()["type"], found.json()["url"]) == ("ollama", url)
    assert nothing.json() is None
    assert wrong.status_code == 400
    assert len(here.control.view.fleet().backends) == 1


async def test_a_running_request_is_cancelled_by_its_id() -> None:
    async def silent(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with (
        upstream(silent) as up,
        gateway(face("one", up.url)) as here,
        client_of(here) as http,
    ):
        client = await Client.to(here.url)
        client.send(request(body=chat()))
        async with asyncio.timeout(10):
            while not up.got:
                await asyncio.sleep(0.005)
        (running,) = (await http.get("/requests", params={"outcome": "running"})).json()["requests"]
        cancelled = await http.post(f"/requests/{running['request_id']}/cancel", json={})
        reply = await client.reply()
        again = await http.post(f"/requests/{running['request_id']}/cancel", json={})
        client.close()

    assert cancelled.json() == {"cancelled": running["request_id"]}
    assert (reply.status, reply.error()["code"]) == (503, "cancelled")
    assert again.status_code == 404


async def test_what_each_candidate_got_is_told_in_a_line_each(here: Gateway) -> None:
    async with client_of(here) as http:
        for model in ("llama3.2:3b", "nobody has it"):
            body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
            await http.post(f"{here.url}/v1/chat/completions", json=body)
        refused, sent = (await http.get("/requests")).json()["requests"]
        nothing = await http.get(f"/requests/{refused['request_id']}/standings")
        told = await http.get(f"/requests/{sent['request_id']}/standings")
        unknown = await http.get("/requests/req-0-0/standings")

    assert nothing.json() == []
    assert [(each["backend"], each["place"]) for each in told.json()] == [("tower", 1)]
    assert unknown.status_code == 404


async def test_the_log_can_be_read_from_where_one_stopped(here: Gateway) -> None:
    async with client_of(here) as http:
        await http.post(f"{here.url}/v1/chat/completions", json={"model": "nobody has it"})
        lines: list[dict[str, object]] = []
        async with asyncio.timeout(10):
            while not lines:
                lines = (await http.get("/log")).json()
        after = (await http.get("/log", params={"after": lines[-1]["seq"]})).json()

    assert lines[-1]["component"] == "request"
    assert after == []


async def test_a_level_is_changed_and_told(here: Gateway) -> None:
    async with client_of(here) as http:
        await http.put("/log/levels/health", json={"level": "debug"})
        levels = (await http.get("/log/levels")).json()
        await http.put("/log/levels/health", json={"level": "info"})
        unknown = await http.put("/log/levels/nobody", json={"level": "info"})

    assert levels["health"] == "debug"
    assert unknown.status_code == 404


async def test_null_takes_back_what_was_said_of_a_backend_and_what_is_left_out_stays(
    here: Gateway,
) -> None:
    async with client_of(here) as http:
        said = {"priority": 7, "max_concurrent": 3}
        set_to = (await http.patch("/backends/tower", json=said)).json()
        cleared = (await http.patch("/backends/tower", json={"max_concurrent": None})).json()

    assert (set_to["priority"], set_to["max_concurrent"]) == (7, 3)
    assert (cleared["priority"], cleared["max_concurrent"]) == (7, None)


async def test_an_edit_of_a_backend_that_changed_meanwhile_is_412_with_what_is_there(
    here: Gateway,
) -> None:
    async with client_of(here) as http:
        (seen,) = (await http.get("/backends")).json()["backends"]
        await http.patch("/backends/tower", json={"priority": 7})
        late = {"if-match": f'"{seen["etag"]}"'}
        edited = await http.patch("/backends/tower", json={"priority": 9}, headers=late)
        removed = await http.delete("/backends/tower", headers=late)
        fresh = {"if-match": f'"{edited.json()["context"]["current"]["etag"]}"'}
        good = await http.patch("/backends/tower", json={"priority": 9}, headers=fresh)

    assert (edited.status_code, removed.status_code, good.status_code) == (412, 412, 200)
    assert edited.json()["context"]["current"]["priority"] == 7
    assert good.json()["priority"] == 9


async def test_series_are_asked_by_metric(here: Gateway) -> None:
    async with client_of(here) as http:
        good = await http.get("/series", params={"metric": "requests", "since": time.time() - 60})
        wrong = await http.get("/series", params={"metric": "beauty", "since": 0})

    assert isinstance(good.json(), list)
    assert wrong.status_code == 400


# ---- roles

KEYS = {role: f"the key of the {role.value} role" for role in Role}
CONFIG = "\n".join(
    f'[[control.keys]]\nname = "{role.value}"\nrole = "{role.value}"\n'
    f'sha256 = "{hashlib.sha256(key.encode()).hexdigest()}"'
    for role, key in KEYS.items()
)
VIEWERS_TOO = {("post", "/nexus/v1/what-if"), ("post", "/nexus/v1/policy/test")}
"""Posts that change nothing."""
BODIES = {
    "/nexus/v1/backends": {"url": "http://127.0.0.1:1"},
    "/nexus/v1/backends/{name}/load": {"model": "m"},
    "/nexus/v1/backends/{name}/unload": {"model": "m"},
    "/nexus/v1/recognise": {"url": "http://127.0.0.1:1"},
    "/nexus/v1/log/levels/{component}": {"level": "info"},
    "/nexus/v1/keys": {"name": "new"},
    "/nexus/v1/what-if": {},
    "/nexus/v1/policy/test": {"expect": []},
}


async def test_a_viewer_may_change_nothing_whatever_there_is(tmp_path: Path) -> None:
    """Every route of the OpenAPI page is tried, so that a new one cannot be forgotten."""
    async with (
        gateway(face("one", "http://127.0.0.1:1"), config=CONFIG, tmp_path=tmp_path) as here,
        client_of(here, authorization=f"Bearer {KEYS[Role.VIEWER]}") as http,
    ):
        schema = (await http.get(f"{here.url}/openapi.json")).json()
        tried = 0
        for path, methods in schema["paths"].items():
            for method in methods.keys() - {"get"}:
                at = path.replace("{name}", "one").replace("{component}", "health")
                url = here.url + at.replace("{request_id}", "r")
                reply = await http.request(method, url, json=BODIES.get(path, {}))
                if (method, path) in VIEWERS_TOO:
                    assert reply.status_code in (200, 400), (method, path, reply.text)
                    continue
                tried += 1
                assert reply.status_code == 403, (method, path, reply.text)
                assert "Your role is viewer" in reply.json()["error"]["message"]
        assert tried > 12
        assert list(here.control.view.fleet().backends) == ["one"]


async def test_an_operator_runs_the_fleet_and_does_not_configure_it(tmp_path: Path) -> None:
    async with (
        gateway(face("one", "http://127.0.0.1:1"), config=CONFIG, tmp_path=tmp_path) as here,
        client_of(here, authorization=f"Bearer {KEYS[Role.OPERATOR]}") as http,
    ):
        drained = await http.post("/backends/one/drain", json={})
        edited = await http.patch("/backends/one", json={"priority": 1})
        routed = await http.patch("/routing", json={"max_retries": 1})
        tried = await http.patch("/routing?dry_run=1", json={"max_retries": 1})
        (change,) = (await http.get("/changes")).json()

    assert drained.status_code == 200
    assert (edited.status_code, routed.status_code) == (403, 403)
    assert tried.status_code == 200
    assert (change["who"], change["role"]) == ("api:operator", "operator")


async def test_without_a_key_nothing_is_told_once_there_are_keys(tmp_path: Path) -> None:
    async with gateway(config=CONFIG, tmp_path=tmp_path) as here, client_of(here) as http:
        for path in ("/keys", "/backends", "/snapshot", "/events", "/routing", "/log", "/nothing"):
            assert (await http.get(path)).status_code == 401, path
        page = await http.get(f"{here.url}/health")
        models = await http.get(f"{here.url}/v1/models")

    assert (page.status_code, models.status_code) == (200, 200)
