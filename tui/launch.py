"""Runs a dashboard on this terminal as a guest of the gateway's loop, and always gives it back.

Owns SIGTERM, SIGINT and SIGHUP from the moment it is called. The gateway survives the dashboard:
what its end means is the returned `Leave`.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from tui.lean import Driver  # before anything else of Textual

# isort: split

from nexus.domain.gateway import FleetSource
from nexus.telemetry.logs import get_logger
from tui import tour
from tui.app import NexusDashboard
from tui.leave import Leave

log = get_logger("nexus.tui")

SCREENSHOT_SIZE = (120, 36)
SCREENSHOT_AFTER_S = 4.0
"""Seconds of life before the picture is taken."""
RESTORE = (
    b"\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"
)
"""Everything Textual switches on, off: paste, mouse, keys, alternate screen, hidden cursor."""


def why_headless(environ: Mapping[str, str]) -> str:
    """Empty when this process has a terminal that can show a dashboard; else why not."""
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return "input or output is not a terminal"
    if environ.get("TERM", "") in ("", "dumb"):
        return "TERM says the terminal cannot move its cursor"
    return ""


async def supervise(
    source: FleetSource,
    *,
    stop: asyncio.Event,
    up: asyncio.Event | None = None,
    state: Path | None = None,
    clock: Callable[[], float] | None = None,
) -> Leave:
    """Show the dashboard until the operator, a signal or `stop` ends it.

    SIGTERM and SIGINT set `stop`; SIGHUP only takes the screen away. The handlers stay when this
    returns, so a gateway that goes on without a screen still ends by waiting for `stop`.

    Args:
        up: is set once the first frame stands, or when there will be none.
        state: folder that remembers whether the tour was given; None gives none.
        clock: Unix seconds of a gateway elsewhere; None is one of this process.
    """
    hangup, up = asyncio.Event(), up or asyncio.Event()
    _own_signals(stop, hangup)
    try:
        leave = await run_dashboard(
            source, stop=stop, hangup=hangup, up=up, state=state, clock=clock
        )
    finally:
        up.set()
    # Textual puts handlers of its own on some signals; ours must be the last ones.
    _own_signals(stop, hangup)
    if leave is Leave.STOP:
        stop.set()
    return Leave.STOP if stop.is_set() else leave


async def run_dashboard(
    source: FleetSource,
    *,
    screenshot: Path | None = None,
    stop: asyncio.Event | None = None,
    hangup: asyncio.Event | None = None,
    up: asyncio.Event | None = None,
    state: Path | None = None,
    clock: Callable[[], float] | None = None,
) -> Leave:
    """Run one dashboard on `source`; with `screenshot`, paint it into that SVG file and leave.

    Never raises for a fault of the dashboard: that is `Leave.CRASHED`, and is logged.
    """
    loop = asyncio.get_running_loop()
    factory = loop.get_task_factory()
    app = NexusDashboard(
        source,
        clock=clock or time.time,
        attached=clock is not None,
        no_color=bool(os.environ.get("NO_COLOR")),
        driver_class=None if screenshot else safe_driver(),
    )
    app.restore_loop = lambda: loop.set_task_factory(factory)
    leave: Leave | None = None
    async with terminal_kept(app), asyncio.TaskGroup() as group:
        companions = [
            group.create_task(leave_when(app, stop, Leave.STOP), name="dashboard-stop"),
            group.create_task(leave_when(app, hangup, Leave.TERMINAL_LOST), name="dashboard-hup"),
            group.create_task(_once_up(app, up, screenshot, state), name="dashboard-up"),
        ]
        try:
            if screenshot:
                leave = await app.run_async(headless=True, size=SCREENSHOT_SIZE)
            else:
                # Any-motion mouse reports are traffic: off over SSH.
                leave = await app.run_async(mouse="SSH_TTY" not in os.environ)
        except Exception as error:  # noqa: BLE001 - a guest's failure must not stop the host
            app.failure = error
        finally:
            for task in companions:
                task.cancel()
    if app.failure is not None:
        log.error("the dashboard failed; the gateway goes on without it", exc_info=app.failure)
        return Leave.CRASHED
    return leave or Leave.STOP


def safe_driver() -> type[Driver] | None:
    """Our driver where it works; None leaves the choice to Textual (Windows, web)."""
    if sys.platform == "win32" or os.environ.get("TEXTUAL_DRIVER"):
        return None
    from tui.driver import SafeDriver

    return SafeDriver


async def leave_when(app: NexusDashboard, event: asyncio.Event | None, leave: Leave) -> None:
    """End the dashboard when `event` is set."""
    if event is None:
        return
    await event.wait()
    await app.up.wait()
    app.exit(leave)


async def _once_up(
    app: NexusDashboard, up: asyncio.Event | None, screenshot: Path | None, state: Path | None
) -> None:
    """Tell of the first frame; settle the heap once everything stands, the gateway too.

    Full collections would pause the gateway.
    """
    await app.up.wait()
    if up is not None:
        up.set()
    if screenshot is None:
        await app.told.wait()
        gc.collect()
        gc.freeze()
        gc.enable()  # a start goes without
        if state is not None and tour.wanted(os.environ, state):
            app.tour()
        await app.warm()
        return
    await asyncio.sleep(SCREENSHOT_AFTER_S)
    app.save_screenshot(screenshot.name, str(screenshot.parent))
    app.exit(Leave.STOP)


def _own_signals(stop: asyncio.Event, hangup: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    wishes = {"SIGTERM": stop, "SIGINT": stop, "SIGHUP": hangup}
    for name, event in wishes.items():
        number = getattr(signal, name, None)
        if number is None:
            continue
        try:
            loop.add_signal_handler(number, event.set)
        except NotImplementedError:
            # Windows loops know no handlers: the plain one wakes the loop instead.
            signal.signal(number, _waking(loop, event))


def _waking(
    loop: asyncio.AbstractEventLoop, event: asyncio.Event
) -> Callable[[int, FrameType | None], None]:
    def handler(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(event.set)

    return handler


@contextlib.asynccontextmanager
async def terminal_kept(app: NexusDashboard) -> AsyncGenerator[None]:
    """Give the terminal back as it was, even when the dashboard could not."""
    names = ("SIGTSTP", "SIGCONT", "SIGWINCH")
    numbers = [signal.Signals[name] for name in names if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    modes = _modes()
    try:
        yield
    finally:
        app.restore_loop()
        for number, handler in handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        if not app.driver_left:
            _force_restore(modes)


def _modes() -> list[Any] | None:
    """Line settings of the terminal, if there is one."""
    if sys.platform == "win32" or sys.__stdin__ is None or not sys.__stdin__.isatty():
        return None
    import termios

    try:
        return termios.tcgetattr(sys.__stdin__.fileno())
    except termios.error:
        return None


def _force_restore(modes: list[Any] | None) -> None:
    """Undo what a driver that died half-way has left on."""
    if sys.platform == "win32" or modes is None or sys.__stdin__ is None:
        return
    import termios

    with contextlib.suppress(termios.error, OSError):
        termios.tcsetattr(sys.__stdin__.fileno(), termios.TCSANOW, modes)
        # Not through sys.stderr: Textual may still hold it.
        os.write(2, RESTORE)
