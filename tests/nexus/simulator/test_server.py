"""Slots, clock, cancelling and faults of a simulated server, over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.fleet import SimFleet
from nexus.simulator.server import SimServer
from nexus.simulator.spec import SimSpec

FAST = SimSpec("sim", BackendType.VLLM, (Model("m", 4096),), slots=2)
ENDLESS = replace(FAST, decode_tps=200.0, answer_tokens=(9000, 9000), models=(Model("m"),))
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = {**CHAT, "stream": True}


@asynccontextmanager
async def serving(spec: SimSpec = FAST) -> AsyncIterator[tuple[SimServer, httpx.AsyncClient]]:
    async with (
        SimFleet((spec,)) as fleet,
        asyncio.timeout(20),
        httpx.AsyncClient(base_url=fleet.servers[0].url, timeout=10) as client,
    ):
        yield fleet.servers[0], client
        assert fleet.servers[0].seen.crashes == []


async def chat(client: httpx.AsyncClient, body: object = CHAT) -> httpx.Response:
    return await client.post("/v1/chat/completions", json=body)


async def leave_after_start(server: SimServer, body: object) -> None:
    """Ask, and be gone as soon as the generation runs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    data = json.dumps(body).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    await server.seen.until(lambda seen: seen.generated_tokens >= 3)
    writer.close()
    await writer.wait_closed()
    del reader


async def test_counts_what_it_saw() -> None:
    async with serving() as (server, client):
        await client.get("/version", headers={"X-Custom": "1"})
        await chat(client)

        seen = server.seen
        assert (seen.requests, seen.by_path["/version"], seen.finished) == (2, 1, 1)
        assert (seen.sockets_opened, seen.sockets_open) == (1, 1)
        assert json.loads(seen.last_body) == CHAT
        assert seen.last_headers["content-type"] == "application/json"
        assert seen.generated_tokens > 0
        assert (seen.active, seen.waiting) == (0, 0)


async def test_more_generations_than_slots_wait_in_line() -> None:
    async with serving(replace(ENDLESS, slots=2)) as (server, client), asyncio.TaskGroup() as group:
        tasks = [group.create_task(chat(client), name=f"chat {i}") for i in range(5)]
        await server.seen.until(lambda seen: seen.active == 2 and seen.waiting == 3)

        load = (await client.get("/load")).json()

        assert load == {"server_load": 5}
        for task in tasks:
            task.cancel()


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_client_that_leaves_frees_its_slot(body: dict[str, object]) -> None:
    async with serving(ENDLESS) as (server, _):
        await leave_after_start(server, body)
        await server.seen.until(lambda seen: seen.active == 0)

        assert (server.seen.cancelled, server.seen.finished) == (1, 0)


async def test_llamacpp_finishes_a_unary_generation_that_nobody_hears() -> None:
    spec = replace(ENDLESS, type=BackendType.LLAMACPP, answer_tokens=(40, 40))
    async with serving(spec) as (server, _):
        await leave_after_start(server, CHAT)
        await server.seen.until(lambda seen: seen.active == 0)

        assert (server.seen.cancelled, server.seen.finished) == (0, 1)
        assert server.seen.generated_tokens == 40


async def test_llamacpp_stops_a_stream_that_nobody_hears() -> None:
    async with serving(replace(ENDLESS, type=BackendType.LLAMACPP)) as (server, _):
        await leave_after_start(server, STREAM)
        await server.seen.until(lambda seen: seen.active == 0)

        assert server.seen.cancelled == 1


async def test_refuses_connections_and_comes_back_on_the_same_port() -> None:
    async with serving() as (server, client):
        await chat(client)
        await server.refuse()
        with pytest.raises(httpx.ConnectError):
            await chat(client)
        await server.listen()

        assert (await chat(client)).status_code == 200


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_fails_with_a_status_and_retry_after(status: int) -> None:
    async with serving() as (server, client):
        server.faults.status, server.faults.retry_after_s = status, 7

        reply = await chat(client)

        assert (reply.status_code, reply.headers["retry-after"]) == (status, "7")
        assert reply.json()["error"]["code"] == status


async def test_faults_can_spare_everything_but_inference() -> None:
    async with serving() as (server, client):
        server.faults.status, server.faults.inference_only = 500, True

        assert (await client.get("/v1/models")).status_code == 200
        assert (await chat(client)).status_code == 500
        server.faults.clear()
        assert (await chat(client)).status_code == 200


