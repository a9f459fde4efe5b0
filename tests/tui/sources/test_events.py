"""Events out of a stream that comes in any pieces, and is not trusted."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.sources.events import EventReader, Lost, Said

STREAM = (
    b'retry: 1000\nevent: hello\ndata: {"a":1}\n\n'
    b":\n\n"
    b"id: e.1\ndata: [1]\n\n"
    b"data: [2]\n\n"
    b"event: bye\ndata: {}\n\n"
)
EVENTS = [
    Said("hello", b'{"a":1}', ""),
    Said("message", b"[1]", "e.1"),
    Said("message", b"[2]", "e.1"),
    Said("bye", b"{}", "e.1"),
]


def read(pieces: list[bytes], coding: str = "", largest: int = 10_000) -> list[Said]:
    reader = EventReader(coding, largest)
    return [said for piece in pieces for said in reader.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({min(place, len(data)) for place in places})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_pieces_may_be_cut_anywhere(places: list[int]) -> None:
    assert read(cut(STREAM, places)) == EVENTS


@given(st.lists(st.integers(0, 200), max_size=12))
def test_compressed_pieces_too(places: list[int]) -> None:
    pack = zlib.compressobj(6, zlib.DEFLATED, 31)
    packed = pack.compress(STREAM) + pack.flush()

    assert read(cut(packed, places), "gzip") == EVENTS


def test_an_event_that_never_ends_is_not_kept_for_ever() -> None:
    with pytest.raises(Lost, match="larger than"):
        read([b"data: " + b"x" * 600] * 20)


def test_a_small_piece_that_unpacks_to_much_is_refused() -> None:
    bomb = zlib.compress(b"x" * 50_000_000, 9, 31)

    with pytest.raises(Lost, match="larger than"):
        read([bomb], "gzip")


def test_broken_compression_and_unknown_codings_are_said() -> None:
    with pytest.raises(Lost, match="broken"):
        read([b"not gzip"], "gzip")
    with pytest.raises(Lost, match="not asked for"):
        EventReader("br", 10)


@given(st.binary(max_size=200))
def test_nothing_that_comes_does_harm(data: bytes) -> None:
    for said in read([data, b"\n\n"]):
        assert said.data
