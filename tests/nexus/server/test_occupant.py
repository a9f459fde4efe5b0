"""Who has the port, said in a few words."""

from __future__ import annotations

import asyncio
import json

import pytest

from nexus.domain.backend import BackendType, Model
from nexus.server.occupant import is_another_nexus, occupant
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.upstream import reply


@pytest.mark.parametrize(
    ("type", "said"),
    [
        (BackendType.VLLM, "vLLM "),
        (BackendType.LLAMACPP, "llama.cpp "),
        (BackendType.OLLAMA, "Ollama "),
        (BackendType.LMSTUDIO, "LM Studio"),
        (BackendType.EXO, "exo"),
    ],
)
async def test_a_server_is_called_by_its_name(type: BackendType, said: str) -> None:
    async with SimFleet((SimSpec("it", type, (Model("m", 8192),)),)) as fleet:
        url = fleet["it"].url
        told = await asyncio.to_thread(occupant, url)
        nexus = await asyncio.to_thread(is_another_nexus, url)

    assert told.startswith(said)
    assert ("8000 is its default port too" in told) == (type is BackendType.VLLM)
    assert not nexus


async def test_a_list_of_models_that_shows_no_more_is_an_openai_compatible_server() -> None:
    listed = json.dumps({"object": "list", "data": [{"id": "m\x1b[2J"}]}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        known = head.startswith(b"GET /v1/models ")
        writer.write(reply(listed) if known else reply(b"no", "404 Not Found"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        told = await asyncio.to_thread(occupant, f"http://127.0.0.1:{port}")

    assert told == "an OpenAI-compatible server"
