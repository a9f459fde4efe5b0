"""HTTP of the simulated servers, byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from nexus.domain.backend import BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.server import SimServer
from nexus.simulator.spec import SimSpec

BODY = b'{"model":"m","messages":[{"role":"user","content":"Hi"}],"stream":true}'


@asynccontextmanager
async def raw(
    type: BackendType = BackendType.LLAMACPP, keep_alive_s: float | None = None
) -> AsyncIterator[tuple[SimServer, asyncio.StreamReader, asyncio.StreamWriter]]:
    spec = SimSpec("sim", type, (Model("m", 4096),), keep_alive_s=keep_alive_s)
    async with SimFleet((spec,)) as fleet, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", fleet.servers[0].port)
        try:
            yield fleet.servers[0], reader, writer
        finally:
            writer.close()
            await writer.wait_closed()


async def test_keeps_the_connection_for_the_next_request() -> None:
    async with raw() as (server, reader, writer):
        for _ in range(3):
            writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(15)
            assert b"Server: llama.cpp\r\n" in head
            assert b"Keep-Alive: timeout=5, max=100\r\n" in head

        assert server.seen.sockets_opened == 1


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with raw() as (_, reader, writer):
        writer.write(
            b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )

        said = await reader.read()

        assert said.index(b"200 OK") < said.index(b"404 Not Found")


async def test_llamacpp_closes_after_an_error() -> None:
    async with raw() as (_, reader, writer):
        writer.write(b"GET /nope HTTP/1.1\r\nHost: x\r\n\r\n")

        assert b"Connection: close\r\n" in await reader.read()


async def test_streams_are_chunked_and_end() -> None:
    async with raw() as (_, reader, writer):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
        )
        said = await reader.read()

        assert b"Transfer-Encoding: chunked\r\n" in said
        assert b"X-Accel-Buffering: no\r\n" in said
        assert said.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


async def test_http_1_0_streams_end_with_the_connection() -> None:
    async with raw() as (_, reader, writer):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s"
            % (len(BODY), BODY)
        )
        said = await reader.read()

        assert b"chunked" not in said
        assert said.endswith(b"data: [DONE]\n\n")


async def test_exo_closes_after_a_stream() -> None:
    async with raw(BackendType.EXO) as (_, reader, writer):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
            % (len(BODY), BODY)
        )

        assert (await reader.read()).endswith(b"0\r\n\r\n")


async def test_reads_chunked_bodies_and_answers_100_continue() -> None:
    async with raw() as (server, reader, writer):
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(
            b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (10, BODY[:10], len(BODY) - 10, BODY[10:])
        )
        await reader.readuntil(b"data: [DONE]")

        assert server.seen.last_body == BODY


async def test_head_has_the_length_and_no_body() -> None:
    async with raw() as (_, reader, writer):
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        said = await reader.read()

        assert b"Content-Length: 15\r\n" in said
        assert said.endswith(b"\r\n\r\n")


async def test_an_idle_connection_is_closed() -> None:
    async with raw(keep_alive_s=0.01) as (server, reader, _):
        assert await reader.read() == b""
        await server.seen.until(lambda seen: seen.sockets_open == 0)


@pytest.mark.parametrize("rubbish", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET\r\n\r\n"])
async def test_rubbish_gets_a_400_and_the_end(rubbish: bytes) -> None:
    async with raw() as (_, reader, writer):
        writer.write(rubbish)

        assert (await reader.read()).startswith(b"HTTP/1.1 400 Bad Request\r\n")


async def test_a_slow_reader_stops_the_generation_and_not_the_server() -> None:
    """Otherwise a simulated server would hold a whole answer in memory for each stalled client."""
    spec = SimSpec(
        "sim", BackendType.VLLM, (Model("m", 1_000_000),), answer_tokens=(150_000, 150_000)
    )
    many = BODY
    async with SimFleet((spec,)) as fleet, asyncio.timeout(20):
        server = fleet.servers[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
            % (len(many), many)
        )
        await reader.readuntil(b"\r\n\r\n")
        before = -1
        while before != server.seen.generated_tokens:
            before = server.seen.generated_tokens
            other, reply = await asyncio.open_connection("127.0.0.1", server.port)
            reply.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in await other.read()
            reply.close()
            await reply.wait_closed()
            for _ in range(50):
                await asyncio.sleep(0)

        assert server.seen.active == 1
        assert server.seen.generated_tokens < 150_000
        writer.close()
        await writer.wait_closed()
        await server.seen.until(lambda seen: seen.active == 0)
