"""The source of a dashboard that is shown before its gateway stands.

The first frame needs no gateway. What is wished meanwhile waits for it, as do updates.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from nexus.domain.access import Role
from nexus.domain.events import Update
from nexus.domain.gateway import FleetSource, GatewayInfo


class Opening:
    """Stands in for the gateway of this process until `opened` tells of it."""

    def __init__(self, info: GatewayInfo) -> None:
        self._info = info
        self._there = asyncio.Event()
        self._source: FleetSource | None = None

    @property
    def source(self) -> FleetSource:
        """This, with its type: every method of a source is found by `__getattr__`."""
        return cast("FleetSource", self)

    def opened(self, source: FleetSource) -> None:
        """The gateway stands."""
        self._source = source
        self._there.set()

    @property
    def info(self) -> GatewayInfo:
        """What is known of the gateway before it stands too."""
        return self._source.info if self._source else self._info

    @property
    def role(self) -> Role:
        """Of whoever sits at the terminal of the process."""
        return self._source.role if self._source else Role.ADMIN

    async def updates(self) -> AsyncIterator[Update]:
        """Those of the gateway, as soon as there are any."""
        async for update in (await self._gateway()).updates():
            yield update

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # what no source has
            raise AttributeError(name)

        async def wish(*args: object, **named: object) -> object:
            return await getattr(await self._gateway(), name)(*args, **named)

        return wish

    async def _gateway(self) -> FleetSource:
        await self._there.wait()
        assert self._source is not None
        return self._source
