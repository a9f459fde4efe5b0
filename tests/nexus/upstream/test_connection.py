"""One connection to a backend: what is told to whoever waits, and when it may be used again."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from nexus.upstream.connection import HEAD_LIMIT, Connection
from tests.fakes.heard import Heard


class Wire(asyncio.Transport):
    """A transport that remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.reading = True
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True


class Line:
    """A connection on a `Wire`, and what came of it."""

    def __init__(self) -> None:
        self.released: list[bool] = []
        self.connection = Connection("gpu", lambda _, reusable: self.released.append(reusable))
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    def send(self, *, first_byte_s: float = 10.0, idle_s: float = 5.0) -> Heard:
        heard = Heard()
        now = asyncio.get_running_loop().time()
        self.connection.send(
            b"REQUEST", heard, first_byte_s=first_byte_s, idle_s=idle_s, total_ends=now + 100
        )
        return heard

    def feed(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)

    def lose(self, exc: Exception | None = None) -> None:
        self.connection.connection_lost(exc)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n"
WHOLE = HEAD + b"content-length: 2\r\n\r\n{}"


async def test_an_answer_is_told_whole_and_the_connection_is_free_again() -> None:
    line = Line()
    heard = line.send()
    line.feed(WHOLE)

    assert line.wire.sent == b"REQUEST"
    assert (heard.status, heard.body, heard.done) == (200, b"{}", True)
    assert (heard.length, heard.kind, heard.encoding) == (2, b"application/json", b"")
    assert line.released == [True]
    assert not line.wire.aborted


async def test_an_answer_that_comes_byte_by_byte_is_the_same() -> None:
    line = Line()
    heard = line.send()
    line.feed(*(bytes([byte]) for byte in WHOLE))

    assert (heard.status, heard.body, heard.done) == (200, b"{}", True)
    assert heard.kind == b"application/json"
    assert line.released == [True]


async def test_one_read_is_one_piece() -> None:
    line = Line()
    heard = line.send()
    line.feed(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n")

    assert heard.pieces == [b"abc"]
    assert heard.length is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (WHOLE + b"x", "a leftover byte"),
        (WHOLE + WHOLE, "a second answer nobody asked for"),
        (HEAD + b"connection: close\r\ncontent-length: 2\r\n\r\n{}", "close"),
        (HEAD.replace(b"1.1", b"1.0") + b"content-length: 2\r\n\r\n{}", "HTTP/1.0"),
    ],
)
async def test_a_connection_in_doubt_is_not_used_again(answer: bytes, why: str) -> None:
    line = Line()
    heard = line.send()
    line.feed(answer)

    assert (heard.body, heard.done) == (b"{}", True), why
    assert line.released == [False]
    assert line.wire.aborted


async def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    line = Line()
    line.send()
    line.feed(WHOLE, b"HTTP/1.1 200 OK\r\n")

    assert line.wire.aborted


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_a_status_without_a_body_ends_with_its_head(status: bytes) -> None:
    line = Line()
    heard = line.send()
    line.feed(b"HTTP/1.1 " + status + b"\r\n\r\n")

    assert heard.done
    assert heard.length == 0


async def test_early_answers_are_passed_over() -> None:
    line = Line()
    heard = line.send()
    line.feed(b"HTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\n", WHOLE)

    assert heard.status == 200
    assert b"link" not in heard.lines


async def test_lines_of_one_hop_and_in_our_name_do_not_pass() -> None:
    line = Line()
    heard = line.send()
    line.feed(
        b"HTTP/1.1 200 OK\r\nX-Request-Id: 7\r\nX-Nexus-Backend: liar\r\nKeep-Alive: 5\r\n"
        b"X-Hop: 1\r\nConnection: keep-alive, x-hop\r\nContent-Length: 0\r\n\r\n"
    )

    assert heard.lines == b"X-Request-Id: 7\r\n"


async def test_lines_that_speak_for_a_whole_address_do_not_pass() -> None:
    line = Line()
    heard = line.send()
    line.feed(
        b'HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nAlt-Svc: h3=":443"\r\nServer: llama.cpp\r\n'
        b"Strict-Transport-Security: max-age=9\r\nAccess-Control-Allow-Origin: *\r\n"
        b"Content-Length: 0\r\n\r\n"
    )

    assert heard.lines == b"Server: llama.cpp\r\n"


async def test_an_answer_until_close_is_whole_only_at_an_orderly_end() -> None:
    ended, broken = Line(), Line()
    first, second = ended.send(), broken.send()
    for line in (ended, broken):
        line.feed(HEAD + b"\r\n{}")
    ended.lose()
    broken.lose(ConnectionResetError())

    assert first.done
    assert isinstance(second.error, UpstreamBroken)


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * HEAD_LIMIT + b"\r\nlater: 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: aaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 4000 + b"\r\n",
    ],
)
async def test_what_is_not_an_answer_is_broken_and_the_connection_closed(answer: bytes) -> None:
    line = Line()
    heard = line.send()
    line.feed(answer)

    assert isinstance(heard.error, UpstreamBroken)
    assert "gpu" in heard.error.message
    assert line.wire.aborted


