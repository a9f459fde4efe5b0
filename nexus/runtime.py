"""The composition root: the one place that makes long-lived objects, and their only task group.

Start: registry and its backends, the data path, then the server on a socket bound by the caller.
Stop, in reverse: new requests are refused, running ones finish or are told, watchers are let go,
the server closes, everything else is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexus import __version__
from nexus.api.app import App
from nexus.api.asgi_door import AsgiDoor
from nexus.api.errors import unreadable
from nexus.api.hot import Hot
from nexus.backends.table import DIALECTS
from nexus.config.live import LiveText
from nexus.control import Control
from nexus.discovery.network import Network, wishes
from nexus.discovery.probe import Found, PortScanner, identify
from nexus.discovery.scout import Scout
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.access import Access
from nexus.domain.backend import BackendFace, BackendId, BackendType
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    Event,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRefused,
)
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import GatewayInfo
from nexus.domain.logline import LogValue
from nexus.domain.policy import Policy
from nexus.edits import RouteEdits
from nexus.explain.meter import Meter
from nexus.explain.rehearsal import rehearsal
from nexus.health.checker import HealthChecker
from nexus.health.whereabouts import outside
from nexus.keys import KeyEdits
from nexus.lifecycle.levers import Levers
from nexus.proxy.carrier import Carrier
from nexus.proxy.story import Story
from nexus.registry.record import LiveLoad
from nexus.registry.registry import Registry
from nexus.reload import Reloader
from nexus.server.bind import url_of
from nexus.server.guest import guest
from nexus.server.protocol import Fast
from nexus.store.store import Store
from nexus.telemetry import logs
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import Sink, get_logger
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.previews import Previews
from nexus.telemetry.records import Records
from nexus.telemetry.request_log import RequestLog
from nexus.telemetry.tracing import tracing
from nexus.telemetry.transitions import Transitions
from nexus.upstream.client import ProbeClient
from nexus.upstream.pool import Timeouts
from nexus.upstream.pools import Pools

if TYPE_CHECKING:
    from nexus.config.keeper import Keeper
    from nexus.config.load import Loaded
    from nexus.config.settings import NexusConfig

log = get_logger("nexus.runtime")

MB = 1_000_000
MOST_PROBED = 128
"""Addresses whose last look is remembered."""


@dataclass(slots=True)
class _InForce:
    """What is asked at every request; replaced whole when the configuration changes."""

    policy: Policy
    access: Access


@dataclass(slots=True)
class Gateway:
    """A running gateway, for whoever started it."""

    control: Control
    carrier: Carrier
    pools: Pools
    url: str
    hurry: asyncio.Event
    """Set by whoever does not want to wait for running requests when it stops."""


class Credentials:
    """Keys by backend, from the environment only. A key is never part of a value that is shown."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._missed: set[str] = set()

    def key(self, face: BackendFace) -> str | None:
        """The key, or None where the backend needs none or its variable is empty."""
        if face.api_key_env is None:
            return None
        key = self.named(face.api_key_env)
        if not key and face.name not in self._missed:
            self._missed.add(face.name)
            is_set = bool(self._environ.get(face.api_key_env, "").strip())
            log.warning(
                "backend %s: the environment variable %s %s, so it is asked without a key",
                face.name,
                face.api_key_env,
                "holds characters that no header may have" if is_set else "is not set",
            )
        return key or None

    def named(self, variable: str) -> str:
        """The key in a variable; empty where there is none that a header may have."""
        key = self._environ.get(variable, "").strip()
        return key if key.isascii() and key.isprintable() else ""

    def headers(self, face: BackendFace) -> Mapping[str, str]:
        """What opens the backend's door for relayed requests."""
        key = self.key(face)
        return DIALECTS[face.type].auth_headers(key) if key else {}


