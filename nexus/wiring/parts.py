"""The composition root: the one place that makes long-lived objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexus import __version__
from nexus.control.control import Control
from nexus.control.ledger import Ledger
from nexus.domain.gateway import GatewayInfo
from nexus.edits import RouteEdits
from nexus.health.checker import HealthChecker
from nexus.health.whereabouts import outside
from nexus.keys import KeyEdits
from nexus.lifecycle.levers import Levers
from nexus.proxy.carrier import Carrier
from nexus.registry.registry import Registry
from nexus.store.store import Store
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import Sink
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records
from nexus.telemetry.tracing import tracing
from nexus.upstream.client import ProbeClient
from nexus.upstream.pool import Timeouts
from nexus.upstream.pools import Pools
from nexus.wiring.credentials import Credentials
from nexus.wiring.events import Events
from nexus.wiring.finding import Finding
from nexus.wiring.front import Front, front
from nexus.wiring.in_force import InForce
from nexus.wiring.text import text

if TYPE_CHECKING:
    from nexus.config.keeper import Keeper
    from nexus.config.load import Loaded
    from nexus.config.settings import NexusConfig
    from nexus.reload import Reloader
    from nexus.telemetry.otel.exporter import Exporter

MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What starts and stops: nothing of it runs yet."""

    registry: Registry
    store: Store
    bus: Bus
    pools: Pools
    checker: HealthChecker
    carrier: Carrier
    finding: Finding
    control: Control
    front: Front
    reloader: Reloader
    exporter: Exporter | None


def parts(
    loaded: Loaded,
    url: str,
    environ: Mapping[str, str],
    sink: Sink,
    demo: bool,
    reload: Callable[[Path], Loaded] | None,
    keeper: Keeper | None,
    history: Path | None,
) -> Parts:
    """Makes them, from the bottom up.

    Args:
        loaded: the configuration.
        url: where Nexus listens.
        environ: where keys are read from.
        sink: where lines about requests go.
        demo: the fleet is simulated, so nothing else is looked for.
        reload: reads a changed configuration file; None reads it without environment and flags.
        keeper: keeps changes made at run time; None forgets them.
        history: the file that keeps requests over a restart; None forgets them.
    """
    config = loaded.config
    unix = time.time

    # What is remembered and counted, and what is told.
    bus = Bus()
    credentials = Credentials(environ)
    pools = Pools(_timeouts(config), credentials.headers)
    records = Records(unix)
    store = _store(config, history)
    metrics = Metrics(sockets=pools.guard)
    ledger = Ledger(store, bus, unix)
    events = Events(bus, records, store, metrics, pools, unix)

    # The truth, and who looks after it.
    registry = Registry(events.publish, unix, events.load_changed)
    registry.set_overrides(config.overrides())
    client = ProbeClient()
    checker = _checker(config, registry, client, credentials, metrics)
    exporter = tracing(config, environ, registry.fleet, metrics.name)
    in_force = InForce(config, environ, registry)
    carrier = Carrier(
        registry,
        pools,
        lambda: in_force.policy,
        events.publish,
        events.routed,
        unix,
        config.server.max_concurrent_requests,
        checker.witness,
        records.decided,
        exporter.traces.attempt if exporter else None,
    )
    finding = Finding(
        config.discovery,
        url,
        registry,
        client,
        checker,
        credentials,
        events.publish,
        unix,
        wanted=config.discovery.enabled and not demo,
    )

    # What people and clients meet.
    words = text(
        loaded,
        reload,
        keeper,
        registry,
        in_force,
        checker.wake,
        ledger.file_edited,
    )
    control = Control(
        GatewayInfo(url, __version__, unix(), str(loaded.path or ""), demo),
        registry,
        bus,
        lambda: in_force.policy,
        unix,
        checks=checker,
        levers=Levers(registry, client, credentials.key, checker.check),
        scan=finding.scan,
        recognise=finding.recognise,
        probed=events.probed,
        waiting=finding.waiting,
        admit=finding.scout.approve,
        keep=words.live.keep,
        records=records,
        metrics=metrics,
        store=store,
        ledger=ledger,
        cancel=carrier.cancel,
        under_way=carrier.under_way,
        edits=RouteEdits(words.live),
        keys=KeyEdits(words.live, environ, unix),
        ring=sink.ring,
    )
    doors = front(
        config,
        control,
        carrier,
        in_force,
        events.publish,
        unix,
        bus=bus,
        records=records,
        metrics=metrics,
        sink=sink,
        exporter=exporter,
    )
    return Parts(
        registry,
        store,
        bus,
        pools,
        checker,
        carrier,
        finding,
        control,
        doors,
        words.reloader,
        exporter,
    )


def _store(config: NexusConfig, history: Path | None) -> Store:
    kept = config.history
    return Store(history, days=kept.days, most_bytes=kept.max_mb * MB, unix=time.time)


def _checker(
    config: NexusConfig,
    registry: Registry,
    client: ProbeClient,
    credentials: Credentials,
    metrics: Metrics,
) -> HealthChecker:
    wanted = config.health_check
    return HealthChecker(
        registry,
        client,
        credentials.key,
        interval_s=wanted.interval_seconds,
        timeout_s=wanted.timeout_seconds,
        failure_threshold=wanted.failure_threshold,
        recovery_threshold=wanted.recovery_threshold,
        enabled=wanted.enabled,
        outside=outside,
        answered=metrics.checked,
    )


def _timeouts(config: NexusConfig) -> Timeouts:
    server = config.server
    return Timeouts(
        connect_s=server.connect_timeout_seconds,
        first_byte_s=server.first_byte_timeout_seconds,
        idle_s=server.idle_timeout_seconds,
        total_s=server.request_timeout_seconds,
    )
