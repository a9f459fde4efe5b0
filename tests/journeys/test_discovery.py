"""Found on the network: from an announcement to an answer, through the real gateway.

127.0.0.7 plays another machine: it is told not to be this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from nexus.cli.main import run
from nexus.config.keeper import Keeper
from nexus.config.load import load
from nexus.discovery import places
from nexus.discovery.mdns import announcing
from nexus.domain.backend import BackendStatus, BackendType, Model
from nexus.domain.events import ServerFound, Update
from nexus.runtime import Gateway, running
from nexus.server.bind import bind
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.telemetry.logs import Sink
from tests.fakes.gateway import free_port, gateway
from tests.fakes.relay import also_at

FAR = "127.0.0.7"
SPECS = (
    SimSpec("rack", BackendType.VLLM, (Model("org/qwen", 32768),)),
    SimSpec("tower", BackendType.OLLAMA, (Model("llama3:8b", 8192),)),
)


@pytest.fixture
def another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "is_loopback", lambda address: address != FAR)


@pytest.fixture
async def sims() -> AsyncIterator[SimFleet]:
    async with SimFleet(SPECS) as fleet:
        yield fleet


def settings(service: str = "", *, trust: str = "ask", **more: object) -> str:
    values: dict[str, object] = {
        "trust": trust,
        "mdns": bool(service),
        "service_types": [service or "_unused._tcp.local."],
        "interfaces": ["127.0.0.1"],
        "beacons": False,
        "ports": [free_port()],
        **more,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(["[discovery]", *lines, ""])


def service() -> str:
    return f"_nx{uuid.uuid4().hex[:10]}._tcp.local."


async def until(here: Gateway, true: Callable[[], object]) -> None:
    """Wait for something to be true after some update."""
    async with asyncio.timeout(20):
        async for _ in here.control.view.updates():
            if true():
                return


def names(here: Gateway) -> list[str]:
    return [backend.name for backend in here.control.view.fleet().backends.values()]


async def call(here: Gateway, method: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=here.url) as client:
        body = {} if method == "POST" else None
        return await client.request(method, path, json=body)


async def ask(here: Gateway, model: str) -> int:
    async with httpx.AsyncClient(base_url=here.url) as client:
        body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
        return (await client.post("/v1/chat/completions", json=body)).status_code


@pytest.mark.usefixtures("another_machine")
async def test_an_announced_server_waits_is_approved_serves_and_says_goodbye(
    sims: SimFleet, tmp_path: Path
) -> None:
    kind = service()
    config = settings(kind)
    async with (
        also_at(FAR, sims["rack"].url) as url,
        gateway(config=config, tmp_path=tmp_path, discovery=True) as here,
    ):
        port = int(url.rpartition(":")[2])
        txt = {"type": "vllm", "api_path": "/v1"}
        async with announcing(kind, "gpu_box", port, [FAR], txt, interfaces=["127.0.0.1"]):
            await until(here, here.control.waiting.all)
            listed = (await call(here, "GET", "/nexus/v1/discovered")).json()
            (waiting,) = listed["waiting"]
            assert (waiting["name"], waiting["url"]) == ("gpu box", url)
            assert (waiting["backend_type"], waiting["discovery_source"]) == ("vllm", "mdns")
            assert url in [look["url"] for look in listed["looked_at"]]
            assert names(here) == []
            assert await ask(here, "org/qwen") == 404  # nothing is sent to who waits
            reply = await call(here, "POST", f"/nexus/v1/discovered/{waiting['id']}/approve")
            assert reply.status_code == 201
            assert (reply.json()["status"], reply.json()["models"]) == ("healthy", ["org/qwen"])
            assert await ask(here, "org/qwen") == 200
            assert (await call(here, "GET", "/nexus/v1/discovered")).json()["waiting"] == []
        left = here.control.backends.resolve("gpu box")
        await until(
            here,
            lambda: here.control.backends.resolve("gpu box").status is BackendStatus.UNKNOWN,
        )
        async with announcing(kind, "gpu_box", port, [FAR], txt, interfaces=["127.0.0.1"]):
            await until(
                here,
                lambda: here.control.backends.resolve("gpu box").status is BackendStatus.HEALTHY,
            )
        assert here.control.backends.resolve("gpu box").id == left.id


@pytest.mark.usefixtures("another_machine")
async def test_what_was_approved_is_in_the_configuration_for_the_next_start(
    sims: SimFleet, tmp_path: Path
) -> None:
    path = tmp_path / "nexus.toml"
    async with also_at(FAR, sims["rack"].url) as url:
        port = int(url.rpartition(":")[2])
        path.write_text(settings(hosts=["127.0.0.7/32"], ports=[port]))
        loaded = load(path, {}, {}, explicit=True)
        keeper = Keeper(path, tmp_path / "state.toml")
        sink = Sink(None, json=False)
        async with running(loaded, bind("127.0.0.1", 0), {}, sink, keeper=keeper) as here:
            await until(here, here.control.waiting.all)
            (server,) = here.control.waiting.all()
            assert server.via == "scan of 127.0.0.7/32"
            await here.control.waiting.admit(server.id)
            assert names(here) == [server.name]
    (face,) = load(path, {}, {}, explicit=True).config.faces()
    assert (face.id, face.name, face.url) == (server.id, server.name, url)


@pytest.mark.usefixtures("another_machine")
async def test_a_dismissed_server_is_gone_from_every_list(sims: SimFleet, tmp_path: Path) -> None:
    async with also_at(FAR, sims["rack"].url) as url:
        port = int(url.rpartition(":")[2])
        config = settings(hosts=["127.0.0.7/32"], ports=[port])
        async with gateway(config=config, tmp_path=tmp_path, discovery=True) as here:
            await until(here, here.control.waiting.all)
            (server,) = here.control.waiting.all()
            reply = await call(here, "POST", f"/nexus/v1/discovered/{server.id}/dismiss")
            assert reply.json() == {"dismissed": server.name}
            assert here.control.waiting.all() == ()
            again = await call(here, "POST", "/nexus/v1/discovered/nobody/approve")
            assert again.status_code == 404
            assert "Waiting: none" in again.json()["error"]["message"]


@pytest.mark.usefixtures("another_machine")
@pytest.mark.parametrize(
    ("trust", "hosts", "used", "waits"),
    [
        ("ask", ["127.0.0.7"], True, False),
        ("ask", ["127.0.0.0/28"], False, True),
        ("auto", ["127.0.0.0/28"], True, False),
    ],
)
async def test_named_hosts_are_used_networks_wait_unless_trust_is_automatic(
    sims: SimFleet, tmp_path: Path, trust: str, hosts: list[str], used: bool, waits: bool
) -> None:
    async with also_at(FAR, sims["tower"].url) as url:
        port = int(url.rpartition(":")[2])
        config = settings(trust=trust, hosts=hosts, ports=[port])
        async with gateway(config=config, tmp_path=tmp_path, discovery=True) as here:
            await until(here, lambda: here.control.waiting.all() or names(here))
            assert (bool(names(here)), bool(here.control.waiting.all())) == (used, waits)


@pytest.mark.usefixtures("another_machine")
async def test_without_trust_nobody_looks(sims: SimFleet, tmp_path: Path) -> None:
    async with also_at(FAR, sims["tower"].url) as url:
        port = int(url.rpartition(":")[2])
        config = settings(trust="off", hosts=["127.0.0.7"], ports=[port])
        async with gateway(config=config, tmp_path=tmp_path, discovery=True) as here:
            await here.control.waiting.scan()
            assert (names(here), here.control.waiting.all()) == ([], ())
            assert {probe.url for probe in here.control.waiting.looked_at()} == {
                f"http://127.0.0.1:{port}"
            }


async def test_a_local_server_that_announces_itself_is_one_backend_used_at_once(
    sims: SimFleet, tmp_path: Path
) -> None:
    kind = service()
    port = int(sims["tower"].url.rpartition(":")[2])
    config = settings(kind, ports=[port])
    async with (
        announcing(kind, "tower", port, ["127.0.0.1"], {}, interfaces=["127.0.0.1"]),
        gateway(config=config, tmp_path=tmp_path, discovery=True) as here,
    ):

        def heard() -> bool:
            said = [probe.detail for probe in here.control.waiting.looked_at()]
            return any("mDNS" in detail for detail in said) or any(
                "known as" in detail for detail in said
            )

        await until(here, heard)
        assert len(names(here)) == 1
        assert here.control.waiting.all() == ()


@pytest.mark.usefixtures("another_machine")
async def test_a_new_reader_is_told_who_waits(sims: SimFleet, tmp_path: Path) -> None:
    async with also_at(FAR, sims["rack"].url) as url:
        port = int(url.rpartition(":")[2])
        config = settings(hosts=["127.0.0.7/32"], ports=[port])
        async with gateway(config=config, tmp_path=tmp_path, discovery=True) as here:
            await until(here, here.control.waiting.all)
            told: list[Update] = []
            async with asyncio.timeout(5):
                async with contextlib.aclosing(here.control.view.updates()) as updates:
                    async for update in updates:
                        told.append(update)
                        if isinstance(update, ServerFound):
                            break
            assert told[-1] in here.control.waiting.all()


@pytest.mark.usefixtures("another_machine")
async def test_the_command_line_shows_approves_and_dismisses(
    sims: SimFleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        also_at(FAR, sims["rack"].url) as url,
        also_at(FAR, sims["tower"].url) as other,
    ):
        config = settings(
            hosts=["127.0.0.7/32"], ports=[int(u.rpartition(":")[2]) for u in (url, other)]
        )
        async with gateway(config=config, tmp_path=tmp_path, discovery=True) as here:
            await until(here, lambda: len(here.control.waiting.all()) == 2)
            quiet = tmp_path / "quiet.toml"
            quiet.write_text(settings())

            async def nexus(*words: str) -> tuple[int, str, str]:
                words = (*words, "--url", here.url)
                code = await asyncio.to_thread(run, list(words))
                said = capsys.readouterr()
                return code, said.out, said.err

            code, out, _ = await nexus("discover", "--seconds", "0", "-c", str(quiet))
            assert code == 0
            assert f"Waiting for approval at {here.url}:" in out
            assert f"vllm at {url} (scan of 127.0.0.7/32)" in out
            code, out, _ = await nexus("backends", "waiting", "--scan")
            assert (code, len(out.splitlines())) == (0, 4)
            assert out.splitlines()[-1].startswith("Use one with `nexus backends approve ")
            code, out, _ = await nexus("backends", "waiting", "--json")
            assert url in [server["url"] for server in json.loads(out)["waiting"]]
            code, out, err = await nexus("backends", "approve", url)
            assert (code, err) == (0, "")
            assert "as vllm. " in out
            assert "healthy, 1 model." in out
            name = here.control.waiting.all()[0].name
            assert (await nexus("backends", "dismiss", name))[:2] == (0, f"Dismissed: {name}\n")
            assert (await nexus("backends", "waiting"))[1].startswith("Nothing waits for approval")
            code, _, err = await nexus("backends", "approve", "nobody")
            assert code == 1
            assert "No server called 'nobody' waits for approval" in err


async def test_discover_works_without_a_gateway_and_says_why_not(
    sims: SimFleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, closed = int(sims["tower"].url.rpartition(":")[2]), free_port()
    path = tmp_path / "nexus.toml"
    path.write_text(settings(ports=[port, closed]))
    words = ["discover", "--seconds", "0", "-c", str(path), "--url", f"http://127.0.0.1:{closed}"]
    assert await asyncio.to_thread(run, words) == 0
    out = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}" in out
    assert "ollama" in out
    assert "connection refused" in out
    assert await asyncio.to_thread(run, [*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gateway"] is None
    assert {look["url"]: look["found"] for look in told["looked_at"]} == {
        f"http://127.0.0.1:{port}": "ollama",
        f"http://127.0.0.1:{closed}": None,
    }


async def test_announcing_a_server_that_listens_on_loopback_only_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, sims: SimFleet
) -> None:
    monkeypatch.setattr("nexus.discovery.announce.own_addresses", lambda: ("127.0.0.9",))
    port = sims["tower"].url.rpartition(":")[2]
    words = ["announce", "--port", port, "--type", "ollama"]
    assert await asyncio.to_thread(run, words) == 1
    err = capsys.readouterr().err
    assert "listens on loopback only" in err
    assert "OLLAMA_HOST=0.0.0.0" in err
