"""What the carrier needs of a client's request, whatever door it came through.

Two doors make exchanges: our protocol inside uvicorn, and a plain ASGI callable for any server. A
client that leaves cancels the task that carries its request; nothing has to poll for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol


class Valve(Protocol):
    """Something that can be told to send slower."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Exchange(Protocol):
    """One request, read whole, and the way to answer it."""

    body: bytes
    disconnected: bool
    """True once the client has left."""
    response_started: bool
    task: asyncio.Task[None] | None
    """What carries it."""

    @property
    def plain(self) -> bool:
        """True where it is known that the headers need not be looked at: `wishes.is_plain`."""
        ...

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """Request headers, names in lower case."""
        ...

    def start(self, status: int, lines: bytes, length: int | None) -> None:
        """Begin the answer; the head leaves with the first body bytes or at `flush`.

        Args:
            status: HTTP status.
            lines: header lines, each ended by CRLF, without any framing header.
            length: body length in bytes, None when it is not known.
        """
        ...

    def write(self, data: bytes) -> None:
        """Send body bytes. Never blocks: a slow client is told of through the valve."""
        ...

    def reply(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once: `start`, `write` and `end`."""
        ...

    def flush(self) -> None:
        """Send the head if it has not left yet."""
        ...

    def end(self) -> None:
        """The answer is complete."""
        ...

    def abort(self) -> None:
        """Cut the connection: the only honest end of a half-sent answer that has a length."""
        ...

    def regulate(self, valve: Valve | None) -> None:
        """Pause `valve` while the client reads too slowly; None takes it off."""
        ...
