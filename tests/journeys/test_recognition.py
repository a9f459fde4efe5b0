"""Every kind of server, added by nothing but its URL, is named right and its facts are its own."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from nexus.domain.backend import BackendStatus, BackendType, Model, Residency
from nexus.domain.gateway import NewBackend
from nexus.simulator.demo_specs import demo_specs
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.fleet import SimFleet
from nexus.simulator.real import is_available, real_llamacpp
from nexus.simulator.spec import SimSpec
from tests.fakes.gateway import gateway

CHAT = Model("m", 4096, vision=False, tools=True, chat=True, residency=Residency.LOADED)
ROUTED = (CHAT, Model("n", 4096, chat=True, residency=Residency.INSTALLED))
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}


@pytest.mark.parametrize("type", DIALECTS)
async def test_every_dialect_is_named_right_by_its_url_alone(type: BackendType) -> None:
    async with SimFleet((SimSpec("it", type, (CHAT,)),)) as fleet, gateway() as here:
        backend, evidence = await here.control.backends.register(
            NewBackend(fleet["it"].url + "/v1/", name="it")
        )

    assert (backend.face.type, backend.status) == (type, BackendStatus.HEALTHY)
    assert [model.id for model in backend.models] == ["m"]
    assert evidence


@pytest.mark.parametrize("type", DIALECTS)
async def test_a_server_that_wants_a_key_is_named_right_with_it(type: BackendType) -> None:
    spec = SimSpec("it", type, (CHAT,), api_key="sim-key")
    environ = {"SIM_KEY": "sim-key"}
    async with SimFleet((spec,)) as fleet, gateway(environ=environ) as here:
        backend, _ = await here.control.backends.register(
            NewBackend(fleet["it"].url, name="it", api_key_env="SIM_KEY")
        )

    assert (backend.face.type, backend.status) == (type, BackendStatus.HEALTHY)


async def test_a_llamacpp_router_is_told_from_a_llamacpp_with_one_model() -> None:
    spec = SimSpec("it", BackendType.LLAMACPP, ROUTED)
    async with SimFleet((spec,)) as fleet, gateway() as here:
        backend, evidence = await here.control.backends.register(
            NewBackend(fleet["it"].url, name="it")
        )

    assert backend.face.type is BackendType.LLAMACPP
    assert evidence.startswith("llama.cpp router")
    assert {m.id: m.residency for m in backend.models} == {
        "m": Residency.LOADED,
        "n": Residency.INSTALLED,
    }


async def test_the_demos_members_keep_their_names_models_and_windows() -> None:
    async with SimFleet(demo_specs()) as fleet, gateway() as here:
        for server in fleet.servers:
            server.loading = False
            backend, _ = await here.control.backends.register(
                NewBackend(server.url, name=server.name)
            )
            assert backend.face.type is server.type
            for told in server.spec.models:
                seen = next((one for one in backend.models if one.id == told.id), None)
                if seen is None:  # of a cluster, what runs nowhere cannot be asked for
                    assert (server.type, told.loaded) == (BackendType.EXO, False)
                elif told.loaded and not server.type.is_cloud:
                    assert seen.context_length == told.context_length


@pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_a_real_llamacpp_is_named_right_by_its_url_alone() -> None:
    async with real_llamacpp(parallel=2, ctx=512) as server, gateway() as here:
        backend, evidence = await here.control.backends.register(
            NewBackend(server.url + "/v1", name="real")
        )

    assert backend.face.type is BackendType.LLAMACPP
    assert evidence.startswith("llama.cpp")
    (model,) = backend.models
    assert (model.context_length, model.vision, model.tools) == (512, False, True)
    assert (backend.slots, backend.version != "") == (2, True)


async def test_a_refusal_teaches_and_who_said_so_is_shown() -> None:
    """A vLLM lists nothing about vision, so an image is tried once, and after that never again."""
    spec = SimSpec("gpu", BackendType.VLLM, (CHAT,))
    async with SimFleet((spec,)) as fleet, gateway() as here:
        backend, _ = await here.control.backends.register(NewBackend(fleet["gpu"].url, name="gpu"))
        assert backend.models[0].vision is None

        async with httpx.AsyncClient(base_url=here.url) as client:
            content = [{"type": "text", "text": "what?"}, IMAGE]
            body = {"model": "m", "messages": [{"role": "user", "content": content}]}
            first = await client.post("/v1/chat/completions", json=body)
            asked = fleet["gpu"].seen.by_path["/v1/chat/completions"]
            shown = (await client.get("/v1/models/m")).json()
            await here.control.backends.check(backend.id)
            again = await client.post("/v1/chat/completions", json=body)
            since = fleet["gpu"].seen.by_path["/v1/chat/completions"]

    assert (first.status_code, asked) == (400, 1)
    assert "not a multimodal model" in json.dumps(first.json())
    assert shown["capabilities"]["vision"] is False
    assert shown["capability_sources"]["vision"] == "server"
    assert (again.status_code, since) == (400, 1)
    assert again.json()["error"]["code"] == "capability_missing"


async def test_models_are_loaded_through_the_gateways_control() -> None:
    spec = SimSpec("it", BackendType.OLLAMA, ROUTED)
    async with asyncio.timeout(20), SimFleet((spec,)) as fleet, gateway() as here:
        backend, _ = await here.control.backends.register(NewBackend(fleet["it"].url, name="it"))
        after = await here.control.backends.load_model(backend.id, "n")
        assert {model.residency for model in after.models} == {Residency.LOADED}
        after = await here.control.backends.unload_model(backend.id, "m")
        assert {m.id: m.residency for m in after.models} == {
            "m": Residency.INSTALLED,
            "n": Residency.LOADED,
        }
