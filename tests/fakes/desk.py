"""A `Control` over nothing but a registry: the one place that knows its arguments."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from nexus.control.control import Control
from nexus.control.ledger import Ledger
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import Backend, BackendId, BackendStatus, BackendType, Model
from nexus.domain.events import PortProbed, Update
from nexus.domain.gateway import GatewayInfo
from nexus.domain.policy import Policy
from nexus.registry.registry import Registry
from nexus.store.store import Store
from nexus.telemetry.bus import Bus
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records
from tests.fakes.gateway import face


@dataclass
class Checked:
    """Stands in for the health checker: remembers what it was asked to check."""

    ids: list[BackendId] = field(default_factory=list)

    async def check(self, backend_id: BackendId) -> None:
        self.ids.append(backend_id)


@dataclass
class Pulled:
    """Stands in for the levers: remembers what was moved."""

    registry: Registry
    loaded: list[tuple[BackendId, str]] = field(default_factory=list[tuple[BackendId, str]])
    unloaded: list[tuple[BackendId, str]] = field(default_factory=list[tuple[BackendId, str]])

    async def load(self, backend_id: BackendId, model_id: str) -> Backend:
        self.loaded.append((backend_id, model_id))
        return self.registry.fleet().backends[backend_id]

    async def unload(self, backend_id: BackendId, model_id: str) -> Backend:
        self.unloaded.append((backend_id, model_id))
        return self.registry.fleet().backends[backend_id]


@dataclass
class Scans:
    """Stands in for the scanner: counts."""

    count: int = 0

    async def __call__(self) -> None:
        self.count += 1


async def unknown(url: str, key_env: str | None) -> tuple[BackendType, str] | None:
    """Recognises nothing."""
    return None


async def forgetful(edit: Callable[[str], str]) -> str:
    """Writes nothing down."""
    return ""


def control_over(
    registry: Registry,
    bus: Bus,
    *,
    url: str = "http://here",
    policy: Callable[[], Policy] = Policy,
    unix: Callable[[], float] = time.time,
    checks: Checked | None = None,
    levers: Pulled | None = None,
    scans: Scans | None = None,
    recognise: Callable[[str, str | None], Awaitable[tuple[BackendType, str] | None]] = unknown,
    probed: Mapping[str, PortProbed] | None = None,
    records: Records | None = None,
    metrics: Metrics | None = None,
) -> Control:
    """A control that keeps nothing, finds nothing and admits nobody, but for what is given."""
    store = Store(unix=unix)
    return Control(
        GatewayInfo(url, "1.2.3", 1_700_000_000.0, ""),
        registry,
        bus,
        policy,
        unix,
        checks=checks or Checked(),
        levers=levers or Pulled(registry),
        scan=scans or Scans(),
        recognise=recognise,
        probed={} if probed is None else probed,
        waiting=WaitingRoom(bus.publish, time.time),
        admit=lambda server: None,
        keep=forgetful,
        records=records or Records(unix),
        metrics=metrics or Metrics(),
        store=store,
        ledger=Ledger(store, bus, unix),
    )


A = BackendId("a")


class Desk:
    """A control and what it acts on."""

    def __init__(self, recognised: tuple[BackendType, str] | None = None) -> None:
        self.bus = Bus()
        self.registry = Registry(self.bus.publish, lambda: 1.0)
        self.checks = Checked()
        self.levers = Pulled(self.registry)
        self.probed: dict[str, PortProbed] = {}
        self.scans = Scans()

        async def recognise(url: str, key_env: str | None) -> tuple[BackendType, str] | None:
            return recognised

        self.control = control_over(
            self.registry,
            self.bus,
            unix=lambda: 1_700_000_061.0,
            checks=self.checks,
            levers=self.levers,
            scans=self.scans,
            recognise=recognise,
            probed=self.probed,
        )
        self.registry.add(face("a", "http://10.0.0.1:8000"))
        self.registry.set_health(A, BackendStatus.HEALTHY, models=(Model("m"),))


async def next_of(updates: object) -> Update:
    async with asyncio.timeout(5):
        return await anext(updates)  # type: ignore[call-overload, no-any-return]
