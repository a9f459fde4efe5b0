"""What a client's bytes become, over raw sockets: limits, framing, and requests made to harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from nexus.domain.backend import Model
from nexus.server.protocol import BODY_SILENCE_S, HEAD_LIMIT, HEAD_S, LINGER_S
from tests.fakes.client import CHAT, Client, Reply, ask, chat, request
from tests.fakes.doors import Door, protocol_door, until
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Script,
    answer,
    chunk,
    event,
    reply,
    upstream,
)

ANSWER = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
STREAM = STREAM_HEAD + chunk(event("a")) + chunk(event("", "stop")) + chunk(DONE) + LAST_CHUNK
JSON = "content-type: application/json\r\n"


def held(go_on: asyncio.Event, data: bytes) -> Script:
    """Answers when it is told to."""

    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(data)

    return script


async def raw(url: str, data: bytes, *, head: bool = False) -> tuple[Reply, bytes]:
    """One answer, and what came after it until the server closed."""
    client = await Client.to(url)
    try:
        client.send(data)
        got = await client.reply(head=head)
        async with asyncio.timeout(5):
            rest = await client.reader.read(-1)
    finally:
        client.close()
    return got, rest


# ---- sizes


async def test_a_body_declared_too_large_is_refused_before_it_is_read() -> None:
    async with protocol_door(body_limit=1000) as door:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{JSON}content-length: 1001\r\n\r\n"
        got, rest = await raw(door.url, head.encode())

        assert (got.status, got.error()["code"], rest) == (413, "payload_too_large", b"")
        assert "max_body_mb" in str(got.error()["message"])
        assert got.headers["connection"] == "close"


async def test_a_body_of_exactly_the_limit_is_served() -> None:
    body = json.dumps(chat()).encode()
    async with (
        upstream(answer(reply(ANSWER))) as up,
        protocol_door(up.url, body_limit=len(body)) as door,
    ):
        got = await ask(door.url, request(raw=body))

    assert got.status == 200


@pytest.mark.parametrize("path", [CHAT, "/nexus/v1/backends"])
async def test_a_chunked_body_that_grows_too_large_is_refused(path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nhost: n\r\n{JSON}transfer-encoding: chunked\r\n\r\n"
    async with protocol_door(body_limit=1000) as door:
        got, rest = await raw(door.url, head.encode() + chunk(b"x" * 600) + chunk(b"x" * 600))

    assert (got.status, got.error()["code"], rest) == (413, "payload_too_large", b"")


async def test_a_refused_body_leaves_other_connections_alone() -> None:
    async with (
        upstream(answer(reply(ANSWER))) as up,
        protocol_door(up.url, body_limit=1000) as door,
    ):
        other = await Client.to(door.url)
        other.send(request(body=chat()))
        first = await other.reply()
        refused = await ask(door.url, request(raw=b"x" * 2000))
        other.send(request(body=chat()))
        second = await other.reply()
        other.close()

    assert (first.status, refused.status, second.status) == (200, 413, 200)


async def test_a_client_that_sends_all_of_a_too_large_body_first_still_reads_why() -> None:
    """Closing with unread bytes in the socket sends a reset, which can eat the answer."""
    async with protocol_door(body_limit=1000) as door:
        client = await Client.to(door.url)
        client.send(request(raw=b"x" * 20_000_000))
        got = await client.reply()
        client.close()

    assert got.status == 413


async def test_a_head_without_end_is_refused() -> None:
    async with protocol_door() as door:
        lines = b"x-long: " + b"a" * (HEAD_LIMIT + 100)
        got, rest = await raw(door.url, b"GET /health HTTP/1.1\r\nhost: n\r\n" + lines)

    assert (got.status, rest) == (431, b"")
    assert got.error()["type"] == "invalid_request_error"


async def test_many_small_headers_count_together() -> None:
    lines = "".join(f"x-{number}: {'a' * 100}\r\n" for number in range(1000))
    async with protocol_door() as door:
        got = await ask(door.url, request(body=chat(), headers=JSON + lines))

    assert got.status == 431


async def test_a_url_without_end_is_refused() -> None:
    async with protocol_door() as door:
        got, _ = await raw(door.url, b"GET /" + b"a" * (HEAD_LIMIT + 100))

    assert got.status == 431


async def test_the_head_limit_is_per_request_and_not_per_connection() -> None:
    padding = f"x-pad: {'a' * 40_000}\r\n"
    async with protocol_door() as door:
        client = await Client.to(door.url)
        for _ in range(3):
            client.send(request("/health", method="GET", headers=padding))
            assert (await client.reply()).status == 200
        client.close()


# ---- expectations and framing


async def test_a_client_that_asks_first_is_told_to_go_on() -> None:
    body = json.dumps(chat()).encode()
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{JSON}expect: 100-continue\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(head.encode())
        status, _ = await client.head()
        client.send(body)
        got = await client.reply()
        client.close()

    assert (status, got.status, got.body) == (100, 200, ANSWER)


async def test_a_client_that_asks_first_is_not_told_to_send_what_is_too_large() -> None:
    head = (
        f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{JSON}expect: 100-continue\r\n"
        "content-length: 5000\r\n\r\n"
    )
    async with protocol_door(body_limit=1000) as door:
        got, rest = await raw(door.url, head.encode())

    assert (got.status, rest) == (413, b"")


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_a_chunked_request_body_is_put_together(size: int) -> None:
    body = json.dumps(chat()).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{JSON}transfer-encoding: chunked\r\n\r\n"
    pieces = [chunk(body[at : at + size]) for at in range(0, len(body), size)]
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got = await ask(door.url, head.encode() + b"".join(pieces) + LAST_CHUNK)

    assert got.status == 200
    assert up.got[0].body == body


async def test_a_request_that_comes_byte_by_byte_is_served() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        for byte in request(body=chat()):
            client.send(bytes([byte]))
            await client.writer.drain()
        got = await client.reply()
        client.close()

    assert got.body == ANSWER


async def test_an_http_1_0_client_gets_a_stream_that_ends_with_its_connection() -> None:
    data = request(body=chat(stream=True)).replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    async with upstream(answer(STREAM)) as up, protocol_door(up.url) as door:
        got, rest = await raw(door.url, data)

    assert "transfer-encoding" not in got.headers
    assert got.headers["connection"] == "close"
    assert (got.body, rest) == (event("a") + event("", "stop") + DONE, b"")


async def test_a_client_that_says_close_is_closed_after_its_answer() -> None:
    data = request(body=chat(), headers=JSON + "connection: close\r\n")
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got, rest = await raw(door.url, data)

    assert (got.body, got.headers["connection"], rest) == (ANSWER, "close", b"")


async def test_a_client_that_offers_http_2_is_served_over_http_1() -> None:
    """Java's HttpClient sends this upgrade with every first request."""
    offer = "connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got = await ask(door.url, request(body=chat(), headers=JSON + offer))

    assert (got.status, got.body) == (200, ANSWER)


