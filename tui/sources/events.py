"""Server-sent events out of the pieces of a stream that may be compressed. Bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass


class Lost(Exception):
    """The stream broke, or cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """One event."""

    kind: str
    data: bytes
    id: str
    """The last id of the stream until here."""


class EventReader:
    """Pieces in, events out.

    Args:
        coding: the `Content-Encoding` of the stream.
        largest: bytes that one event may have.
    """

    def __init__(self, coding: str, largest: int) -> None:
        if coding not in ("", "identity", "gzip"):
            raise Lost("the stream is compressed in a way that was not asked for")
        self._unpack = zlib.decompressobj(31) if coding == "gzip" else None
        self._largest = largest
        self._rest = b""
        self._id = ""

    def feed(self, piece: bytes) -> Iterator[Said]:
        """The events that are complete now. Raises Lost."""
        while piece:
            plain, piece = self._plain(piece)
            self._rest += plain
            if len(self._rest) > self._largest:
                raise Lost(f"an event is larger than {self._largest >> 20} MB")
            *blocks, self._rest = self._rest.split(b"\n\n")
            for block in blocks:
                if (said := self._event(block)) is not None:
                    yield said

    def _plain(self, piece: bytes) -> tuple[bytes, bytes]:
        """Some plain bytes, and what is still to be unpacked."""
        if self._unpack is None:
            return piece, b""
        try:
            plain = self._unpack.decompress(piece, self._largest)
        except zlib.error:
            raise Lost("the compression of the stream is broken") from None
        return plain, self._unpack.unconsumed_tail

    def _event(self, block: bytes) -> Said | None:
        kind, data = "message", b""
        for line in block.split(b"\n"):
            name, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if name == b"data":
                data += value
            elif name == b"event":
                kind = value.decode("utf-8", "replace")
            elif name == b"id":
                self._id = value.decode("latin-1")[:100]
        return Said(kind, data, self._id) if data else None