@contextlib.asynccontextmanager
async def running(
    loaded: Loaded,
    listener: socket.socket,
    environ: Mapping[str, str],
    sink: Sink,
    *,
    faces: Sequence[BackendFace] = (),
    demo: bool = False,
    reload: Callable[[Path], Loaded] | None = None,
    keeper: Keeper | None = None,
    history: Path | None = None,
) -> AsyncGenerator[Gateway]:
    """A gateway that serves for as long as the context is open.

    Args:
        loaded: the configuration.
        listener: bound and listening; closed at the end.
        environ: where keys are read from.
        sink: where lines about requests go.
        faces: backends beside those of the configuration.
        demo: the fleet is simulated, so nothing else is looked for.
        reload: reads a changed configuration file; None leaves it unwatched.
        keeper: keeps changes made at run time; None forgets them.
        history: the file that keeps requests over a restart; None forgets them.
    """
    config = loaded.config
    bus = Bus()
    credentials = Credentials(environ)
    pools = Pools(_timeouts(config), credentials.headers)

    probed: dict[str, PortProbed] = {}
    transitions = Transitions(time.time)
    records = Records(time.time)
    store = Store(
        history, days=config.history.days, most_bytes=config.history.max_mb * MB, unix=time.time
    )
    metrics = Metrics(sockets=pools.guard)

    def publish(event: Event) -> None:
        if isinstance(event, RequestFinished):
            store.put(records.ended(event))
            metrics.see_finished(event)
        elif isinstance(event, RequestRefused):
            store.put(records.ended(event))
            metrics.see_refused(event)
        elif isinstance(event, BackendChanged):
            transitions.see(event.backend)
        elif isinstance(event, BackendRemoved):
            transitions.forget(event.backend_id)
            pools.forget(event.backend_id)
        elif isinstance(event, PortProbed):
            probed.pop(event.url, None)
            if len(probed) >= MOST_PROBED:  # announcers choose names: the oldest goes
                del probed[next(iter(probed))]
            probed[event.url] = event
        bus.publish(event)

    def load_changed(backend_id: BackendId, load: LiveLoad) -> None:
        if bus.live:
            bus.publish_live(LoadChanged(backend_id, load.seen()))

    def routed(story: Story) -> None:
        if bus.live:
            bus.publish_live(story.routed(time.time()))

    registry = Registry(publish, time.time, load_changed)
    registry.set_overrides(config.overrides())
    client = ProbeClient()
    checker = HealthChecker(
        registry,
        client,
        credentials.key,
        interval_s=config.health_check.interval_seconds,
        timeout_s=config.health_check.timeout_seconds,
        failure_threshold=config.health_check.failure_threshold,
        recovery_threshold=config.health_check.recovery_threshold,
        enabled=config.health_check.enabled,
        outside=outside,
        answered=metrics.checked,
    )
    exporter = tracing(config, environ, registry.fleet, metrics.name)
    in_force = _InForce(config.policy(), config.control.access(environ, log.warning))
    url = url_of(listener)

    carrier = Carrier(
        registry,
        pools,
        lambda: in_force.policy,
        publish,
        routed,
        time.time,
        config.server.max_concurrent_requests,
        checker.witness,
        records.decided,
        exporter.traces.attempt if exporter else None,
    )
    scanner = PortScanner(
        registry,
        client,
        publish,
        own_url=url,
        added=checker.wake,
        ports=config.discovery.ports,
        grace_s=config.discovery.grace_period_seconds,
    )
    waiting = WaitingRoom(publish, time.time)
    scout = Scout(
        registry,
        client,
        publish,
        waiting,
        checker,
        own_url=url,
        trust=config.discovery.trust,
        grace_s=config.discovery.grace_period_seconds,
    )
    network = Network(scout, wishes(config.discovery), url)

    async def scan() -> None:
        async with asyncio.TaskGroup() as looks:
            looks.create_task(scanner.scan(), name="port scan on a wish")
            if config.discovery.enabled and not demo:
                looks.create_task(network.scan(), name="network scan on a wish")

    async def recognise(its_url: str, key_env: str | None) -> tuple[BackendType, str] | None:
        found = await identify(client, its_url, key=credentials.named(key_env or ""))
        return (found.type, found.detail) if isinstance(found, Found) else None

    logging = config.logging

    def use(new: NexusConfig) -> None:
        nonlocal logging
        if new.logging != logging:  # else what was set at run time stays
            logging = new.logging
            logs.apply(logging.level, logging.component_levels)
        in_force.policy = new.policy()
        access = new.control.access(environ, log.warning)
        in_force.access = in_force.access.followed_by(access)
        registry.set_overrides(new.overrides())

    again = reload or _plainly
    watched = keeper.path if keeper is not None else None

    def edited(lines: tuple[str, ...], mark: tuple[int, int]) -> None:
        if keeper is None or mark != keeper.wrote:  # else whoever did that is known already
            live.file_edited()
            control.file_edited(lines)

    reloader = Reloader(loaded, watched, again, registry, use, checker.wake, edited=edited)
    live = LiveText(again, lambda: reloader.config, reloader.apply, keeper, _text_of(loaded))

    info = GatewayInfo(url, __version__, time.time(), str(loaded.path or ""), demo)
    control = Control(
        info,
        registry,
        bus,
        lambda: in_force.policy,
        time.time,
        checks=checker,
        levers=Levers(registry, client, credentials.key, checker.check),
        scan=scan,
        recognise=recognise,
        probed=probed,
        waiting=waiting,
        admit=scout.approve,
        keep=live.keep,
        records=records,
        metrics=metrics,
        store=store,
        cancel=carrier.cancel,
        under_way=carrier.under_way,
        edits=RouteEdits(live),
        keys=KeyEdits(live, environ, time.time),
        ring=sink.ring,
    )
    body_limit = config.server.max_body_mb * MB

    def rehearsed(*decided: Any) -> bytes:
        fleet: Fleet = decided[2]
        return json.dumps(rehearsal(records.snapshot(*decided), fleet)).encode()

    previews = Previews() if config.logging.enable_content_logging else None
    if previews is not None:
        log.warning("the beginning of every prompt is logged (logging.enable_content_logging)")
    hot = Hot(
        carrier,
        publish,
        time.time,
        body_limit,
        rehearsed,
        previews.keep if previews else None,
        exporter.traces.begin if exporter else None,
    )
    server = guest(
        App(control, AsgiDoor(hot, body_limit), lambda: in_force.access),
        Fast(hot.answer, unreadable, body_limit),
    )
    meter = Meter(records.get, metrics)
    also = (meter.see, exporter.see) if exporter else (meter.see,)

    def more(request_id: str) -> dict[str, LogValue]:
        told = {
            "prompt_preview": previews.take(request_id) if previews else "",
            "trace_id": exporter.traces.trace_id(request_id) if exporter else "",
        }
        return {name: value for name, value in told.items() if value}

    request_log = RequestLog(bus, sink, also, more if previews or exporter else None)
    for face in (*config.faces(), *faces):
        registry.add(face)
    for backend_id in config.drained():
        registry.set_draining(backend_id, True)

    store.start()
    async with contextlib.AsyncExitStack() as last, asyncio.TaskGroup() as group:
        last.push_async_callback(asyncio.to_thread, store.close)
        serving = group.create_task(server.serve(sockets=[listener]), name="server")
        helpers = [
            group.create_task(server.sweep(), name="request deadlines"),
            group.create_task(pools.run(), name="backend deadlines"),
            group.create_task(checker.run(), name="health"),
            group.create_task(request_log.run(), name="request log"),
        ]
        if reload is not None and keeper is not None:
            helpers.append(group.create_task(reloader.run(), name="configuration"))
        if config.discovery.enabled and not demo:
            helpers.append(group.create_task(scanner.run(), name="port scan"))
            helpers.append(group.create_task(network.run(), name="network discovery"))
        await server.ready.wait()
        hurry = asyncio.Event()
        try:
            yield Gateway(control, carrier, pools, url, hurry)
        finally:
            await _drain(carrier, config.server.drain_timeout_seconds, hurry)
            bus.close()
            server.should_exit = True
            await asyncio.wait([serving])
            for task in helpers:
                task.cancel()
            pools.close()
            if exporter is not None:
                await asyncio.wait(helpers)  # the last events are told
                await exporter.close()