async def test_an_offer_of_http_2_keeps_a_body_that_comes_later_and_the_connection() -> None:
    offer = "connection: Upgrade\r\nupgrade: h2c\r\n"
    data = request(body=chat(), headers=JSON + offer)
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        for _ in range(2):
            client.send(data[:-20])
            await until(lambda: any(c.cycle is not None for c in door.connections()))
            client.send(data[-20:])
            assert (await client.reply()).body == ANSWER
        client.send(request("/health", method="GET", headers=offer))
        health = await client.reply()
        client.close()

    assert health.status == 200


async def test_connect_is_refused() -> None:
    async with protocol_door() as door:
        got, _ = await raw(door.url, b"CONNECT example.org:443 HTTP/1.1\r\nhost: n\r\n\r\nbytes")

    assert got.status == 400


# ---- methods and paths


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_a_hot_path_answers_post_only(method: str) -> None:
    async with protocol_door() as door:
        got = await ask(door.url, request(method=method, headers=""), head=method == "HEAD")

    assert got.status == 405


async def test_options_name_the_methods_of_a_path() -> None:
    async with protocol_door() as door:
        hot = await ask(door.url, request(method="OPTIONS", headers=""))
        listing = await ask(door.url, request("/v1/models", method="OPTIONS", headers=""))
        whole = await ask(door.url, request("*", method="OPTIONS", headers=""))

    assert (whole.status, whole.headers["allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert (hot.status, hot.headers["allow"]) == (204, "POST, OPTIONS")
    assert (listing.status, listing.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize("path", ["/", "/health", "/v1/models", "/models"])
async def test_head_answers_like_get_without_a_body(path: str) -> None:
    async with protocol_door("http://127.0.0.1:1") as door:
        client = await Client.to(door.url)
        client.send(request(path, method="HEAD", headers=""))
        bare = await client.reply(head=True)
        client.send(request(path, method="GET", headers=""))
        full = await client.reply()
        client.close()

    assert (bare.status, full.status) == (200, 200)
    if path != "/health":  # its uptime may have moved on
        assert bare.headers["content-length"] == full.headers["content-length"]


@pytest.mark.parametrize(
    "path", ["/v1", "/v2/chat/completions", "/v1/chat/completions/", "/v1/chat//completions", "/x"]
)
async def test_an_unknown_path_is_told_what_there_is(path: str) -> None:
    async with protocol_door() as door:
        got = await ask(door.url, request(path, body=chat()))

    assert (got.status, got.error()["code"]) == (404, "not_found")
    assert "/v1/chat/completions" in str(got.error()["message"])


async def test_the_path_may_leave_out_v1_and_carry_a_query() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        short = await ask(door.url, request("/chat/completions", body=chat()))
        query = await ask(door.url, request(f"{CHAT}?api-version=1&x=%0d%0a", body=chat()))

    assert (short.status, query.status) == (200, 200)
    assert {got.path for got in up.got} == {CHAT}


async def test_an_absolute_url_is_understood_or_refused_but_never_breaks() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got = await ask(door.url, request(f"http://nexus{CHAT}", body=chat()))

    assert got.status in (200, 400, 404)


@pytest.mark.parametrize(
    ("path", "id"),
    [
        ("/v1/models/llama3:70b", "llama3:70b"),
        ("/v1/models/org/model", "org/model"),
        ("/v1/models/org%2Fmodel", "org/model"),
        ("/v1/models/org%2Fmodel?x=1", "org/model"),
        ("/models/org/model", "org/model"),
        ("/v1/models/%E6%A8%A1", "模"),
        ("/v1/models/a%20b", "a b"),
    ],
)
async def test_a_model_is_found_by_its_id_however_it_is_written(path: str, id: str) -> None:
    models = tuple(Model(name) for name in ("llama3:70b", "org/model", "模", "a b"))
    async with protocol_door("http://127.0.0.1:1", models=models) as door:
        got = await ask(door.url, request(path, method="GET", headers=""))

    assert (got.status, got.json().get("id")) == (200, id)


async def test_a_models_name_with_models_in_it_is_found() -> None:
    models = (Model("library/models/tiny"),)
    async with protocol_door("http://127.0.0.1:1", models=models) as door:
        path = "/v1/models/library/models/tiny"
        got = await ask(door.url, request(path, method="GET", headers=""))

    assert got.status == 200


# ---- slowness


async def swept(door: Door, data: bytes, later: float, ready: Callable[[], bool]) -> bytes:
    """All that a client receives that sent `data` and is looked at `later` seconds on."""
    client = await Client.to(door.url)
    client.send(data)
    await until(ready)
    now = asyncio.get_running_loop().time()
    for connection in door.connections():
        connection.sweep(now + later)
    async with asyncio.timeout(5):
        said = await client.reader.read(-1)
    client.close()
    return said


async def test_half_a_head_is_given_up_with_408() -> None:
    async with protocol_door() as door:
        said = await swept(
            door, b"POST /v1/chat/completions HT", HEAD_S + 1, lambda: bool(door.connections())
        )

    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"invalid_request_error" in said


@pytest.mark.parametrize("path", [CHAT, "/nexus/v1/backends"])
async def test_half_a_body_is_given_up_with_408(path: str) -> None:
    data = request(path, body=chat())[:-5]
    async with protocol_door() as door:

        def arrived() -> bool:
            return any(c.cycle is not None for c in door.connections())

        said = await swept(door, data, BODY_SILENCE_S + 1, arrived)

    assert said.startswith(b"HTTP/1.1 408 ")
    assert said.count(b"HTTP/1.1") == 1


async def test_a_request_that_still_has_time_is_not_given_up() -> None:
    data = request(body=chat())
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(data[:-5])
        await until(lambda: any(c.cycle is not None for c in door.connections()))
        now = asyncio.get_running_loop().time()
        for connection in door.connections():
            connection.sweep(now + BODY_SILENCE_S / 2)
        client.send(data[-5:])
        got = await client.reply()
        client.close()

    assert got.status == 200


async def test_a_long_answer_is_never_taken_for_a_slow_request() -> None:
    go_on = asyncio.Event()
    async with upstream(held(go_on, reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat()))
        await until(lambda: up.got)
        now = asyncio.get_running_loop().time()
        for connection in door.connections():
            connection.sweep(now + 3600)
        go_on.set()
        got = await client.reply()
        client.close()

    assert got.status == 200


async def test_a_connection_waiting_between_requests_is_not_a_slow_request() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat()))
        await client.reply()
        now = asyncio.get_running_loop().time()
        for connection in door.connections():
            connection.sweep(now + 3600)
        client.send(request(body=chat()))
        got = await client.reply()
        client.close()

    assert got.status == 200


async def test_a_connection_that_waits_too_long_for_its_next_request_is_closed() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat()))
        await client.reply()
        (connection,) = door.connections()
        now = asyncio.get_running_loop().time()
        connection.expire(now + connection.timeout_keep_alive - 1)
        client.send(request(body=chat()))
        kept = await client.reply()
        connection.expire(now + connection.timeout_keep_alive + 60)
        async with asyncio.timeout(5):
            rest = await client.reader.read(-1)
        client.close()

    assert (kept.status, rest) == (200, b"")


