"""Where a prompt goes is said per model, and an Ollama name needs no tag."""

from __future__ import annotations

import json

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import face, gateway

OLLAMA = SimSpec(
    "tower",
    BackendType.OLLAMA,
    (
        Model("llama3.2:latest", 8192, chat=True, residency=Residency.LOADED),
        Model("gpt-oss:120b-cloud", 8192, chat=True),
    ),
)


async def test_a_cloud_model_behind_a_local_server_answers_with_its_own_zone() -> None:
    async with (
        SimFleet((OLLAMA,)) as fleet,
        gateway(face("tower", fleet["tower"].url, BackendType.OLLAMA)) as here,
    ):
        far = await ask(here.url, request(body=chat(model="gpt-oss:120b-cloud")))
        home = await ask(here.url, request(body=chat(model="llama3.2:latest")))
        listed = json.loads((await ask(here.url, request("/v1/models", method="GET"))).body)

        assert (far.status, far.headers["x-nexus-privacy-zone"]) == (200, "open")
        assert (home.status, home.headers["x-nexus-privacy-zone"]) == (200, "restricted")
        zones = {entry["id"]: entry["zones"] for entry in listed["data"]}
        assert zones == {"gpt-oss:120b-cloud": ["open"], "llama3.2:latest": ["restricted"]}
        reason = here.control.backends.resolve("tower").reason
        assert "1 model is a cloud model (zone open)" in reason


async def test_a_cloud_name_that_is_not_listed_is_never_sent() -> None:
    async with (
        SimFleet((OLLAMA,)) as fleet,
        gateway(face("tower", fleet["tower"].url, BackendType.OLLAMA)) as here,
    ):
        got = await ask(here.url, request(body=chat(model="llama3.2:cloud")))

        assert (got.status, got.error()["code"]) == (404, "model_not_found")


async def test_a_name_without_a_tag_means_latest() -> None:
    async with (
        SimFleet((OLLAMA,)) as fleet,
        gateway(face("tower", fleet["tower"].url, BackendType.OLLAMA)) as here,
    ):
        got = await ask(here.url, request(body=chat(model="llama3.2")))
        one = await ask(here.url, request("/v1/models/llama3.2", method="GET"))

        assert (got.status, got.json()["model"]) == (200, "llama3.2:latest")
        assert json.loads(one.body)["id"] == "llama3.2"
