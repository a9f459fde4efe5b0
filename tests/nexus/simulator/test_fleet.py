from __future__ import annotations

import asyncio

import httpx
import pytest

from nexus.domain.backend import BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec

SPEC = SimSpec(
    "one", BackendType.LLAMACPP, (Model("m"),), decode_tps=50, answer_tokens=(9999, 9999)
)


async def test_servers_are_found_by_name() -> None:
    async with SimFleet((SPEC,)) as fleet:
        assert fleet["one"] is fleet.servers[0]
        assert (fleet["one"].real, fleet["one"].type) == (False, BackendType.LLAMACPP)
        with pytest.raises(KeyError):
            fleet["two"]


async def test_an_error_in_the_block_comes_out_as_it_is() -> None:
    with pytest.raises(LookupError, match="mine"):
        async with SimFleet((SPEC,)):
            raise LookupError("mine")


async def test_nothing_is_left_running_when_the_block_ends() -> None:
    """Also not a generation that llama.cpp would finish for a client that is long gone."""
    before = asyncio.all_tasks()
    async with SimFleet((SPEC,)) as fleet, httpx.AsyncClient() as client:
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        url = f"{fleet['one'].url}/v1/chat/completions"
        async with asyncio.TaskGroup() as group:
            task = group.create_task(client.post(url, json=body), name="chat")
            await fleet["one"].seen.until(lambda seen: seen.active == 1)
            task.cancel()
        port = fleet["one"].port

    assert asyncio.all_tasks() == before
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)