async def test_a_running_request_is_not_an_idle_connection() -> None:
    go_on = asyncio.Event()
    async with upstream(held(go_on, STREAM)) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat(stream=True)))
        await until(lambda: up.got)
        for connection in door.connections():
            connection.expire(asyncio.get_running_loop().time() + 3600)
        go_on.set()
        got = await client.reply()
        client.close()

    assert got.status == 200


async def test_an_answered_request_whose_body_never_comes_is_closed_without_a_second_answer() -> (
    None
):
    data = b"GET /health HTTP/1.1\r\nhost: n\r\ncontent-length: 10\r\n\r\n"
    async with protocol_door() as door:

        def answered() -> bool:
            return any(
                c.cycle is not None and c.cycle.response_complete for c in door.connections()
            )

        said = await swept(door, data, BODY_SILENCE_S + 1, answered)

    assert said.count(b"HTTP/1.1") == 1
    assert said.startswith(b"HTTP/1.1 200 ")


async def test_a_refused_client_that_never_hangs_up_is_cut_off() -> None:
    async with protocol_door() as door:
        client = await Client.to(door.url)
        client.send(b"nonsense\r\n\r\n")
        await client.reply()
        client.send(b"and more nonsense")
        now = asyncio.get_running_loop().time()
        for connection in door.connections():
            connection.sweep(now + LINGER_S + 1)
        await until(lambda: not door.connections())
        client.close()


