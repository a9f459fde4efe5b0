"""The real gateway for tests: in this loop, or as the process that users start."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

from nexus.config.keeper import Keeper
from nexus.config.load import Loaded, load
from nexus.domain.backend import BackendFace, BackendId, BackendType, Source, default_zone
from nexus.domain.events import BackendChanged, FleetSeen, RequestFinished
from nexus.runtime import Gateway, running
from nexus.server.bind import bind
from nexus.telemetry.logs import Sink


def face(
    name: str,
    url: str,
    type: BackendType = BackendType.GENERIC,
    priority: int = 50,
    **more: object,
) -> BackendFace:
    """A backend as a test would configure it."""
    base = BackendFace(
        id=BackendId(name),
        name=name,
        url=url,
        type=type,
        zone=default_zone(type),
        source=Source.STATIC,
        priority=priority,
    )
    return dataclasses.replace(base, **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def gateway(
    *faces: BackendFace,
    config: str = "",
    environ: Mapping[str, str] | None = None,
    tmp_path: Path | None = None,
    ready: bool = True,
    discovery: bool = False,
    sink: Sink | None = None,
    kept: bool = False,
) -> AsyncGenerator[Gateway]:
    """The whole gateway in this loop over these backends, on a free port of 127.0.0.1.

    Args:
        faces: registered at start.
        config: TOML; needs `tmp_path`.
        tmp_path: where the configuration and the history stand; None forgets requests.
        ready: wait until every backend has been checked once.
        discovery: look for servers as `config` says; else nobody does.
        sink: where lines about requests go; None keeps them in memory.
        kept: changes go into the configuration file, which is watched.
    """
    path = None
    if config:
        assert tmp_path is not None
        path = tmp_path / "nexus.toml"
        path.write_text(config)
    flags = {"discovery.enabled": discovery}
    loaded = load(path, {"NEXUS_CONFIG": ""}, flags, explicit=path is not None)
    listener = bind("127.0.0.1", 0)
    sink = sink or Sink(None, json=False)
    history = None if tmp_path is None else tmp_path / "history.db"
    environ = environ or {}
    keeper, reload = None, None
    if kept:
        assert path is not None
        keeper = Keeper(path, path)

        def reload(path: Path) -> Loaded:
            return load(path, environ, flags, explicit=True)

    async with running(
        loaded, listener, environ, sink, faces=faces, history=history, keeper=keeper, reload=reload
    ) as here:
        if ready:
            await checked(here)
        yield here


async def checked(here: Gateway) -> None:
    """Until every backend has been looked at once."""
    waiting = {b.id for b in here.control.view.fleet().backends.values() if b.checked_at is None}
    if not waiting:
        return
    async with asyncio.timeout(10):
        async for update in here.control.view.updates():
            match update:
                case FleetSeen(fleet=fleet):
                    waiting = {b.id for b in fleet.backends.values() if b.checked_at is None}
                case BackendChanged(backend=backend) if backend.checked_at is not None:
                    waiting.discard(backend.id)
                case _:
                    pass
            if not waiting:
                return


async def finished(here: Gateway, count: int = 1) -> list[RequestFinished]:
    """The next `count` requests to end. To be started before they are sent."""
    seen: list[RequestFinished] = []
    async with asyncio.timeout(10):
        async for update in here.control.view.updates():
            if isinstance(update, RequestFinished):
                seen.append(update)
                if len(seen) == count:
                    break
    return seen


@contextlib.asynccontextmanager
async def process(
    tmp_path: Path, config: str, *arguments: str
) -> AsyncGenerator[tuple[str, asyncio.subprocess.Process]]:
    """`nexus serve --no-tui` as its own process: the base URL and the process."""
    path = tmp_path / "nexus.toml"
    path.write_text(config)
    port = free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "nexus",
        "serve",
        "--no-tui",
        "--no-discovery",
        "--config",
        str(path),
        "--port",
        str(port),
        *arguments,
        env={key: value for key, value in os.environ.items() if not key.startswith("NEXUS_")}
        | {"XDG_STATE_HOME": str(tmp_path / "state")},
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        await _answers(port, child)
        yield url, child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await child.communicate()
            except TimeoutError:
                child.kill()
                await child.communicate()


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def _answers(port: int, child: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20):
        while True:
            if child.returncode is not None:
                assert child.stderr is not None
                raise RuntimeError((await child.stderr.read()).decode())
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
