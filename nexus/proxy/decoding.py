"""Undoing a compression that we did not ask for, where the client cannot read it or we have to.

A server may compress although it was asked not to. An answer in a coding that neither the client
nor we can read is no answer.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from nexus.errors import NexusError, UpstreamBroken
from nexus.proxy import headers
from nexus.proxy.passage import Passage

STEP = 1024 * 1024
"""Bytes decoded per call of zlib, so that a bomb meets the limit and not our memory."""

LIMIT = 64 * 1024 * 1024
"""Bytes decoded from one answer at most; long answers of models are below 1 MB."""

DECODED = (b"gzip", b"x-gzip", b"deflate")


def unpack(passage: Passage, client: Sequence[tuple[bytes, bytes]]) -> None:
    """Have a compressed answer decoded as it comes, as if its backend had sent it plain.

    Left as it is where the client reads that coding and nobody else has to: an answer that is not a
    stream, whose end and usage are watched, and not an error, which is understood.

    Args:
        passage: its head has come.
        client: the request's headers, names in lower case.

    Raises:
        UpstreamBroken: neither the client nor we can read it.
    """
    coding, name = passage.encoding, passage.connection.name
    asked = headers.accepts(client, coding)
    if coding not in DECODED:
        if not asked:
            said = coding[:30].decode("latin-1")
            raise UpstreamBroken(f"Backend '{name}' answered in '{said}', which nobody asked for")
        return
    if asked and passage.status == 200 and passage.kind != b"text/event-stream":
        return
    passage.lines = headers.without_encoding(passage.lines)
    passage.length, passage.encoding = None, b""
    decoded = Decoded(passage)
    pieces, passage.pieces = passage.pieces, []
    if pieces:
        decoded.on_data(b"".join(pieces))
    if passage.done:
        passage.done = False
        decoded.on_done()
    else:
        passage.told_by(decoded)


class Decoded:
    """A `Sink` before another one, which is told of plain bytes."""

    def __init__(self, passage: Passage) -> None:
        self._passage = passage
        self._name = passage.connection.name
        self._gunzip = Gunzip(self._name)

    def on_head(
        self, status: int, lines: bytes, length: int | None, kind: bytes, encoding: bytes
    ) -> None:
        """Has come before."""

    def on_data(self, data: bytes) -> None:
        try:
            plain = self._gunzip.feed(data)
        except UpstreamBroken as error:
            self._passage.abort()
            self._passage.on_failed(error)
            return
        if plain:
            self._passage.on_data(plain)

    def on_whole(
        self, status: int, lines: bytes, kind: bytes, encoding: bytes, body: bytes
    ) -> None:
        """Never comes after its head."""

    def on_done(self) -> None:
        if self._gunzip.whole:
            self._passage.on_done()
        else:
            self.on_failed(UpstreamBroken(f"Backend '{self._name}' ended inside its gzip data"))

    def on_failed(self, error: NexusError) -> None:
        self._passage.on_failed(error)


class Gunzip:
    """Decodes gzip and deflate.

    Raises `UpstreamBroken` from `feed` when the data is damaged or grows beyond all measure.
    """

    def __init__(self, backend: str) -> None:
        self._decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # either header
        self._backend = backend
        self._total = 0
        self._begun = False

    @property
    def whole(self) -> bool:
        """Whether what was fed is a whole, or nothing at all."""
        return self._decoder.eof or not self._begun

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes for these encoded ones."""
        self._begun = self._begun or bool(data)
        out: list[bytes] = []
        try:
            while data:
                piece = self._decoder.decompress(data, STEP)
                self._total += len(piece)
                if self._total > LIMIT:
                    raise UpstreamBroken(f"Backend '{self._backend}' sent a compression bomb")
                out.append(piece)
                data = self._decoder.unconsumed_tail
        except zlib.error as exc:
            text = f"Backend '{self._backend}' sent damaged gzip data"
            raise UpstreamBroken(text) from exc
        return b"".join(out)