# ---- requests made to harm


@pytest.mark.parametrize(
    "framing",
    [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: +5\r\n",
        "content-length: 5, 5\r\n",
        "content-length: 99999999999999999999999\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding : chunked\r\n",
        "x: 1\r\n y: 2\r\ncontent-length\r\n: 5\r\n",
    ],
)
async def test_ambiguous_framing_is_refused_and_the_connection_closed(framing: str) -> None:
    hidden = b"GET /health HTTP/1.1\r\nhost: n\r\n\r\n"
    data = (
        f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{JSON}{framing}\r\n".encode() + b"0\r\n\r\n" + hidden
    )
    async with protocol_door() as door:
        got, rest = await raw(door.url, data)

    assert got.status == 400
    assert got.error()["type"] == "invalid_request_error"
    assert rest == b""


@pytest.mark.parametrize("hosts", ["", "host: a\r\nhost: b\r\n", "host: a\r\nHOST: a\r\n"])
@pytest.mark.parametrize("path", [CHAT, "/health"])
async def test_a_request_without_one_host_is_refused(hosts: str, path: str) -> None:
    data = f"POST {path} HTTP/1.1\r\n{hosts}{JSON}content-length: 2\r\n\r\n{{}}".encode()
    async with protocol_door() as door:
        got, rest = await raw(door.url, data)

    assert (got.status, rest) == (400, b"")
    assert "one Host header" in str(got.error()["message"])


