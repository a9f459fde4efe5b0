"""Updates as server-sent events, for attached dashboards: resumable, gathered, small.

```text
event: hello            data: wire version, facts of the gateway, role of the caller
id: 4f2a.1713           data: [["LoadChanged", {...}], ...]      the picture first, changes after it
: (nothing)             every `HEARTBEAT_S` of silence
event: bye              the gateway stops
```

After a break a client sends the last `id` it has read as `Last-Event-ID`: it gets what it missed
while that is still known, else the picture again. What happens within `GATHER_S` leaves together;
what happens after a silence leaves at once.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final

from nexus import wire
from nexus.api.backlog import Backlog
from nexus.api.deltas import batched, without_secrets
from nexus.domain.events import Update

GATHER_S: Final = 0.2
"""Seconds between two batches: an event is on a screen within 300 ms on a good link."""
HEARTBEAT_S: Final = 5.0
"""Seconds of silence after which a sign of life is sent."""
RETRY_MS: Final = 1000
"""What a browser's EventSource waits before it connects again."""


class Packer:
    """gzip that lets each piece be read when it arrives; or nothing at all."""

    def __init__(self, *, gzip: bool) -> None:
        self._pack = zlib.compressobj(6, zlib.DEFLATED, 31) if gzip else None

    def __call__(self, piece: bytes) -> bytes:
        if self._pack is None:
            return piece
        return self._pack.compress(piece) + self._pack.flush(zlib.Z_SYNC_FLUSH)

    def end(self) -> bytes:
        """What closes the whole."""
        return b"" if self._pack is None else self._pack.flush()


async def stream(
    backlog: Backlog,
    opening: Callable[[], list[Update]],
    hello: wire.Hello,
    last_id: str,
    packer: Packer,
    still: Callable[[], bool] = lambda: True,
) -> AsyncGenerator[bytes]:
    """Pieces of the answer, until the gateway stops or nobody reads any more.

    Args:
        opening: everything that is so now.
        last_id: the mark up to which the client has seen everything; may be anything.
        still: whether the client may still listen.
    """
    backlog.open()
    try:
        yield packer(b"retry: %d\nevent: hello\ndata: %b\n\n" % (RETRY_MS, wire.dump(hello)))
        mark = last_id
        while still():
            found = backlog.since(mark)
            if found is None and not backlog.closed:
                updates, mark = [without_secrets(each) for each in opening()], backlog.mark()
            elif found is not None:
                updates, mark = batched(found[0]), found[1]
            else:
                updates = []
            if updates:
                sent = b"id: %b\ndata: %b\n\n" % (mark.encode(), wire.encode_all(updates))
                yield packer(sent)
                await asyncio.sleep(GATHER_S)
            elif backlog.closed:
                yield packer(b"event: bye\ndata: {}\n\n") + packer.end()
                return
            else:
                await _news(backlog, mark)
                if backlog.mark() == mark and not backlog.closed:
                    yield packer(b":\n\n")
        if last := packer.end():
            yield last
    finally:
        backlog.close()


async def _news(backlog: Backlog, mark: str) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARTBEAT_S):
            await backlog.wait(mark)
