"""One look around without a gateway: everything that would be found, and why not the rest."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

from nexus.discovery.identify import Asker
from nexus.discovery.network import Network, Wishes
from nexus.discovery.probe import PortScanner
from nexus.discovery.scout import Scout
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import BackendFace, BackendId
from nexus.domain.events import Event, PortProbed, ServerFound
from nexus.domain.hosts import Trust
from nexus.registry.registry import Registry

HOSTS_S = 60.0
"""Longest patience with hosts and networks that were named."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a look around has seen."""

    looked_at: tuple[PortProbed, ...]
    found: tuple[BackendFace, ...]
    """Would be used at once."""
    waiting: tuple[ServerFound, ...]
    """Would wait for approval."""
    mdns_problem: str


class _NoChecks:
    def wake(self, backend_id: BackendId) -> None: ...
    def reset(self, backend_id: BackendId) -> None: ...


async def look_around(
    asker: Asker,
    wishes: Wishes,
    *,
    own_url: str,
    configured: Sequence[BackendFace] = (),
    patience_s: float = 3.0,
) -> Outlook:
    """Look at this machine's ports and everything wished for.

    Args:
        asker: the hands.
        wishes: where else to look.
        own_url: where Nexus listens, or would.
        configured: backends that are known already.
        patience_s: how long to listen to the network.
    """
    probes: dict[str, PortProbed] = {}

    def publish(event: Event) -> None:
        if isinstance(event, PortProbed):
            probes[event.url] = event

    registry = Registry(publish, time.time)
    for face in configured:
        registry.add(face)
    waiting = WaitingRoom(publish, time.time)
    trust = wishes.trust if wishes.trust is not Trust.OFF else Trust.ASK
    scout = Scout(registry, asker, publish, waiting, _NoChecks(), own_url=own_url, trust=trust)
    network = Network(scout, wishes, own_url)
    scanner = PortScanner(registry, asker, publish, own_url=own_url, ports=wishes.ports)
    await scanner.scan()
    if wishes.any:
        async with asyncio.TaskGroup() as group:
            running = group.create_task(network.run(), name="network discovery")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HOSTS_S):
                    await asyncio.sleep(patience_s)
                    await network.hosts.done.wait()
            await scout.settled(patience_s)
            running.cancel()
    known = {face.id for face in configured}
    return Outlook(
        tuple(probes.values()),
        tuple(b.face for b in registry.fleet().backends.values() if b.id not in known),
        waiting.all(),
        network.browser.problem if network.browser else "",
    )