@pytest.mark.parametrize(
    "trailer", ["content-type: application/json", "X-Nexus-Dry-Run: 1", "Authorization: x"]
)
async def test_what_stands_behind_a_body_is_no_header(trailer: str) -> None:
    kind = "" if trailer.startswith("content-type") else JSON
    head = f"POST {CHAT} HTTP/1.1\r\nhost: n\r\n{kind}transfer-encoding: chunked\r\n\r\n"
    body = chunk(json.dumps(chat()).encode()) + f"0\r\n{trailer}\r\n\r\n".encode()
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got = await ask(door.url, head.encode() + body)

    assert got.status == (200 if kind else 415)
    assert not kind or got.body == ANSWER


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(50),  # TLS on a plain port
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: a\x00b\r\n\r\n",
        b"G\xc3\x89T / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_not_http_gets_an_openai_shaped_400(data: bytes) -> None:
    async with protocol_door() as door:
        got, _ = await raw(door.url, data)

    assert got.status == 400
    assert got.headers["content-type"] == "application/json"
    assert got.error()["code"] == "invalid_request"


@pytest.mark.parametrize(
    "target", ["*", "nexus:80", "//", "/%", "/v1/models/%ff", "/%00", "/\\..\\"]
)
async def test_odd_request_targets_get_an_answer(target: str) -> None:
    async with protocol_door() as door:
        client = await Client.to(door.url)
        client.send(f"GET {target} HTTP/1.1\r\nhost: n\r\n\r\n".encode())
        got = await client.reply()
        client.close()

    assert got.status in (400, 404)
    assert got.error()["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "name", ["a\r\nx-evil: 1", "a\nb", "模型", "a\x00b", "\ud800", "x" * 5000, "\x1b[2J"]
)
async def test_a_models_name_never_becomes_a_header_line(name: str) -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        got = await ask(door.url, request(body={**chat(), "model": name}))

        assert got.status in (400, 404)
        assert got.error()["type"] == "invalid_request_error"
        assert "x-evil" not in got.headers
        assert all(value.isascii() and value.isprintable() for value in got.headers.values())


async def test_a_known_model_with_an_odd_name_is_served() -> None:
    odd = "é:模型 x-evil: 1"
    async with (
        upstream(answer(reply(ANSWER))) as up,
        protocol_door(up.url, models=(Model(odd),)) as door,
    ):
        got = await ask(door.url, request(body={**chat(), "model": odd}))

    assert got.status == 200
    assert "x-evil" not in got.headers


@pytest.mark.parametrize(
    "body", [b"\xff\xfe{}", b'{"model":"\xff"}', b"", b"null", b"[]", b"{" * 5000]
)
async def test_a_body_that_is_not_a_json_object_gets_400(body: bytes) -> None:
    async with protocol_door() as door:
        got = await ask(door.url, request(raw=body))

    assert (got.status, got.error()["code"]) == (400, "invalid_request")


# ---- more than one request on a connection


async def test_pipelined_requests_are_answered_in_their_order() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(
            request(body=chat())
            + request("/health", method="GET", headers="")
            + request(body=chat())
            + request(body={"no": "model"})
            + request("/v1/models", method="GET", headers="")
        )
        got = [await client.reply() for _ in range(5)]
        client.close()

    assert [each.status for each in got] == [200, 200, 200, 400, 200]
    assert got[0].body == got[2].body == ANSWER
    assert got[1].json()["service"] == "nexus"
    assert got[4].json()["object"] == "list"


async def test_a_pipelined_request_waits_for_the_stream_before_it() -> None:
    go_on = asyncio.Event()
    async with upstream(held(go_on, STREAM)) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat(stream=True)) + request(body=chat(stream=True)))
        await until(lambda: up.got)
        sent_before = len(up.got)
        go_on.set()
        first, second = await client.reply(), await client.reply()
        client.close()

    assert sent_before == 1
    assert first.body == second.body == event("a") + event("", "stop") + DONE


