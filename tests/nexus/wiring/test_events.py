"""What is told when something happens, and in which order."""

from __future__ import annotations

import asyncio

from nexus.domain.events import PortProbed
from nexus.registry.registry import Registry
from nexus.store.store import Store
from nexus.telemetry.bus import Bus
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records
from nexus.upstream.pool import Timeouts
from nexus.upstream.pools import Pools
from nexus.wiring.events import MOST_PROBED, Events
from tests.fakes.gateway import face


def events_over(bus: Bus) -> Events:
    pools = Pools(Timeouts(), lambda face: {})
    return Events(bus, Records(lambda: 1.0), Store(), Metrics(), pools, lambda: 1.0)


def probe(n: int, detail: str = "") -> PortProbed:
    return PortProbed(1.0, f"http://10.0.0.1:{n}", None, detail)


async def test_the_last_look_at_an_address_is_kept_and_the_oldest_goes() -> None:
    events = events_over(Bus())
    for n in range(MOST_PROBED):
        events.publish(probe(n))
    events.publish(probe(0, "again"))
    events.publish(probe(MOST_PROBED))
    kept = list(events.probed.values())

    assert len(kept) == MOST_PROBED
    assert kept[-2:] == [probe(0, "again"), probe(MOST_PROBED)]
    assert probe(1).url not in events.probed  # looked at longest ago


async def test_changes_of_load_are_told_only_while_somebody_watches() -> None:
    bus = Bus()
    events = events_over(bus)
    registry = Registry(events.publish, lambda: 1.0, events.load_changed)
    registry.add(face("a", "http://10.0.0.1"))
    lease = registry.lease(*registry.fleet().backends)
    assert lease is not None
    watcher = bus.reader()  # hears nothing of the lease that was taken before
    lease.finish()
    async with asyncio.timeout(5):
        await watcher.wait()
    seen, _ = watcher.take()

    assert [type(each).__name__ for each in seen] == ["LoadChanged"]
