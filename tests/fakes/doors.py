"""The data path behind either of its two doors, without health checks, configuration or discovery.

Both doors get the same carrier, so what a client sees may only differ where a door errs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn

from nexus.api.app import App
from nexus.api.asgi_door import AsgiDoor
from nexus.api.errors import unreadable
from nexus.api.hot import Hot
from nexus.control.control import Control
from nexus.domain.backend import BackendFace, BackendStatus, Model
from nexus.domain.events import RequestRefused
from nexus.domain.policy import Policy
from nexus.explain.account import account
from nexus.health.witness import Witness
from nexus.proxy.carrier import Carrier
from nexus.registry.registry import Registry
from nexus.server.bind import bind, url_of
from nexus.server.guest import GuestServer, guest
from nexus.server.protocol import Fast, NexusProtocol
from nexus.telemetry.bus import Bus
from nexus.telemetry.records import Records
from nexus.upstream.pool import Timeouts
from nexus.upstream.pools import Pools
from tests.fakes.desk import Checked, Scans, control_over
from tests.fakes.gateway import face

MODELS = (Model("m"),)


@dataclass
class Door:
    """A running door and what stands behind it."""

    url: str
    registry: Registry
    pools: Pools
    carrier: Carrier
    control: Control
    checks: Checked
    bus: Bus
    server: GuestServer
    scans: Scans

    def connections(self) -> list[NexusProtocol]:
        """Client connections of the protocol door."""
        return [c for c in self.server.server_state.connections if isinstance(c, NexusProtocol)]

    def at_rest(self) -> bool:
        """No request in flight, no backend busy."""
        loads = self.registry.loads().values()
        pools = [self.pools.pool(b.face) for b in self.registry.fleet().backends.values()]
        return (
            not self.carrier.in_flight
            and not any(load.pending for load in loads)
            and not any(pool.in_use for pool in pools)
        )


Opener = Callable[..., contextlib.AbstractAsyncContextManager[Door]]


@contextlib.asynccontextmanager
async def protocol_door(
    *urls: str, body_limit: int = 100_000, models: tuple[Model, ...] = MODELS
) -> AsyncGenerator[Door]:
    """Hot requests inside uvicorn's protocol class, as Nexus runs."""
    async with _door(urls, body_limit, models, fast=True) as door:
        yield door


@contextlib.asynccontextmanager
async def asgi_door(
    *urls: str, body_limit: int = 100_000, models: tuple[Model, ...] = MODELS
) -> AsyncGenerator[Door]:
    """Hot requests over ASGI, under a uvicorn that knows nothing of Nexus."""
    async with _door(urls, body_limit, models, fast=False) as door:
        yield door


@contextlib.asynccontextmanager
async def _door(
    urls: tuple[str, ...], body_limit: int, models: tuple[Model, ...], *, fast: bool
) -> AsyncGenerator[Door]:
    bus = Bus()
    registry = Registry(bus.publish, time.time)
    pools = Pools(Timeouts(), lambda face: {})
    policy = Policy()
    records = Records(time.time)
    carrier = Carrier(
        registry,
        pools,
        lambda: policy,
        bus.publish,
        lambda story: None,
        time.time,
        1000,
        Witness(registry),
        records.decided,
    )
    listener = bind("127.0.0.1", 0)
    url = url_of(listener)
    checks, scans = Checked(), Scans()

    def rehearsed(*decided: Any) -> bytes:
        return json.dumps(account(records.snapshot(*decided))).encode()

    control = control_over(
        registry, bus, url=url, policy=lambda: policy, checks=checks, scans=scans, records=records
    )
    hot = Hot(carrier, bus.publish, time.time, body_limit, rehearsed)
    app = App(control, AsgiDoor(hot, body_limit))
    server = guest(app, Fast(hot.answer, unreadable, body_limit)) if fast else _stock(app)
    for number, its_url in enumerate(urls):
        told = face(f"b{number}", its_url, priority=number)
        registry.add(told)
        registry.set_health(told.id, BackendStatus.HEALTHY, models=models)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=[listener]), name="server")
        await server.ready.wait()
        try:
            yield Door(url, registry, pools, carrier, control, checks, bus, server, scans)
        finally:
            bus.close()
            server.should_exit = True
            await asyncio.wait([serving])
            pools.close()


def _stock(app: App) -> GuestServer:
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    return GuestServer(config)


async def until(condition: Callable[[], object]) -> None:
    """Give the loop turns until `condition()` holds."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.002)


def refused(events: list[object]) -> list[RequestRefused]:
    """The refusals among events."""
    return [event for event in events if isinstance(event, RequestRefused)]


def only(door: Door) -> BackendFace:
    """The face of the one backend."""
    (backend,) = door.registry.fleet().backends.values()
    return backend.face
