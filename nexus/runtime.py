"""Starts and stops a gateway: the only task group of what lives long (made by `nexus.wiring`).

Start: registry and its backends, the data path, then the server on a socket bound by the caller.
Stop, in reverse: new requests are refused, running ones finish or are told, watchers are let go,
the server closes, everything else is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nexus.control.control import Control
from nexus.domain.backend import BackendFace
from nexus.proxy.carrier import Carrier
from nexus.server.bind import url_of
from nexus.telemetry.logs import Sink, get_logger
from nexus.upstream.pools import Pools
from nexus.wiring.parts import Parts, parts

if TYPE_CHECKING:
    from nexus.config.keeper import Keeper
    from nexus.config.load import Loaded

log = get_logger("nexus.runtime")


@dataclass(slots=True)
class Gateway:
    """A running gateway, for whoever started it."""

    control: Control
    carrier: Carrier
    pools: Pools
    url: str
    hurry: asyncio.Event
    """Set by whoever does not want to wait for running requests when it stops."""


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
    url = url_of(listener)
    made = parts(loaded, url, environ, sink, demo, reload, keeper, history)
    for face in (*config.faces(), *faces):
        made.registry.add(face)
    for backend_id in config.drained():
        made.registry.set_draining(backend_id, True)

    server = made.front.server
    made.store.start()
    async with contextlib.AsyncExitStack() as last, asyncio.TaskGroup() as group:
        last.push_async_callback(asyncio.to_thread, made.store.close)
        serving = group.create_task(server.serve(sockets=[listener]), name="server")
        helpers = _helpers(made, group, watch=reload is not None and keeper is not None)
        await server.ready.wait()
        hurry = asyncio.Event()
        try:
            yield Gateway(made.control, made.carrier, made.pools, url, hurry)
        finally:
            await _drain(made.carrier, config.server.drain_timeout_seconds, hurry)
            made.bus.close()
            server.should_exit = True
            await asyncio.wait([serving])
            for task in helpers:
                task.cancel()
            made.pools.close()
            if made.exporter is not None:
                await asyncio.wait(helpers)  # the last events are told
                await made.exporter.close()


def _helpers(made: Parts, group: asyncio.TaskGroup, *, watch: bool) -> list[asyncio.Task[None]]:
    """The tasks beside the server, which end when it has.

    Args:
        watch: follow the configuration file.
    """
    runs = [
        ("request deadlines", made.front.server.sweep),
        ("backend deadlines", made.pools.run),
        ("health", made.checker.run),
        ("request log", made.front.request_log.run),
    ]
    if watch:
        runs.append(("configuration", made.reloader.run))
    if made.finding.wanted:
        runs.append(("port scan", made.finding.scanner.run))
        runs.append(("network discovery", made.finding.network.run))
    return [group.create_task(run(), name=name) for name, run in runs]


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
