"""`nexus`, `nexus serve`, `nexus demo`: the gateway, and on a terminal its dashboard."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from nexus import __version__
from nexus.config.origin import flags_from
from nexus.domain.events import BackendChanged, FleetSeen
from nexus.domain.gateway import GatewayInfo
from nexus.errors import ConfigError
from nexus.telemetry import logs

if TYPE_CHECKING:
    from nexus.config.load import Loaded
    from nexus.runtime import Gateway

log = logs.get_logger("nexus.cli")

OPEN_FILES = 65_536
"""Open files asked for: 1,000 streams take 2,000."""

GC_OBJECTS = 5_000
"""New objects between two collections: one takes a fifth of a millisecond then. Each request leaves
a few behind (records, lines, counts), and none in a cycle: by Python's own numbers a thirtieth of
the gateway's work was looking through them."""

STOPPING = (signal.SIGINT, signal.SIGTERM)


def run_serve(args: argparse.Namespace) -> int:
    """Run until told to stop; the exit code."""
    # Nearly all that a start makes stays: to look through it for garbage took a twelfth of it.
    gc.disable()
    from nexus.config.load import load

    given = getattr(args, "config", None)
    with contextlib.ExitStack() as stack:
        path = Path(given) if given is not None else None
        place = None
        if args.demo:
            import tempfile  # late: nobody else needs it

            # A demo has a configuration to edit and a history to look at, and leaves none behind.
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nexus-demo-")))
            path = path or _demo_config(place)
        try:
            loaded = load(path, os.environ, flags_from(args), explicit=path is not None)
        except ConfigError as error:
            print(f"Error: {error.message}", file=sys.stderr)
            return 2
        return _started(args, loaded, place)


def _demo_config(place: Path) -> Path:
    """The routes of the demo, as a file that may be edited."""
    from nexus.simulator.demo import ROUTES

    path = place / "nexus.toml"
    path.write_text(ROUTES, encoding="utf-8")
    return path


def _started(args: argparse.Namespace, loaded: Loaded, place: Path | None) -> int:
    """Bind, and run in a loop."""
    from nexus.server.bind import bind, is_local

    _more_files()
    screen = not getattr(args, "no_tui", False) and _has_terminal()
    settings = loaded.config.logging
    levels = {name: str(level) for name, level in (settings.component_levels or {}).items()}
    sink = logs.configure(
        str(settings.level), str(settings.format), levels, stream=None if screen else sys.stderr
    )
    try:
        listener = bind(loaded.config.server.host, loaded.config.server.port)
    except ConfigError as error:
        there = (error.context or {}).get("nexus")
        if screen and place is None and isinstance(there, str) and _wants_that_one(there):
            return _attach(args, there)
        raise
    if not is_local(listener):
        log.warning(
            "other machines can reach this port, and clients need no key: whoever comes may ask "
            "every model (a proxy that authenticates closes it)"
        )
    return _run(_main(args, loaded, listener, sink, screen, place))


def _wants_that_one(url: str) -> bool:
    """Ask whether the Nexus that has the port is the one to be looked at."""
    try:
        answer = input(f"A Nexus runs at {url} already. Show its dashboard? [Y/n] ")
    except EOFError:
        return False
    return answer.strip().lower() in ("", "y", "yes")


def _attach(args: argparse.Namespace, url: str) -> int:
    """The dashboard of another Nexus in the place of an own one; the exit code."""
    from nexus.cli import attach

    args.gateway_url, args.read_only = url, False
    return attach.run(args)


def _more_files() -> None:
    """Let the process hold thousands of connections: each stream is two, and 1,024 is usual."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _has_terminal() -> bool:
    """Whether a dashboard can be shown: a real terminal on both sides."""
    streams = (sys.stdin, sys.stdout, sys.stderr)  # the dashboard is drawn on stderr
    return all(s.isatty() for s in streams) and os.environ.get("TERM", "dumb") != "dumb"


def _run(main: Coroutine[Any, Any, int]) -> int:
    """Run on uvloop where there is one."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


async def _main(
    args: argparse.Namespace,
    loaded: Loaded,
    listener: socket.socket,
    sink: logs.Sink,
    screen: bool,
    place: Path | None,
) -> int:
    """Serve until told to stop.

    Args:
        place: of a demo's files.
    """
    gc.set_threshold(GC_OBJECTS, 20, 20)
    opening = _gateway(args, loaded, listener, sink, place)
    if screen:
        from nexus.server.bind import url_of

        path = str(loaded.path or "")
        info = GatewayInfo(url_of(listener), __version__, time.time(), path, args.demo)
        return await _on_screen(opening, info, sink)
    async with opening as gateway:
        _settle_heap()
        await _headless(gateway, asyncio.Event())
    return 0