async def test_a_head_that_never_ends_is_not_collected_for_ever() -> None:
    line = Line()
    heard = line.send()
    line.feed(b"HTTP/1.1 200 OK\r\nx: ", *([b"a" * 65536] * 10))

    assert isinstance(heard.error, UpstreamBroken)


async def test_a_close_before_the_answer_is_unreachable_and_inside_it_broken() -> None:
    before, inside = Line(), Line()
    first, second = before.send(), inside.send()
    before.lose()
    inside.feed(HEAD + b"content-length: 10\r\n\r\n{")
    inside.lose()

    assert isinstance(first.error, UpstreamUnreachable)
    assert isinstance(second.error, UpstreamBroken)
    assert before.released == inside.released == [False]


async def test_silence_before_the_answer_and_inside_it_have_their_own_limits() -> None:
    now = asyncio.get_running_loop().time()
    line = Line()
    heard = line.send(first_byte_s=10.0, idle_s=5.0)
    line.connection.sweep(now + 9)
    assert heard.error is None
    line.feed(HEAD + b"content-length: 10\r\n\r\n{")
    line.connection.sweep(now + 4)
    assert heard.error is None
    line.connection.sweep(now + 6)

    assert isinstance(heard.error, UpstreamTimeout)
    assert "stopped sending" in heard.error.message


async def test_no_answer_in_time_is_a_timeout() -> None:
    line = Line()
    heard = line.send(first_byte_s=10.0)
    line.connection.sweep(asyncio.get_running_loop().time() + 11)

    assert isinstance(heard.error, UpstreamTimeout)
    assert "did not answer" in heard.error.message


async def test_an_answer_that_drips_for_ever_ends_at_the_total_limit() -> None:
    line = Line()
    heard = line.send()
    line.feed(HEAD + b"content-length: 10\r\n\r\n{")
    line.connection.sweep(asyncio.get_running_loop().time() + 101)

    assert isinstance(heard.error, UpstreamTimeout)


async def test_a_paused_connection_is_not_silent_by_its_own_fault() -> None:
    now = asyncio.get_running_loop().time()
    line = Line()
    heard = line.send()
    line.feed(HEAD + b"content-length: 10\r\n\r\n{")
    line.connection.pause()
    line.connection.pause()
    line.connection.sweep(now + 50)
    assert heard.error is None
    assert not line.wire.reading
    line.connection.resume()

    assert line.wire.reading
    line.connection.sweep(now + 50)
    assert isinstance(heard.error, UpstreamTimeout)


async def test_after_an_abort_nothing_is_told() -> None:
    line = Line()
    heard = line.send()
    line.connection.abort()
    line.feed(WHOLE)
    line.lose()

    assert (heard.status, heard.done, heard.error) == (0, False, None)
    assert line.released == [False]


async def test_an_idle_connection_has_no_deadline() -> None:
    line = Line()
    line.send()
    line.feed(WHOLE)
    line.connection.sweep(asyncio.get_running_loop().time() + 1000)

    assert not line.wire.aborted


async def test_a_switch_of_protocols_is_broken() -> None:
    line = Line()
    heard = line.send()
    line.feed(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nbytes")

    assert isinstance(heard.error, UpstreamBroken)


@given(
    st.lists(st.sampled_from([b"{}", b"[1,2]", b"", b"x" * 300]), min_size=1, max_size=4),
    st.sampled_from([b"", b"date: now\r\n", b"Content-Encoding: gzip\r\n", b"x-nexus-a: b\r\n"]),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 200), st.sampled_from(b"\r\n:0159 ak")),
        max_size=2,
    ),
)
def test_an_answer_whose_head_came_before_is_told_like_the_first(
    bodies: list[bytes], lines: bytes, changes: list[tuple[int, int, int]]
) -> None:
    answers: list[bytes] = []
    for number, body in enumerate(bodies):
        data = bytearray(HEAD + lines + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        for which, at, byte in changes:
            if which == number and at < len(data):
                data[at] = byte
        answers.append(bytes(data))

    async def told() -> None:
        kept = Line()
        for number, data in enumerate(answers):
            fresh = Line()
            anew, again = fresh.send(), kept.send()
            fresh.feed(data)
            kept.feed(data)

            assert vars(again) | {"error": str(again.error)} == vars(anew) | {
                "error": str(anew.error)
            }
            assert kept.released[number:] == fresh.released
            assert kept.wire.aborted == fresh.wire.aborted
            if not fresh.released or kept.wire.aborted:
                return

    asyncio.run(told())
