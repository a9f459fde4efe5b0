"""Everything that looks beyond the ports of this machine, as one part that starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nexus.discovery import beacons
from nexus.discovery.hosts import HostScanner
from nexus.discovery.mdns import MdnsBrowser
from nexus.discovery.places import canonical
from nexus.discovery.probe import WELL_KNOWN
from nexus.discovery.scout import Scout
from nexus.domain.hosts import HostEntry, Trust, read_hosts

if TYPE_CHECKING:
    from nexus.config.settings import DiscoveryConfig


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator wants of discovery."""

    trust: Trust = Trust.ASK
    mdns: bool = True
    services: Sequence[str] = ()
    interfaces: Sequence[str] = ()
    """Addresses of the interfaces mDNS uses; none means all."""
    beacons: bool = True
    hosts: Sequence[HostEntry] = ()
    ports: Sequence[int] = WELL_KNOWN

    @property
    def any(self) -> bool:
        """Whether anything is to be done beyond this machine."""
        return self.trust is not Trust.OFF and bool(self.mdns or self.beacons or self.hosts)


def wishes(config: DiscoveryConfig) -> Wishes:
    """The `[discovery]` table as wishes."""
    return Wishes(
        trust=config.trust,
        mdns=config.mdns,
        services=config.service_types,
        interfaces=config.interfaces,
        beacons=config.beacons,
        hosts=read_hosts(config.hosts),
        ports=config.ports,
    )


class Network:
    """See the module.

    Args:
        scout: judges what is heard.
        wishes: what to listen to.
        own_url: where Nexus itself listens.
    """

    def __init__(self, scout: Scout, wishes: Wishes, own_url: str) -> None:
        self.scout = scout
        self._wishes = wishes
        self.browser: MdnsBrowser | None = None
        if wishes.mdns and wishes.services:
            self.browser = MdnsBrowser(
                scout, wishes.services, is_nexus_at(own_url), interfaces=wishes.interfaces
            )
        self.hosts = HostScanner(scout, wishes.hosts, wishes.ports)

    async def run(self) -> None:
        """Listen and look until cancelled."""
        if not self._wishes.any:
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(self.scout.run(), name="scout")
            if self.browser is not None:
                group.create_task(self.browser.run(), name="mdns")
            if self._wishes.beacons:
                for listener in (beacons.lemonade(self.scout), beacons.exo(self.scout)):
                    group.create_task(listener.run(), name="beacons")
            if self._wishes.hosts:
                group.create_task(self.hosts.run(), name="host scan")

    async def scan(self) -> None:
        """Look at everybody again now."""
        if self._wishes.any:
            self.hosts.wish()
            await self.scout.recheck()


def is_nexus_at(own_url: str) -> Callable[[str, int], bool]:
    """Whether an address and port are where this Nexus listens."""
    parts = urlsplit(own_url)
    port = parts.port
    host = canonical(parts.hostname or "")

    def check(address: str, its_port: int) -> bool:
        return its_port == port and canonical(address) == host

    return check
