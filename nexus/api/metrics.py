"""`/metrics` as an answer: made in pieces, between which requests are served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from nexus.control.numbers import Numbers


async def page(numbers: Numbers, headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Header lines and body of the numbers of this moment."""
    said = [value.decode("latin-1") for name, value in headers if name == b"accept"]
    content_type, pieces = numbers.prometheus(",".join(said))
    made: list[bytes] = []
    for piece in pieces:
        made.append(piece)
        await asyncio.sleep(0)  # a large fleet's page takes tens of milliseconds
    return f"content-type: {content_type}\r\n".encode("latin-1"), b"".join(made)
