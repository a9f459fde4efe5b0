"""Requests that ended one after another, as columns: what one row of `chunks` holds.

A column is the bytes of one number, text or blob for each of them, so that a thousand requests are
written and read in a few calls, and two parts become one by putting their columns one behind the
other. A slice of what waits is a part, a batch is made of slices, and tidying up makes one chunk of
many. The writer makes parts (`nexus.store.packer`), `nexus.store.chunks` stores them.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final, NamedTuple

import msgspec

NONE: Final = -(2**31)
"""Stands in a column of numbers for what there is not. Nobody counts that far down."""

SPOILED: Final = (ValueError, IndexError, struct.error, msgspec.MsgspecError)
"""What reading a column may raise that is not what was written."""

_SWAP: Final = sys.byteorder == "big"


class Part(NamedTuple):
    """See the module. What is asked for most often comes first.

    Requests of one batch are in the order of their decisions, batches in that of the ends.
    """

    size: int
    """How many there are."""
    since: float
    """Unix seconds of the earliest decision, and of the latest."""
    until: float
    least_id: str
    """No id comes before it as text, and none after the greatest."""
    greatest_id: str
    at: bytes
    """Unix seconds of the decision, or of the refusal."""
    kind: bytes
    """The number of a kind: see `nexus.store.facts.Kind`."""
    duration_ms: bytes
    """0 where it was refused."""
    estimate: bytes
    """Tokens of the prompt, estimated; none where the request could not be read."""
    most: bytes
    """The tokens that the client allowed."""
    ids: bytes
    errors: bytes
    """Where there is one, by place: the sentence, and the code of a refusal."""
    ended_at: bytes
    """Unix seconds; not a number where `odd` tells it."""
    ttft_ms: bytes
    """Not a number where there was no first byte."""
    prompt: bytes
    completion: bytes
    """Tokens as counted."""
    speed: bytes
    """Tokens a second; not a number where that is not known."""
    form: bytes
    """The number of a form (`nexus.store.facts.Form`); 0 where `odd` tells all, or nothing does."""
    why: bytes
    """Short, of the decision."""
    odd: bytes
    """Where it did not go as planned, by place: a `nexus.store.details.Detail`."""
    turn: bytes
    version: bytes
    """Of the fleet."""
    policy: bytes
    """The number of a fact, or 0; so is the picture."""
    picture: bytes
    planned: bytes
    """How many places of `places` are its own."""
    places: bytes
    """Places of the plan's candidates among those of the model, two bytes each."""
    told: bytes
    """How many bytes of `loads` are its own."""
    loads: bytes
    """See `nexus.store.loads`."""


# ---- columns


def floats(values: Sequence[float]) -> bytes:
    """Numbers of eight bytes."""
    return struct.pack(f"<{len(values)}d", *values)  # twice as fast as an array


def whole(values: Sequence[int]) -> bytes:
    """Integers, of four bytes where all of them fit. Raises struct.error beyond eight."""
    try:
        return struct.pack(f"<{len(values)}i", *values)
    except struct.error:
        return struct.pack(f"<{len(values)}q", *values)


def small(values: Sequence[int]) -> bytes:
    """Integers below 65,536."""
    return struct.pack(f"<{len(values)}H", *values)


def texts(values: list[str]) -> bytes:
    """Texts. Raises UnicodeEncodeError for one that no encoding has."""
    count = len(values)
    return _encode(values)[1 if count < 16 else 3 if count < 65_536 else 5 :]


def sparse(values: Mapping[int, object]) -> bytes:
    """What few of them have, by place."""
    return _encode(values) if values else b""


def read_floats(column: bytes) -> array[float]:
    """The way back, as for each of the following."""
    return _read("d", column)


def read_whole(column: bytes, count: int) -> array[int]:
    """Integers; `count` is how many."""
    if len(column) == 4:  # one stands for all
        return _read("i", column) * count
    return _read("i" if len(column) == 4 * count else "q", column)


def read_whole_of(columns: Sequence[bytes], counts: Sequence[int]) -> array[int]:
    """Several columns of integers as one. `counts` is how many each has."""
    found = array("i")
    for each in map(read_whole, columns, counts):
        if each.typecode == found.typecode:
            found.extend(each)
        else:
            found = array("q", chain(found, each))
    return found


def read_small(column: bytes) -> array[int]:
    """Integers below 65,536."""
    return _read("H", column)


def read_texts(column: bytes, count: int) -> list[str]:
    """Texts; `count` is how many."""
    return _texts(b"\xdd" + count.to_bytes(4, "big") + column)


def read_errors(column: bytes) -> dict[int, tuple[str, str | None]]:
    """Sentences and codes by place."""
    return _errors(column) if column else {}


def read_odd(column: bytes) -> dict[int, bytes]:
    """Details by place."""
    return _details(column) if column else {}


def _read(code: str, column: bytes) -> array[Any]:
    values: array[Any] = array(code)
    values.frombytes(column)
    if _SWAP:
        values.byteswap()
    return values


_encode = msgspec.msgpack.Encoder().encode
_texts = msgspec.msgpack.Decoder(list[str]).decode
_errors = msgspec.msgpack.Decoder(dict[int, tuple[str, str | None]]).decode
_details = msgspec.msgpack.Decoder(dict[int, bytes]).decode


# ---- one behind the other


def joined(parts: Sequence[Part]) -> Part:
    """Several as one, in their order; at least one."""
    if len(parts) == 1:
        return parts[0]
    size, since, until, least, greatest, *columns = zip(*parts, strict=True)
    names = Part._fields[-len(columns) :]
    return Part(
        sum(size),
        min(since),
        max(until),
        min(least),
        max(greatest),
        *(
            _JOIN[name](column, size) if name in _JOIN else b"".join(column)
            for name, column in zip(names, columns, strict=True)
        ),
    )


def joined_whole(columns: Sequence[bytes], counts: Sequence[int]) -> bytes:
    """Columns of integers as one. Where all are the same, one stands for them."""
    size = sum(counts)
    column = b"".join(columns)
    if len(column) != 4 * size:  # some are wide, or one that stands for all
        column = whole(read_whole_of(columns, counts))
    same = len(column) == 4 * size and column == column[:4] * size
    return column[:4] if same else column


def _sparse(
    read: Callable[[bytes], dict[int, Any]], columns: Sequence[bytes], counts: Sequence[int]
) -> bytes:
    found: dict[int, object] = {}
    before = 0
    for column, count in zip(columns, counts, strict=True):
        found.update({before + place: each for place, each in read(column).items()})
        before += count
    return sparse(found)


FLOATS: Final = ("at", "duration_ms", "ended_at", "ttft_ms", "speed")
"""The columns of numbers."""

WHOLE: Final = (
    *("kind", "estimate", "most", "prompt", "completion", "form", "turn", "version", "policy"),
    *("picture", "planned", "told"),
)
"""The columns of integers."""

_JOIN: Final[Mapping[str, Callable[[Sequence[bytes], Sequence[int]], bytes]]] = {
    **dict.fromkeys(WHOLE, joined_whole),
    "errors": partial(_sparse, read_errors),
    "odd": partial(_sparse, read_odd),
}
"""How columns are put together that are more than their bytes."""
