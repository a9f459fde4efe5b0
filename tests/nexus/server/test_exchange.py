"""One hot request on one client connection, over a transport that remembers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from nexus.domain.request import Endpoint
from nexus.server.exchange import ClientExchange


class Wire(asyncio.Transport):
    """Remembers what was written and how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.end = ""

    @property
    def sent(self) -> bytes:
        return b"".join(self.writes)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.end
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = "aborted"


class Valve:
    """Remembers whether it is shut."""

    def __init__(self) -> None:
        self.shut = False

    def pause(self) -> None:
        self.shut = True

    def resume(self) -> None:
        self.shut = False


def exchange(
    wire: Wire, *, keep_alive: bool = True, chunked_ok: bool = True, ended: list[int] | None = None
) -> ClientExchange:
    ended = [] if ended is None else ended
    return ClientExchange(
        wire,
        Endpoint.CHAT,
        [],
        keep_alive=keep_alive,
        chunked_ok=chunked_ok,
        on_complete=lambda: ended.append(1),
    )


def test_an_answer_of_known_length_leaves_in_one_write() -> None:
    wire, ended = Wire(), list[int]()
    here = exchange(wire, ended=ended)
    here.start(200, b"a: b\r\n", 2)
    here.write(b"{}")
    here.end()

    assert wire.writes == [b"HTTP/1.1 200 OK\r\na: b\r\ncontent-length: 2\r\n\r\n{}"]
    assert ended == [1]
    assert wire.end == ""


def test_an_answer_of_unknown_length_is_chunked() -> None:
    wire = Wire()
    here = exchange(wire)
    here.start(200, b"", None)
    here.write(b"abc")
    here.write(b"")
    here.write(b"d" * 16)
    here.end()

    head, _, body = wire.sent.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"3\r\nabc\r\n10\r\n" + b"d" * 16 + b"\r\n0\r\n\r\n"


def test_an_old_client_gets_the_end_of_the_connection_as_the_end() -> None:
    wire = Wire()
    here = exchange(wire, chunked_ok=False)
    here.start(200, b"", None)
    here.write(b"abc")
    here.end()

    assert wire.sent == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc"
    assert wire.end == "closed"


def test_a_head_can_leave_before_its_body_and_leaves_once() -> None:
    wire = Wire()
    here = exchange(wire)
    here.start(200, b"", 1)
    here.flush()
    here.flush()
    here.write(b"x")
    here.end()

    assert len(wire.writes) == 2
    assert wire.sent.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_length(status: int) -> None:
    wire = Wire()
    here = exchange(wire)
    here.start(status, b"", 0)
    here.end()

    assert b"content-length" not in wire.sent


def test_an_unheard_of_status_is_passed_on() -> None:
    wire = Wire()
    here = exchange(wire)
    here.start(529, b"", 0)
    here.end()

    assert wire.sent.startswith(b"HTTP/1.1 529 \r\n")


def test_nothing_is_written_to_a_client_that_left() -> None:
    wire = Wire()
    here = exchange(wire)
    here.start(200, b"", None)
    here.left()
    here.write(b"x")
    here.flush()
    here.end()

    assert wire.writes == []


def test_a_cut_is_a_cut_and_only_once() -> None:
    wire, ended = Wire(), list[int]()
    here = exchange(wire, ended=ended)
    here.start(200, b"", 10)
    here.write(b"x")
    here.abort()
    here.write(b"y")
    here.end()

    assert wire.end == "aborted"
    assert len(wire.writes) == 1
    assert ended == []


def test_a_slow_client_shuts_the_valve_even_when_it_was_slow_before() -> None:
    here = exchange(Wire())
    early, late = Valve(), Valve()
    here.regulate(early)
    here.pause_writing()
    here.regulate(late)
    shut = (early.shut, late.shut)
    here.resume_writing()
    here.regulate(None)
    here.pause_writing()

    assert shut == (True, True)
    assert not late.shut


@pytest.mark.parametrize("end", [ClientExchange.end, ClientExchange.abort, ClientExchange.left])
def test_a_body_is_let_go_with_its_answer(end: Callable[[ClientExchange], None]) -> None:
    """An idle connection remembers its last exchange, and a body may have 50 MB."""
    here = exchange(Wire())
    here.take(b"a picture")
    here.read_whole()
    here.start(200, b"", 0)
    end(here)

    assert here.body == b""


def test_pieces_of_a_body_become_one() -> None:
    here = exchange(Wire())
    for piece in (b"a", b"b", b"c"):
        here.take(piece)
    size = here.size
    here.read_whole()

    assert (here.body, size) == (b"abc", 3)