async def _drain(carrier: Carrier, patience_s: float, hurry: asyncio.Event) -> None:
    """Refuse what is new, let run what runs, and end what takes too long."""
    carrier.stopping = True
    if carrier.in_flight and not hurry.is_set():
        log.info(
            "stopping: waiting for %d requests, at most %g s; a second signal ends them",
            carrier.in_flight,
            patience_s,
        )
        async with asyncio.TaskGroup() as group:
            waits = [
                group.create_task(carrier.idle(), name="running requests"),
                group.create_task(hurry.wait(), name="a second signal"),
            ]
            await asyncio.wait(waits, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
    if carrier.in_flight:
        log.warning("stopping: %d requests did not finish and are told so", carrier.in_flight)
        carrier.stop()
        await asyncio.sleep(0.05)  # their last event leaves


def _plainly(path: Path) -> Loaded:
    """Read a configuration file without environment and flags."""
    from nexus.config.load import load  # late: pydantic

    return load(path, {}, {}, explicit=True)


def _text_of(loaded: Loaded) -> str:
    """The configuration file, for edits that are not to be written into it."""
    try:
        return loaded.path.read_text(encoding="utf-8-sig") if loaded.path else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _timeouts(config: NexusConfig) -> Timeouts:
    server = config.server
    return Timeouts(
        connect_s=server.connect_timeout_seconds,
        first_byte_s=server.first_byte_timeout_seconds,
        idle_s=server.idle_timeout_seconds,
        total_s=server.request_timeout_seconds,
    )
