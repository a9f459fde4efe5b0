"""The probe client against servers that do every wrong thing, on real sockets."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nexus.domain.http import HttpCall
from nexus.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from nexus.upstream.client import ProbeClient

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MODELS = HttpCall("/v1/models")


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """A raw TCP server on loopback; `handler` writes whatever it likes."""

    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def answering(raw: bytes, heard: list[bytes] | None = None) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if heard is not None:
            heard.append(head)
        writer.write(raw)
        await writer.drain()

    return handler


def http(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines, "", ""])
    return head.encode() + body


async def ask(url: str, client: ProbeClient | None = None, timeout_s: float = 5.0) -> bytes:
    client = client or ProbeClient()
    return (await client.send(url, MODELS, headers={}, timeout_s=timeout_s)).body


async def test_an_answer_comes_back_with_lower_case_headers() -> None:
    heard: list[bytes] = []
    async with serving(answering(http(b"{}", "Server: llama.cpp"), heard)) as url:
        client = ProbeClient()
        reply = await client.send(
            url + "/prefix", MODELS, headers={"authorization": "Bearer k"}, timeout_s=5
        )
    assert (reply.status, reply.body, reply.headers["server"]) == (200, b"{}", "llama.cpp")
    asked = heard[0].decode().lower()
    assert asked.startswith("get /prefix/v1/models http/1.1\r\n")
    assert "authorization: bearer k" in asked
    assert "accept-encoding: identity" in asked


async def test_a_question_with_a_body_is_sent_as_json() -> None:
    heard: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"}"))
        writer.write(http(b"{}"))

    async with serving(handler) as url:
        call = HttpCall("/api/show", "POST", {"model": "m"})
        await ProbeClient().send(url, call, headers={}, timeout_s=5)
    assert b'{"model":"m"}' in heard[0].replace(b" ", b"")


async def test_an_error_status_is_an_answer_like_any_other() -> None:
    async with serving(answering(http(b"no", status="503 Busy"))) as url:
        reply = await ProbeClient().send(url, MODELS, headers={}, timeout_s=5)
    assert (reply.status, reply.body) == (503, b"no")


async def test_a_redirect_is_reported_and_not_followed() -> None:
    heard: list[bytes] = []
    async with serving(answering(http(b"", "Location: /other", status="302 Found"), heard)) as url:
        reply = await ProbeClient().send(url, MODELS, headers={}, timeout_s=5)
    assert (reply.status, reply.headers["location"]) == (302, "/other")
    assert len(heard) == 1


async def test_a_web_page_is_handed_on_as_it_is() -> None:
    page = http(b"<html>", "Content-Type: text/html")
    async with serving(answering(page)) as url:
        assert await ask(url) == b"<html>"


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with serving(answering(http(b"{}"))) as url:
        assert await ask(url) == b"{}"


async def test_compressed_answers_are_read_also_when_nobody_asked_for_them() -> None:
    packed = gzip.compress(b'{"data": []}')
    async with serving(answering(http(packed, "Content-Encoding: gzip"))) as url:
        assert await ask(url) == b'{"data": []}'


async def test_a_compression_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024), 9)
    async with serving(answering(http(bomb, "Content-Encoding: gzip"))) as url:
        with pytest.raises(UpstreamBroken, match="longer than 8 MB"):
            await ask(url)


@pytest.mark.parametrize("encoding", ["gzip", "br", "gzip, gzip"])
async def test_compression_that_is_not_one_is_refused(encoding: str) -> None:
    raw = http(b"not compressed", f"Content-Encoding: {encoding}")
    async with serving(answering(raw)) as url:
        with pytest.raises(UpstreamBroken, match="compress"):
            await ask(url)


async def test_a_body_without_end_is_given_up_at_the_limit() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(UpstreamBroken, match="longer than 1 MB"):
            await ask(url, ProbeClient(max_body=1024 * 1024))


async def _silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _dripping_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.01)


async def _dripping_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("handler", "sentence"),
    [
        (_silence, "connected, but no answer within 0.5 s"),
        (_dripping_head, "connected, but no answer within 0.5 s"),
        (_dripping_body, "the answer did not end within 0.5 s"),
    ],
)
async def test_time_is_bounded_in_all_however_slow_the_other_end_is(
    handler: Handler, sentence: str
) -> None:
    async with serving(handler) as url, asyncio.timeout(20):
        with pytest.raises(UpstreamTimeout) as caught:
            await ask(url, timeout_s=0.5)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "the answer was cut short"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nBad Header\r\n\r\n", "the answer is not HTTP"),
    ],
)
async def test_what_is_not_an_answer_is_called_by_its_name(raw: bytes, sentence: str) -> None:
    async with serving(answering(raw)) as url:
        with pytest.raises(UpstreamBroken) as caught:
            await ask(url)
    assert caught.value.message == sentence


async def test_nobody_listening_is_connection_refused() -> None:
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(UpstreamUnreachable, match=r"^connection refused$"):
        await ask(f"http://127.0.0.1:{port}")


async def test_a_name_that_does_not_resolve_says_so() -> None:
    with pytest.raises(UpstreamUnreachable, match="does not resolve"):
        await ask("http://nexus-test.invalid:1")


@pytest.fixture
def self_signed() -> ssl.SSLContext:
    """A server's certificate for localhost, signed by nobody that anybody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(Path(__file__).parents[2] / "data" / "tls" / "self-signed.pem")
    return context


