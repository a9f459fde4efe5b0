"""Undoing a compression that we did not ask for and the client cannot read."""

from __future__ import annotations

import zlib

from nexus.errors import UpstreamBroken

STEP = 1024 * 1024
"""Bytes decoded per call of zlib, so that a bomb meets the limit and not our memory."""

LIMIT = 64 * 1024 * 1024
"""Bytes decoded from one answer at most; long answers of models are below 1 MB."""


class Gunzip:
    """A filter that decodes gzip and deflate.

    Raises `UpstreamBroken` from `feed` when the data is damaged or grows beyond all measure.
    """

    def __init__(self, backend: str) -> None:
        self._decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # either header
        self._backend = backend
        self._total = 0

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes for these encoded ones."""
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