@contextlib.asynccontextmanager
async def _gateway(
    args: argparse.Namespace,
    loaded: Loaded,
    listener: socket.socket,
    sink: logs.Sink,
    place: Path | None,
) -> AsyncGenerator[Gateway]:
    """A running gateway, with the fleet and the traffic of a demo where that is wanted."""
    from nexus.config.advice import without_effect
    from nexus.config.file import state_place
    from nexus.config.keeper import Keeper
    from nexus.config.load import load
    from nexus.runtime import running

    async with contextlib.AsyncExitStack() as stack:
        faces = ()
        history = loaded.config.history.place(os.environ)
        keeper = Keeper(loaded.path, state_place(os.environ))
        if place is not None:
            from nexus.simulator.demo import demo_fleet

            history = place / "history.db"
            # A demo with somebody's own configuration leaves that as it is.
            keeper = Keeper(loaded.path, place) if loaded.path == place / "nexus.toml" else None

            faces = await stack.enter_async_context(demo_fleet(real=not args.no_real))
        gateway = await stack.enter_async_context(
            running(
                loaded,
                listener,
                os.environ,
                sink,
                faces=faces,
                demo=args.demo,
                reload=lambda path: load(path, os.environ, flags_from(args), explicit=True),
                keeper=keeper,
                history=history,
            )
        )
        if args.demo and not args.no_traffic:
            await stack.enter_async_context(_traffic(gateway))
        for warning in without_effect(loaded):
            log.warning("%s", warning)
        yield gateway


def _settle_heap() -> None:
    """Collect again from now on, but not what stands: later collections need not look at it."""
    gc.collect()
    gc.freeze()
    gc.enable()


async def _on_screen(
    opening: contextlib.AbstractAsyncContextManager[Gateway], info: GatewayInfo, sink: logs.Sink
) -> int:
    """Serve with a dashboard, which stands first: its first frame needs no gateway.

    When the screen goes and the gateway is to stay, it serves on without one.
    """
    from nexus.config.file import state_place
    from nexus.domain.audit import Actor, acting
    from tui.launch import supervise
    from tui.leave import Leave
    from tui.sources.local import local
    from tui.sources.opening import Opening

    source, stop, up = Opening(info), asyncio.Event(), asyncio.Event()
    state = state_place(os.environ).parent

    async def show() -> Leave:
        with acting(Actor("dashboard")):
            return await supervise(source.source, stop=stop, up=up, state=state)

    failure: Exception | None = None
    async with asyncio.TaskGroup() as group:
        shown = group.create_task(show(), name="dashboard")
        try:
            await up.wait()
            await asyncio.to_thread(import_module, "nexus.runtime")  # keys are answered meanwhile
            async with opening as gateway:
                source.opened(local(gateway.control))
                await asyncio.wait([shown])
                if shown.result() is Leave.STOP:
                    _set_by_signals(gateway.hurry)
                else:
                    sink.to(sys.stderr)  # what was logged behind the dashboard is shown now
                    log.warning(
                        "the dashboard is gone (%s); Nexus serves on, and `nexus attach %s` shows "
                        "it again",
                        shown.result().value,
                        gateway.url,
                    )
                    _settle_heap()
                    await _headless(gateway, stop)
        except Exception as error:  # noqa: BLE001 - told once the terminal is given back
            failure = error
        finally:
            stop.set()
            await asyncio.wait([shown])
    if failure is not None:
        raise failure
    return 0


async def _headless(gateway: Gateway, stop: asyncio.Event) -> None:
    """Until a signal says to stop."""
    _set_by_signals(stop)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal does not stop a gateway
    info = gateway.control.view.info
    log.info(
        "nexus %s serves %s/v1 (%s)",
        info.version,
        info.url,
        f"configuration {info.config_path}" if info.config_path else "no configuration file",
    )
    await stop.wait()
    _set_by_signals(gateway.hurry)
    log.info("stopping")


def _set_by_signals(event: asyncio.Event) -> None:
    """What SIGINT and SIGTERM do from now on."""
    loop = asyncio.get_running_loop()
    for number in STOPPING:
        try:
            loop.add_signal_handler(number, event.set)
        except NotImplementedError:  # Windows
            signal.signal(number, _waking(loop, event))


def _waking(
    loop: asyncio.AbstractEventLoop, event: asyncio.Event
) -> Callable[[int, FrameType | None], None]:
    """A plain signal handler that sets the event in its loop."""

    def handler(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)

    return handler


@contextlib.asynccontextmanager
async def _traffic(gateway: Gateway) -> AsyncGenerator[None]:
    """Some requests by itself, so that a newcomer sees a living screen."""
    from nexus.simulator.traffic import trickle

    async def send() -> None:
        fleet = gateway.control.view.fleet()
        async for update in gateway.control.view.updates():
            if isinstance(update, BackendChanged | FleetSeen):
                fleet = gateway.control.view.fleet()
                if all(b.checked_at is not None for b in fleet.backends.values()):
                    break
        found = [(name, at[0].model) for name, at in sorted(fleet.by_model.items())]
        chat = [name for name, model in found if not model.embeddings]
        chat += [name for name in gateway.control.view.policy().aliases if name not in chat]
        embedding = [name for name, model in found if model.embeddings]
        await trickle(gateway.url, chat, embedding_models=embedding)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(send(), name="demo traffic")
        try:
            yield
        finally:
            task.cancel()
