"""Discovery, put together: ports of this machine, servers beyond it, and those that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from nexus.discovery.network import Network, wishes
from nexus.discovery.probe import Found, PortScanner, identify
from nexus.discovery.scout import Scout
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import BackendType
from nexus.domain.events import Event
from nexus.health.checker import HealthChecker
from nexus.registry.registry import Registry
from nexus.upstream.client import ProbeClient
from nexus.wiring.credentials import Credentials

if TYPE_CHECKING:
    from nexus.config.settings import DiscoveryConfig


class Finding:
    """See the module.

    Args:
        config: what is looked for.
        own_url: where Nexus itself listens.
        registry: gets what is found.
        client: asks servers.
        checker: looks at what was added.
        credentials: keys for servers that ask for one.
        publish: where looks and finds are told.
        unix: Unix seconds.
        wanted: look without being asked to.
    """

    def __init__(
        self,
        config: DiscoveryConfig,
        own_url: str,
        registry: Registry,
        client: ProbeClient,
        checker: HealthChecker,
        credentials: Credentials,
        publish: Callable[[Event], None],
        unix: Callable[[], float],
        *,
        wanted: bool,
    ) -> None:
        self.wanted = wanted
        self._client = client
        self._credentials = credentials
        self.waiting = WaitingRoom(publish, unix)
        self.scanner = PortScanner(
            registry,
            client,
            publish,
            own_url=own_url,
            added=checker.wake,
            ports=config.ports,
            grace_s=config.grace_period_seconds,
        )
        self.scout = Scout(
            registry,
            client,
            publish,
            self.waiting,
            checker,
            own_url=own_url,
            trust=config.trust,
            grace_s=config.grace_period_seconds,
        )
        self.network = Network(self.scout, wishes(config), own_url)

    async def scan(self) -> None:
        """Look at the ports of this machine now, and beyond it where that is wanted."""
        async with asyncio.TaskGroup() as looks:
            looks.create_task(self.scanner.scan(), name="port scan on a wish")
            if self.wanted:
                looks.create_task(self.network.scan(), name="network scan on a wish")

    async def recognise(self, url: str, key_env: str | None) -> tuple[BackendType, str] | None:
        """What runs at a URL, and how that is known; None when nothing known answers.

        Args:
            key_env: the variable that holds its key.
        """
        key = self._credentials.named(key_env or "")
        found = await identify(self._client, url, key=key)
        return (found.type, found.detail) if isinstance(found, Found) else None