async def test_a_too_large_pipelined_request_is_not_answered_before_the_first() -> None:
    go_on = asyncio.Event()
    async with (
        upstream(held(go_on, reply(ANSWER))) as up,
        protocol_door(up.url, body_limit=1000) as door,
    ):
        client = await Client.to(door.url)
        client.send(request(body=chat()) + request(raw=b"x" * 2000))
        await until(lambda: up.got)
        go_on.set()
        got = await client.reply()
        async with asyncio.timeout(5):
            rest = await client.reader.read(-1)
        client.close()

    assert (got.status, got.body, rest) == (200, ANSWER, b"")


async def test_garbage_behind_a_request_never_becomes_its_answer() -> None:
    go_on = asyncio.Event()
    async with upstream(held(go_on, STREAM)) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat(stream=True)))
        await until(lambda: up.got)
        client.send(b"garbage garbage\r\n\r\n")
        go_on.set()
        async with asyncio.timeout(5):
            said = await client.reader.read(-1)
        client.close()

        await until(door.at_rest)
    assert said.count(b"HTTP/1.1") == 1
    assert said.endswith(LAST_CHUNK)


async def test_a_client_that_leaves_with_requests_in_the_pipe_frees_everything() -> None:
    go_on = asyncio.Event()
    async with upstream(held(go_on, STREAM)) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat(stream=True)) * 3)
        await until(lambda: up.got)
        client.writer.transport.abort()
        await until(door.at_rest)

        assert len(up.got) == 1
        go_on.set()


async def test_a_client_that_leaves_inside_its_body_leaves_nothing_behind() -> None:
    async with protocol_door() as door:
        client = await Client.to(door.url)
        client.send(request(body=chat())[:-5])
        await until(lambda: any(c.cycle is not None for c in door.connections()))
        client.close()
        await until(lambda: not door.connections())

        assert not door.server.server_state.tasks
        assert door.at_rest()


async def test_an_error_keeps_the_connection_for_the_next_request() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(raw=b"nonsense"))
        first = await client.reply()
        client.send(request(body=chat()))
        second = await client.reply()
        client.close()

    assert (first.status, second.status) == (400, 200)
