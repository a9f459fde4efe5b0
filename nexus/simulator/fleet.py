"""Simulated servers that start and stop together, in the current loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import TracebackType

from nexus.simulator.server import SimServer
from nexus.simulator.spec import SimSpec


class SimFleet:
    """`async with SimFleet(specs) as fleet:` serves on free loopback ports until the block ends."""

    def __init__(self, specs: Iterable[SimSpec]) -> None:
        self._specs = tuple(specs)
        self._tasks = asyncio.TaskGroup()
        self.servers: tuple[SimServer, ...] = ()

    def __getitem__(self, name: str) -> SimServer:
        """The server called `name`. Raises `KeyError`."""
        for server in self.servers:
            if server.name == name:
                return server
        raise KeyError(name)

    async def __aenter__(self) -> SimFleet:
        await self._tasks.__aenter__()
        self.servers = tuple(SimServer(spec, self._tasks) for spec in self._specs)
        for server in self.servers:
            await server.listen()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(server.refuse() for server in self.servers))
        # All tasks are over. The block's own error goes on as it is, not wrapped in a group.
        await self._tasks.__aexit__(None, None, None)