async def test_answers_with_something_that_is_not_http() -> None:
    async with serving() as (server, client):
        server.faults.garbage = True
        with pytest.raises(httpx.RemoteProtocolError):
            await chat(client)


async def test_closes_without_a_byte() -> None:
    async with serving() as (server, client):
        server.faults.close_before_reply = True
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await chat(client)


async def test_answers_with_a_page_instead_of_json() -> None:
    async with serving() as (server, client):
        server.faults.not_json = True

        reply = await client.get("/v1/models")

        assert reply.status_code == 200
        assert reply.text.startswith("<!doctype html>")


async def test_stalls_before_the_first_byte_until_the_client_gives_up() -> None:
    async with serving() as (server, client):
        server.faults.stall_before_reply = True
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/v1/models", timeout=0.05)
        await server.seen.until(lambda seen: seen.sockets_open == 0)


async def test_stalls_in_the_middle_of_a_stream_and_frees_the_slot_after_all() -> None:
    async with serving() as (server, client):
        server.faults.stall_after = 2
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/v1/chat/completions", json=STREAM, timeout=0.05)
        await server.seen.until(lambda seen: seen.active == 0)

        assert server.seen.generated_tokens == 2


async def read_into(got: bytearray, client: httpx.AsyncClient) -> None:
    async with client.stream("POST", "/v1/chat/completions", json=STREAM) as reply:
        async for part in reply.aiter_raw():
            got += part


async def test_cuts_a_stream_inside_an_event() -> None:
    got = bytearray()
    async with serving() as (server, client):
        server.faults.cut_after, server.faults.cut_inside_event = 2, True
        with pytest.raises(httpx.RemoteProtocolError):
            await read_into(got, client)

    *whole, half = got.split(b"\n\n")
    assert len(whole) == 3
    assert half.startswith(b"data: ")
    with pytest.raises(json.JSONDecodeError):
        json.loads(half.removeprefix(b"data: "))


async def test_cuts_a_stream_with_a_reset() -> None:
    async with serving() as (server, client):
        server.faults.cut_after, server.faults.cut_hard = 2, True
        with pytest.raises(httpx.ReadError):
            await read_into(bytearray(), client)


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_gzip_answers_say_so_and_unpack_to_the_same(body: dict[str, object]) -> None:
    async with serving() as (server, client):
        plain = await chat(client, body)
        server.faults.gzip = True
        packed = await chat(client, body)

        assert packed.headers["content-encoding"] == "gzip"
        assert len(packed.content) == len(plain.content)


async def test_speed_is_the_spec_s_and_slow_multiplies_it() -> None:
    spec = replace(
        FAST,
        type=BackendType.LLAMACPP,
        prefill_tps=1000.0,
        decode_tps=2000.0,
        answer_tokens=(20, 20),
    )
    async with serving(spec) as (server, client):
        normal = (await chat(client)).json()["timings"]
        server.faults.slow = 5.0
        slow = (await chat(client)).json()["timings"]

        assert normal["prompt_ms"] == pytest.approx(1.0)
        assert normal["predicted_ms"] == pytest.approx(10.0)
        assert slow["predicted_ms"] == pytest.approx(50.0)


async def test_loads_for_a_while_and_can_be_told_to_load_again() -> None:
    spec = replace(FAST, type=BackendType.LLAMACPP, load_s=3600.0)
    async with serving(spec) as (server, client):
        assert (await client.get("/health")).status_code == 503
        server.loading = False
        assert (await client.get("/health")).status_code == 200
        server.loading = True
        assert (await chat(client)).status_code == 503


async def test_a_cold_model_is_loaded_by_its_first_request() -> None:
    spec = replace(
        FAST, type=BackendType.OLLAMA, models=(Model("m:latest", residency=Residency.INSTALLED),)
    )
    async with serving(spec) as (_, client):
        before = (await client.get("/api/ps")).json()["models"]
        await chat(client)
        after = (await client.get("/api/ps")).json()["models"]

        assert (len(before), len(after)) == (0, 1)


async def test_the_same_question_gets_the_same_answer() -> None:
    async with serving() as (_, client):
        first, second = await chat(client), await chat(client)

        assert first.json()["choices"] == second.json()["choices"]
        assert first.json()["id"] != second.json()["id"]
