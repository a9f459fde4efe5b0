"""The commands against the real gateway over simulated servers."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from nexus.cli.main import run
from nexus.domain.backend import BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.gateway import face, free_port, gateway, process

SPECS = (
    SimSpec("tower", BackendType.OLLAMA, (Model("llama3:8b", 8192, vision=False, tools=True),)),
    SimSpec("rack", BackendType.VLLM, (Model("org/qwen", 32768),)),
)


@dataclass(frozen=True, slots=True)
class Live:
    """A running gateway; `await live("models")` runs `nexus models` against it."""

    url: str
    fleet: SimFleet
    capsys: pytest.CaptureFixture[str]

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        code = await asyncio.to_thread(run, [*words, "--url", self.url])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    async def json(self, *words: str) -> Any:
        code, out, _ = await self(*words, "--json")
        assert code == 0
        return json.loads(out)


@pytest.fixture
async def live(capsys: pytest.CaptureFixture[str]) -> AsyncGenerator[Live]:
    async with SimFleet(SPECS) as fleet:
        faces = [face(server.name, server.url, server.type) for server in fleet.servers]
        gone = face("gone", f"http://127.0.0.1:{free_port()}")
        async with gateway(*faces, gone) as here:
            yield Live(here.url, fleet, capsys)


async def test_backends_are_listed_with_what_is_known_of_them(live: Live) -> None:
    code, out, _ = await live("backends")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split() == ["Name", "URL", "Type", "Status", "Models", "Latency", "Reason"]
    assert lines[1].split()[:1] + lines[1].split()[2:5] == ["tower", "ollama", "healthy", "1"]
    assert "unreachable" in lines[3]
    assert "connection refused" in lines[3]
    listed = (await live.json("backends", "list", "--status", "HEALTHY"))["backends"]
    assert [backend["name"] for backend in listed] == ["tower", "rack"]
    assert {"id", "url", "backend_type", "status", "models", "avg_latency_ms"} <= set(listed[0])


async def test_models_show_context_and_capabilities(live: Live) -> None:
    _, out, _ = await live("models")
    row = next(line for line in out.splitlines() if line.startswith("llama3:8b")).split()
    assert row[:5] == ["llama3:8b", "tower", "8192", "no", "yes"]
    models = (await live.json("models", "--backend", "rack"))["models"]
    assert [(m["id"], m["backends"], m["context_length"]) for m in models] == [
        ("org/qwen", ["rack"], 32768)
    ]
    assert {"supports_vision", "supports_tools", "supports_json_mode", "supports_embeddings"} < set(
        models[0]
    )


async def test_models_say_whose_word_each_fact_is(live: Live) -> None:
    _, out, _ = await live("models", "--sources")
    row = next(line for line in out.splitlines() if line.startswith("llama3:8b"))
    assert "8192 (server)" in row
    head = out.splitlines()[0]
    assert all(title in head for title in ("Output", "Audio", "Reasoning"))
    assert "yes (catalogue)" in row  # JSON mode: Ollama documents it for every chat model
    (model,) = (await live.json("models", "--backend", "tower"))["models"]
    assert model["sources"]["context_length"] == "server"
    assert model["zones"] == ["restricted"]


async def test_models_of_an_unknown_backend_name_those_there_are(live: Live) -> None:
    code, out, err = await live("models", "-b", "nope")
    assert (code, out) == (1, "")
    assert err == "Error: No backend is called 'nope'. Backends: tower, rack, gone\n"


async def test_health_tells_the_fleet_and_its_exit_code(live: Live) -> None:
    code, out, _ = await live("health")
    assert code == 0
    assert "Status:   degraded" in out
    assert "Backends: 2/3 healthy" in out
    assert "✓ tower: healthy, 1 model" in out
    assert "✗ gone: unreachable, 0 models (connection refused; checked again every second)" in out
    report = await live.json("health")
    assert report["backends"] == {"total": 3, "healthy": 2, "unhealthy": 1}
    assert report["models"] == {"total": 2}
    assert [backend["name"] for backend in report["backend_details"]] == ["tower", "rack", "gone"]


async def test_a_fleet_that_can_serve_nothing_is_unhealthy_with_exit_code_1(live: Live) -> None:
    for name in ("tower", "rack"):
        await live("backends", "remove", name)
    code, out, _ = await live("health")
    assert code == 1
    assert "Status:   unhealthy" in out


async def test_draining_and_back(live: Live) -> None:
    assert await live("backends", "drain", "tower") == (0, "tower is draining, 1 model.\n", "")
    assert (await live.json("backends", "list", "-s", "draining"))["backends"][0]["id"] == "tower"
    assert await live("backends", "undrain", "tower") == (0, "tower is healthy, 1 model.\n", "")


async def test_a_check_asks_at_once(live: Live) -> None:
    code, out, _ = await live("backends", "check", "gone")
    assert (code, out) == (0, "gone is unreachable, 0 models: connection refused.\n")


async def test_a_backend_comes_and_goes(live: Live) -> None:
    url = live.fleet["rack"].url
    await live("backends", "remove", "rack")
    code, out, _ = await live("backends", "add", f"{url}/v1/", "--name", "new one", "-p", "7")
    assert code == 0
    assert out.startswith("Added backend 'new one' (new-one) as vllm (")
    assert out.endswith("new one is healthy, 1 model.\n")
    code, _, err = await live("backends", "add", url)
    assert (code, err) == (1, f"Error: {url} is registered already, as 'new one'\n")
    assert await live("backends", "remove", "new one") == (0, "Removed backend: new one\n", "")
    code, _, err = await live("backends", "remove", "new one")
    assert code == 1
    assert err.startswith("Error: No backend is called 'new one'")


async def test_a_limit_is_set_and_taken_back(live: Live) -> None:
    set_to = await live("backends", "edit", "rack", "--max-concurrent", "3", "--priority", "0")
    assert set_to == (0, "Changed backend 'rack': priority 0, max concurrent 3.\n", "")
    cleared = await live("backends", "edit", "rack", "--max-concurrent", "none", "--zone", "NONE")
    said = "Changed backend 'rack': zone restricted, max concurrent none.\n"
    assert cleared == (0, said, "")


async def test_a_backend_whose_name_has_slashes_can_be_removed(live: Live) -> None:
    host = f"127.0.0.1:{free_port()}"
    added = await live.json("backends", "add", f"http://{host}/pre/fix", "--type", "llama.cpp")
    assert (added["name"], added["backend_type"]) == (f"{host}/pre/fix", "llamacpp")
    code, out, _ = await live("backends", "remove", f"{host}/pre/fix")
    assert (code, out) == (0, f"Removed backend: {host}/pre/fix\n")


async def test_refusals_are_sentences_and_json_for_scripts(live: Live) -> None:
    code, out, err = await live("backends", "add", "nonsense", "--json")
    assert code == 1
    assert json.loads(out)["error"]["code"] == "invalid_request"
    assert err.startswith("Error: a URL starts with http://")
    code, _, err = await live("backends", "add", "http://a", "--priority", "1000")
    assert code == 1
    assert "priority" in err


async def test_the_inference_server_itself_is_not_taken_for_nexus(live: Live) -> None:
    for server in live.fleet.servers:
        for words in (["models"], ["backends"], ["health"], ["backends", "drain", "x"]):
            code = await asyncio.to_thread(run, [*words, "--url", server.url])
            said = live.capsys.readouterr()
            assert (code, said.out) == (1, "")
            assert "Something else than Nexus answers" in said.err


async def test_the_process_that_users_start_answers_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        SimFleet(SPECS[:1]) as fleet,
        process(
            tmp_path,
            f'[[backends]]\nname = "sim"\nurl = "{fleet.servers[0].url}"\ntype = "ollama"\n',
        ) as (url, _),
    ):
        live = Live(url, fleet, capsys)
        code, out, _ = await live("backends", "check", "sim")
        assert (code, out) == (0, "sim is healthy, 1 model.\n")
        assert (await live("health"))[0] == 0


async def test_a_request_is_explained_by_its_id_and_the_last_ones_are_listed(live: Live) -> None:
    async with httpx.AsyncClient(base_url=live.url, trust_env=False) as client:
        body = {"model": "llama3:8b", "messages": [{"role": "user", "content": "my secret"}]}
        sent = await client.post("/v1/chat/completions", json=body)
    id = sent.headers["x-nexus-request-id"]

    code, out, _ = await live("explain", id)
    assert code == 0
    assert "tower was chosen" in out
    assert "It ended with status 200" in out
    told = await live.json("explain", id)
    assert told["candidates"][0]["backend"] == "tower"
    assert "secret" not in json.dumps(told)
    assert id in (await live("explain"))[1]
    assert (await live("explain", "req-none"))[0] == 1


async def test_where_a_request_would_go_is_told_and_nothing_is_sent(
    live: Live, tmp_path: Path
) -> None:
    code, out, _ = await live("route", "--model", "org/qwen")
    assert (code, "rack was chosen" in out) == (0, True)
    body = tmp_path / "body.json"
    body.write_text(
        json.dumps(
            {
                "model": "llama3:8b",
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "image_url",
                                "image_url": {"url": "data:image/png;base64,AAAA"},
                            }
                        ],
                    }
                ],
            }
        )
    )
    code, out, _ = await live("route", "--body", str(body))
    assert (code, "by the rule 'capability'" in out) == (1, True)
    code, out, err = await live("route", "--body", str(tmp_path / "none"))
    assert (code, "cannot be read" in err) == (1, True)
    assert (await live.json("explain"))["requests"] == []


async def test_changes_are_listed_with_who_made_them(live: Live) -> None:
    assert (await live("changes"))[1] == "Nobody has changed anything yet.\n"
    await live("backends", "drain", "tower")
    _, out, _ = await live("changes")
    (told,) = (await live.json("changes"))["changes"]

    assert " ".join(out.splitlines()[1].split()[1:]) == "cli drain tower draining false -> true"
    assert (told["who"], told["target"], told["after"]) == ("cli", "tower", {"draining": True})


async def test_the_list_of_requests_is_filtered(live: Live) -> None:
    body = {"model": "llama3:8b", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2}
    async with httpx.AsyncClient(base_url=live.url, trust_env=False) as client:
        await client.post("/v1/chat/completions", json=body)
        await client.post("/v1/chat/completions", json=body | {"model": "nobody-has-this"})

    async def listed(*words: str) -> list[str]:
        return [each["model"] for each in (await live.json("explain", *words))["requests"]]

    assert await listed() == ["nobody-has-this", "llama3:8b"]
    assert await listed("--status", "error") == ["nobody-has-this"]
    assert await listed("--model", "llama*", "--since", "1h") == ["llama3:8b"]
    assert await listed("--backend", "rack") == []
    assert (await live("explain", "--until", "1h"))[1] == "No request is like that.\n"
    assert (await live("explain", "--since", "soon"))[0] == 1