async def test_https_to_a_plain_server_is_a_tls_problem() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(handler) as url:
        with pytest.raises(UpstreamUnreachable, match=r"^TLS: "):
            await ask(url.replace("http:", "https:"))


async def test_a_certificate_that_nobody_knows_is_refused_and_named(
    self_signed: ssl.SSLContext,
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=self_signed)
    url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
    try:
        with pytest.raises(UpstreamUnreachable, match=r"^TLS: certificate not trusted"):
            await ask(url)
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("key", ["a\r\nX-Evil: 1", "schlüssel\u2603", "a\x00b"])
async def test_a_key_that_cannot_be_a_header_is_never_sent(key: str) -> None:
    heard: list[bytes] = []
    async with serving(answering(http(b"{}"), heard)) as url:
        with pytest.raises(UpstreamBroken, match="cannot be sent"):
            await ProbeClient().send(
                url, MODELS, headers={"authorization": f"Bearer {key}"}, timeout_s=5
            )
    assert heard == []


async def test_cut_short_calls_leave_nothing_behind() -> None:
    """After many cancelled calls, one must still work."""
    quiet = True

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if quiet:
            await reader.read()
        writer.write(http(b"{}"))

    client = ProbeClient()
    async with serving(handler) as url:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(url, client)) for _ in range(50)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
        quiet = False
        assert await ask(url, client) == b"{}"


async def test_the_password_of_a_url_is_never_in_a_message() -> None:
    with pytest.raises(UpstreamUnreachable) as caught:
        await ask("http://me:secret@127.0.0.1:1")
    assert "secret" not in str(caught.value)


async def test_the_user_of_a_url_is_shown_as_http_asks_for_it() -> None:
    heard: list[bytes] = []
    async with serving(answering(http(b"{}"), heard)) as url:
        await ask(url.replace("http://", "http://me:p%40ss@"))
    assert b"authorization: Basic bWU6cEBzcw==\r\n" in heard[0]
    assert b"me:" not in heard[0]


async def test_a_head_without_end_is_given_up() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        while True:
            writer.write(b"a" * 4096)
            await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(UpstreamBroken, match="head is too long"):
            await ask(url)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + http(b"[]"), b"[]"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n[\r\n1\r\n]\r\n0\r\n\r\n",
            b"[]",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", b"[]"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (http(b"[]") + b"HTTP/1.1 500 Smuggled\r\n\r\n", b"[]"),
    ],
    ids=["hints first", "chunked", "until the end", "no content", "and more"],
)
async def test_an_answer_ends_where_its_framing_says(raw: bytes, body: bytes) -> None:
    async with serving(answering(raw)) as url:
        reply = await ProbeClient().send(url, MODELS, headers={}, timeout_s=5)
    assert reply.body == body
    assert reply.status in (200, 204)
    assert "link" not in reply.headers


async def test_a_header_said_twice_is_kept_whole() -> None:
    async with serving(answering(http(b"{}", "Via: a", "Via: b"))) as url:
        reply = await ProbeClient().send(url, MODELS, headers={}, timeout_s=5)
    assert reply.headers["via"] == "a, b"


async def test_a_trusted_certificate_opens_the_door(self_signed: ssl.SSLContext) -> None:
    server = await asyncio.start_server(answering(http(b"{}")), "127.0.0.1", 0, ssl=self_signed)
    trusting = ssl.create_default_context(
        cafile=str(Path(__file__).parents[2] / "data" / "tls" / "self-signed.pem")
    )
    try:
        url = f"https://localhost:{server.sockets[0].getsockname()[1]}"
        assert await ask(url, ProbeClient(tls=trusting)) == b"{}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1:1", "http://127.0.0.1:99999", "http://", "x"])
async def test_what_is_no_web_address_is_not_asked(url: str) -> None:
    with pytest.raises(UpstreamUnreachable, match="cannot be used"):
        await ask(url)


async def test_a_trailer_changes_nothing_that_was_said_before_the_body() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nServer: one\r\n\r\n"
        b"2\r\n{}\r\n0\r\nContent-Encoding: gzip\r\nServer: two\r\n\r\n"
    )
    async with serving(answering(raw)) as url:
        reply = await ProbeClient().send(url, MODELS, headers={}, timeout_s=5)
    assert (reply.body, reply.headers["server"]) == (b"{}", "one")


async def test_hints_without_end_are_given_up() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        while True:
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 64)
            await writer.drain()

    async with serving(handler) as url:
        with pytest.raises(UpstreamBroken, match="head is too long"):
            await ask(url)
