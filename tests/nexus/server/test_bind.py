"""Taking the port, and saying who has it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from nexus.errors import ConfigError
from nexus.server.bind import bind, is_local, url_of
from tests.fakes.client import Client, request
from tests.fakes.doors import protocol_door, until
from tests.fakes.upstream import Upstream, answer, reply, upstream


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


async def why(port: int, host: str = "127.0.0.1") -> str:
    """The sentence of a failed bind. In a thread: it asks the occupant, which runs in this loop."""
    with pytest.raises(ConfigError) as caught:
        await asyncio.to_thread(bind, host, port)
    return caught.value.message


@pytest.fixture
async def occupant() -> AsyncIterator[Upstream]:
    async with upstream(answer(reply())) as up:
        yield up


async def test_another_nexus_on_the_port_is_recognised() -> None:
    async with protocol_door() as door:
        said = await why(port_of(door.url))

    assert "another Nexus" in said
    assert door.url in said


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\n[1, 2]"])
async def test_something_else_on_the_port_is_another_program(garbage: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(garbage)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        said = await why(server.sockets[0].getsockname()[1])

    assert "another program" in said


async def test_the_next_free_port_is_offered_and_is_free(occupant: Upstream) -> None:
    port = port_of(occupant.url)
    said = await why(port)

    assert f"Port {port} on 127.0.0.1 is taken" in said
    offered = int(said.rpartition("--port ")[2].strip("`"))
    assert offered > port
    bind("127.0.0.1", offered).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_said_so(host: str) -> None:
    with pytest.raises(ConfigError, match="not an address of this machine"):
        bind(host, 0)


def test_the_url_can_be_opened_from_this_machine() -> None:
    with bind("0.0.0.0", 0) as everywhere, bind("127.0.0.1", 0) as here:
        assert url_of(everywhere) == f"http://127.0.0.1:{everywhere.getsockname()[1]}"
        assert url_of(here) == f"http://127.0.0.1:{here.getsockname()[1]}"


def test_an_ipv6_url_has_brackets() -> None:
    try:
        listener = bind("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"


async def test_accepted_connections_send_small_answers_at_once() -> None:
    async with protocol_door() as door:
        client = await Client.to(door.url)
        client.send(request("/health", method="GET", headers=""))
        await client.reply()
        await until(door.connections)
        sock = door.connections()[0].transport.get_extra_info("socket")

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.close()


@pytest.mark.parametrize(
    ("family", "host", "local"),
    [
        (socket.AF_INET, "127.0.0.1", True),
        (socket.AF_INET, "127.9.9.9", True),
        (socket.AF_INET, "0.0.0.0", False),
        (socket.AF_INET6, "::1", True),
        (socket.AF_INET6, "::", False),
    ],
)
def test_an_address_that_others_can_reach_is_not_local(
    family: socket.AddressFamily, host: str, local: bool
) -> None:
    with socket.socket(family) as bound:
        bound.bind((host, 0))  # and never listens

        assert is_local(bound) is local
