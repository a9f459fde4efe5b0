"""uvicorn as a guest in our loop: it owns neither signals nor logging nor the process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from nexus.server.lean import uvicorn
from nexus.server.protocol import Fast, NexusProtocol

SWEEP_S = 1.0
"""How often deadlines are looked at."""

KEEP_ALIVE_S = 65
"""Seconds an idle client connection stays open. SDK pools keep theirs for 5 s (httpx) to 60 s; the
server should be the one that waits longer, or requests race with the close."""


class GuestServer(uvicorn.Server):
    """Serves an ASGI app and the fast path on a socket that is bound already."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        """Set once connections are accepted."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second. There is no date header to keep, so only the end is looked for."""
        return self.should_exit

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals belong to whoever owns the terminal."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the connections; answers that have not come by then do not come."""
        await super().shutdown(sockets)
        connections: list[object] = list(self.server_state.connections)
        for connection in connections:  # their requests are not among uvicorn's tasks
            if isinstance(connection, NexusProtocol):
                connection.give_up()

    async def sweep(self) -> None:
        """Look at the deadlines of half-read requests and idle connections until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_S)
            connections: list[object] = list(self.server_state.connections)
            for connection in connections:
                if isinstance(connection, NexusProtocol):
                    connection.sweep(now())
                    connection.expire(now())


def guest(app: Callable[..., Any], fast: Fast) -> GuestServer:
    """A server that is not started yet."""
    config = uvicorn.Config(
        app,
        http=partial(NexusProtocol, fast=fast),  # type: ignore[arg-type]  # called, never subclassed
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,  # the runtime has drained before it asks uvicorn to stop
    )
    return GuestServer(config)
