"""A head that is known again means what the parser says of it, and anything else goes to it."""

from __future__ import annotations

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.framing import around_length
from nexus.domain.request import Endpoint
from nexus.server.repeat import Head
from tests.fakes.client import Client, chat, request
from tests.fakes.doors import protocol_door
from tests.fakes.upstream import answer, reply, upstream

ANSWER = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
JSON = "content-type: application/json\r\n"
LINES = "content-type: application/json\r\nx-more: 1\r\n"


def head_of(data: bytes, size: int) -> Head | None:
    around = around_length(data, size)
    if around is None:
        return None
    return Head(*around, Endpoint.CHAT, [], keep_alive=True, chunked_ok=True)


class Parsed:
    """What httptools makes of one request."""

    def __init__(self, data: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = 0
        httptools.HttpRequestParser(self).feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete += 1


def test_the_same_head_with_another_length_is_known_again() -> None:
    head = head_of(request(raw=b"first", headers=LINES), 5)

    assert head is not None
    assert head.body_of(request(raw=b"the second", headers=LINES)) == b"the second"
    assert head.body_of(request(raw=b"", headers=LINES)) == b""


@pytest.mark.parametrize(
    "data",
    [
        request(raw=b"12345", headers=LINES)[:-1],
        request(raw=b"12345", headers=LINES) + b"6",
        request(raw=b"12345", headers=LINES) * 2,
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: +5"),
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: 5 "),
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: 5\r\nx: y"),
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: 0x5"),
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: "),
        request(raw=b"12345", headers=LINES).replace(b"length: 5", b"length: " + b"0" * 20 + b"5"),
        request(raw=b"12345", headers=LINES).replace(b"x-more: 1", b"x-more: 2"),
        request(raw=b"12345", headers=LINES).replace(b"x-more: 1", b"X-more: 1"),
        request("/v1/completions", raw=b"12345", headers=LINES),
        b"",
    ],
    ids=range(13),
)
def test_what_is_the_least_bit_different_is_not(data: bytes) -> None:
    head = head_of(request(raw=b"first", headers=LINES), 5)

    assert head is not None
    assert head.body_of(data) is None


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (request(raw=b"12345") + b"x", 5),
        (request(raw=b"12345")[:-1], 4),
        (request(raw=b"12345", headers="content-length: 5\r\n"), 5),
        (request(raw=b"12345", headers="Transfer-Encoding: chunked\r\n"), 5),
        (b"POST / HTTP/1.1\r\n\r\n\r\ncontent-length: 5\r\n", 21),
        (b"POST / HTTP/1.1\r\nx: y\r\n content-length: 0\r\n\r\n", 0),
        (b"POST / HTTP/1.1\r\n", 0),
    ],
)
def test_only_one_whole_plain_request_is_remembered(data: bytes, size: int) -> None:
    assert around_length(data, size) is None


@given(
    st.binary(max_size=20),
    st.sampled_from(["", "a: b\r\n", "content-type: x\r\nHost: y\r\n", "A:  \t z \r\n"]),
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from(b"\r\n:0159 ax")), max_size=3),
)
def test_what_is_known_again_is_what_the_parser_would_have_read(
    body: bytes, lines: str, changes: list[tuple[int, int]]
) -> None:
    first = Parsed(request(raw=b"x", headers=lines))
    head = head_of(request(raw=b"x", headers=lines), 1)
    data = bytearray(request(raw=body, headers=lines))
    for at, byte in changes:
        if at < len(data):
            data[at] = byte
    assert head is not None
    found = head.body_of(bytes(data))
    if found is None:
        return
    again = Parsed(bytes(data))

    def others(parsed: Parsed) -> list[tuple[bytes, bytes]]:
        return [each for each in parsed.headers if each[0].lower() != b"content-length"]

    assert (again.complete, again.body, others(again)) == (1, found, others(first))


async def test_a_connection_that_repeats_its_head_is_served_like_any_other() -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        bodies = [chat(n="x" * size) for size in (1, 3, 2, 500, 2)]
        for body in bodies[:3]:
            client.send(request(body=body))
            assert (await client.reply()).body == ANSWER
        whole = request(body=bodies[3])
        client.send(whole[:-7])  # the head again, and a body in two pieces
        client.send(whole[-7:] + request("/health", method="GET", headers=""))
        assert (await client.reply()).body == ANSWER
        assert (await client.reply()).json()["service"] == "nexus"
        client.send(request(body=bodies[4]) + request(body={"no": "model"}))
        assert [(await client.reply()).status for _ in range(2)] == [200, 400]
        client.close()

    assert [got.json()["n"] for got in up.got] == [body["n"] for body in bodies]


async def test_a_repeated_head_with_too_large_a_body_is_refused() -> None:
    async with (
        upstream(answer(reply(ANSWER))) as up,
        protocol_door(up.url, body_limit=1000) as door,
    ):
        client = await Client.to(door.url)
        client.send(request(body=chat()))
        assert (await client.reply()).status == 200
        client.send(request(body=chat(n="x" * 1000)))
        assert (await client.reply()).status == 413
        client.close()


@pytest.mark.parametrize(
    ("lines", "status", "asked"),
    [
        ("x-nexus-dry-run: 1\r\n", 200, 0),
        ("content-encoding: zstd\r\n", 415, 0),
        ("x-nexus-dry-run: 0\r\n", 200, 2),
    ],
)
async def test_what_a_repeated_head_says_is_heard_each_time(
    lines: str, status: int, asked: int
) -> None:
    async with upstream(answer(reply(ANSWER))) as up, protocol_door(up.url) as door:
        client = await Client.to(door.url)
        client.send(request(body=chat()))
        assert (await client.reply()).status == 200
        for _ in range(2):
            client.send(request(body=chat(), headers=JSON + lines))
            assert (await client.reply()).status == status
        client.close()

    assert len(up.got) == 1 + asked


def test_a_body_of_any_size_is_found_behind_its_head() -> None:
    """Also where one more byte is one more digit: no message has 1,003 bytes of both."""
    head = head_of(request(raw=b"first", headers=LINES), 5)
    assert head is not None

    for size in [*range(130), *range(980, 1030), 9_998, 9_999, 10_000, 10_001, 100_000]:
        body = b"x" * size
        message = request(raw=body, headers=LINES)
        assert head.body_of(message) == body
        assert head.body_of(message + b"y") is None
        assert head.body_of(message[:-1] if size else message[:-2]) is None
