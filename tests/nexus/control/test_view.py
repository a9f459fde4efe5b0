"""What a front end sees, without any transport."""

from __future__ import annotations

import asyncio

from nexus.domain.backend import (
    BackendId,
    BackendStatus,
)
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    FleetSeen,
    PortProbed,
    Update,
)
from nexus.telemetry.bus import INBOX
from tests.fakes.desk import A, Desk, next_of


async def test_a_watcher_gets_the_picture_then_the_changes() -> None:
    desk = Desk()
    updates = desk.control.view.updates()
    first = await next_of(updates)
    desk.registry.set_draining(A, True)
    second = await next_of(updates)
    desk.registry.remove(A)
    third = await next_of(updates)
    await updates.aclose()  # type: ignore[attr-defined]

    assert first == FleetSeen(first.fleet, first.loads)  # type: ignore[union-attr]
    assert isinstance(second, BackendChanged)
    assert isinstance(third, BackendRemoved)
    assert not desk.bus.live  # whoever leaves is forgotten


async def test_a_watcher_hears_of_ports_probed_before_it_came() -> None:
    desk = Desk()
    probe = PortProbed(1.0, "http://127.0.0.1:11434", None, "connection refused")
    desk.probed[probe.url] = probe
    updates = desk.control.view.updates()

    assert isinstance(await next_of(updates), FleetSeen)
    assert await next_of(updates) == probe
    await updates.aclose()  # type: ignore[attr-defined]


async def test_a_watcher_that_fell_behind_gets_a_new_picture_first() -> None:
    desk = Desk()
    updates = desk.control.view.updates()
    await next_of(updates)
    for turn in range(INBOX + 1):
        desk.registry.set_draining(A, turn % 2 == 0)
    after = await next_of(updates)
    await updates.aclose()  # type: ignore[attr-defined]

    assert isinstance(after, FleetSeen)
    assert after.fleet.backends[A].status is BackendStatus.DRAINING


async def test_watching_ends_when_the_bus_closes() -> None:
    desk = Desk()
    seen: list[Update] = []
    async with asyncio.timeout(5):
        async for update in desk.control.view.updates():
            seen.append(update)
            desk.bus.close()

    assert len(seen) == 1


async def test_a_backend_that_left_has_no_load() -> None:
    desk = Desk()

    assert desk.control.view.load(BackendId("gone")).pending == 0
    assert desk.control.view.uptime_s() == 61.0
