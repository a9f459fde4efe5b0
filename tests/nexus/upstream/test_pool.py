"""Connections to one backend: kept, used again, closed in time, and trusted only with reason."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from nexus.errors import NexusError
from nexus.upstream.connection import Connection
from nexus.upstream.pool import IDLE_MAX, IDLE_S, Pool, Timeouts
from tests.fakes.gateway import free_port
from tests.fakes.heard import Heard
from tests.fakes.upstream import Upstream, answer, reply, upstream


def pool(url: str, **headers: str) -> Pool:
    return Pool("gpu", url, headers, Timeouts(connect_s=5.0))


async def asked(here: Pool, connection: Connection) -> Heard:
    """One request on a connection, answered."""
    heard = Heard()
    now = asyncio.get_running_loop().time()
    connection.send(
        here.request("/v1/x", b"{}"), heard, first_byte_s=5.0, idle_s=5.0, total_ends=now + 5
    )
    async with asyncio.timeout(5):
        while not heard.done and heard.error is None:
            await asyncio.sleep(0.001)
    return heard


@pytest.fixture
async def up() -> AsyncIterator[Upstream]:
    async with upstream(answer(reply())) as here:
        yield here


# ---- requests


def head(here: Pool) -> bytes:
    return here.request("/v1/x", b"{}").partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    ("url", "first", "host"),
    [
        ("http://h:8000", b"POST /v1/x HTTP/1.1", b"host: h:8000"),
        ("http://h", b"POST /v1/x HTTP/1.1", b"host: h"),
        ("http://h:80/", b"POST /v1/x HTTP/1.1", b"host: h"),
        ("https://h:443/api/", b"POST /api/v1/x HTTP/1.1", b"host: h"),
        ("https://h:80", b"POST /v1/x HTTP/1.1", b"host: h:80"),
        ("http://[::1]:1/p", b"POST /p/v1/x HTTP/1.1", b"host: [::1]:1"),
        ("http://user:pw@h:1", b"POST /v1/x HTTP/1.1", b"host: h:1"),
    ],
)
def test_a_request_names_the_backends_own_path_and_host(
    url: str, first: bytes, host: bytes
) -> None:
    lines = head(pool(url)).split(b"\r\n")

    assert lines[0] == first
    assert host in lines


def test_a_request_carries_its_length_its_body_and_the_credentials() -> None:
    here = pool("http://h", authorization="Bearer k")
    whole = here.request("/v1/x", b'{"a":1}')

    assert whole.endswith(b"content-length: 7\r\n\r\n" + b'{"a":1}')
    assert b"\r\nauthorization: Bearer k\r\n" in whole
    assert b"\r\naccept-encoding: identity\r\n" in whole
    assert here.request("/v1/x", b"").endswith(b"content-length: 0\r\n\r\n")


# ---- keeping


async def test_the_connection_given_back_last_is_used_first(up: Upstream) -> None:
    here = pool(up.url)
    first, second = await here.connect(), await here.connect()
    await asked(here, first)
    await asked(here, second)

    assert here.idle() is second
    assert here.idle() is first
    assert here.idle() is None
    here.close()
    first.abort()
    second.abort()


async def test_it_is_known_since_when_nobody_has_heard_of_a_backend(up: Upstream) -> None:
    here = pool(up.url)
    connection = await here.connect()
    before = asyncio.get_running_loop().time()
    unheard = here.heard_since(before)
    await asked(here, connection)
    after = asyncio.get_running_loop().time()

    assert (unheard, here.heard_since(before), here.heard_since(after)) == (False, True, False)
    here.close()


async def test_a_connection_in_use_is_not_handed_out(up: Upstream) -> None:
    here = pool(up.url)
    connection = await here.connect()

    assert here.idle() is None
    assert here.in_use == 1
    await asked(here, connection)
    assert here.in_use == 0
    here.close()


async def test_an_idle_connection_is_closed_after_a_while(up: Upstream) -> None:
    here = pool(up.url)
    await asked(here, await here.connect())
    now = asyncio.get_running_loop().time()
    here.sweep(now + IDLE_S - 1)
    kept = here.idle()
    assert kept is not None
    await asked(here, kept)
    here.sweep(now + IDLE_S + 5)

    assert here.idle() is None


async def test_a_connection_that_the_server_closed_is_not_handed_out() -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(reply())
        await writer.drain()
        writer.close()

    async with upstream(script) as up:
        here = pool(up.url)
        connection = await here.connect()
        await asked(here, connection)
        async with asyncio.timeout(5):
            while not connection.closed:
                await asyncio.sleep(0.001)

    assert here.idle() is None
    assert here.in_use == 0


def test_the_pool_keeps_a_bounded_number() -> None:
    assert IDLE_MAX < 1000


async def test_closing_the_pool_closes_what_is_idle(up: Upstream) -> None:
    here = pool(up.url)
    await asked(here, await here.connect())
    here.close()
    async with asyncio.timeout(5):
        await up.closed_by_client.wait()

    assert here.idle() is None


async def test_a_port_nobody_listens_on_is_said_plainly() -> None:
    with pytest.raises(NexusError, match=r"Backend 'gpu' at 127\.0\.0\.1:\d+: connection refused"):
        await pool(f"http://127.0.0.1:{free_port()}").connect()


# ---- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's authority is one that this machine trusts."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))


async def over_tls(authority: trustme.CA, name: str) -> Heard:
    """One request to a server whose certificate names `name`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n{}")
            writer.write(reply(b'{"tls":1}'))
            await writer.drain()
            await reader.read(1)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        here = pool(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        heard = await asked(here, await here.connect())
        here.close()
        return heard
    finally:
        server.close()


@pytest.mark.usefixtures("trusted")
async def test_a_trusted_certificate_opens_the_connection(authority: trustme.CA) -> None:
    heard = await over_tls(authority, "127.0.0.1")

    assert (heard.status, heard.body) == (200, b'{"tls":1}')


async def test_an_unknown_authority_is_refused_and_said_so(authority: trustme.CA) -> None:
    with pytest.raises(NexusError, match=r"'gpu' at .*: its certificate is not trusted \(.+\)"):
        await over_tls(authority, "127.0.0.1")


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_host_is_refused(authority: trustme.CA) -> None:
    with pytest.raises(NexusError, match=r"not trusted \(.*127\.0\.0\.1"):
        await over_tls(authority, "other.example")


async def test_a_server_without_tls_is_said_so() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(b"this is plain HTTP", "400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NexusError, match=r"'gpu' at .*: TLS failed"):
            await pool(f"https://127.0.0.1:{port}").connect()
