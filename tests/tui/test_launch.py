"""On a real pseudo-terminal: given back whatever happens, and the gateway's loop lives on."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus.domain.gateway import GatewayInfo
from tests.fakes.terminal import foreign
from tui.app import NexusDashboard
from tui.launch import leave_when, run_dashboard, why_headless
from tui.leave import Leave
from tui.sources.replay import ReplaySource
from tui.sources.story import Story

DEADLINE_S = 30.0
ROOT = Path(__file__).parents[2]
RESTORED = (b"\x1b[?1049l", b"\x1b[?25h", b"\x1b[?2004l", b"\x1b[?1000l")


class Terminal:
    """A child on a pseudo-terminal that we read, type on, resize and hang up."""

    def __init__(self, mode: str, **environ: str) -> None:
        self.fd, slave = pty.openpty()
        self.resize(120, 36)
        self.modes = termios.tcgetattr(slave)
        self.facts, facts = os.pipe()
        env = {**os.environ, "TERM": "xterm-256color", **environ}
        for size in ("COLUMNS", "LINES"):  # of the terminal of the tests
            env.pop(size, None)
        if "NO_COLOR" not in environ:
            env.pop("NO_COLOR", None)
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.dashboard_child", mode, str(facts)],
            stdin=slave, stdout=slave, stderr=slave, pass_fds=[facts], cwd=ROOT, env=env,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - this process has one thread
        )  # fmt: skip
        os.close(facts)
        self.slave = slave
        self.output = b""
        self.told: list[dict[str, Any]] = []
        self._rest = b""

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def pump(self) -> None:
        """Read what there is, or wait a moment."""
        watched = [fd for fd in (self.fd, self.facts) if fd >= 0]
        ready, _, _ = select.select(watched, [], [], 0.2)
        if self.fd in ready:
            with contextlib.suppress(OSError):
                self.output += os.read(self.fd, 65536)
        if self.facts in ready:
            *lines, self._rest = (self._rest + os.read(self.facts, 65536)).split(b"\n")
            self.told += [json.loads(line) for line in lines]

    def until(self, what: str) -> None:
        """Until the screen has been painted with that text."""
        self.wait(lambda: what.encode() in self.output, what)

    def fact(self, name: str) -> dict[str, Any]:
        """The first fact of that name, waited for."""
        self.wait(lambda: any(name in fact for fact in self.told), name)
        return next(fact for fact in self.told if name in fact)

    def beats(self, more: int) -> None:
        """Until the child's loop has turned that many times more."""
        last = max((fact.get("beat", 0) for fact in self.told), default=0)
        self.wait(lambda: any(fact.get("beat", 0) >= last + more for fact in self.told), "beats")

    def wait(self, done: Any, what: str) -> None:
        limit = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < limit, f"no {what}: {self.output[-2000:]!r} {self.told[-3:]}"
            self.pump()

    def end(self) -> int:
        """The child's exit status, with all it wrote read."""
        self.fact("stopped")
        code = self.child.wait(DEADLINE_S)
        for _ in range(3):
            self.pump()
        return code


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def terminal(mode: str, **environ: str) -> Iterator[Terminal]:
    term = Terminal(mode, **environ)
    try:
        yield term
    finally:
        if term.child.poll() is None:
            term.child.kill()
            term.child.wait()
        for fd in (term.fd, term.slave, term.facts):
            with contextlib.suppress(OSError):
                os.close(fd)


def test_a_signal_stops_in_order_and_gives_the_terminal_back() -> None:
    with terminal("busy") as term:
        term.until("Backends")
        term.child.send_signal(signal.SIGTERM)
        assert term.fact("leave") == {"leave": "stop", "stop": True}
        assert term.end() == 0
        tail = term.output[-400:]
        assert all(code in tail for code in RESTORED)
        assert termios.tcgetattr(term.slave) == term.modes


def test_quitting_asks_and_then_stops() -> None:
    with terminal("busy") as term:
        term.until("Routing")
        term.type("q")
        term.until("Stop Nexus?")
        term.type("\t\r")
        assert term.fact("leave") == {"leave": "stop", "stop": True}
        assert term.end() == 0


def test_a_crash_of_the_dashboard_leaves_the_gateway_running() -> None:
    with terminal("crash") as term:
        assert term.fact("leave") == {"leave": "crashed", "stop": False}
        term.beats(5)
        assert termios.tcgetattr(term.slave) == term.modes
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0
        assert all(code in term.output for code in RESTORED)


def test_a_terminal_that_hangs_up_leaves_the_gateway_running() -> None:
    with terminal("busy") as term:
        term.until("Backends")
        os.close(term.slave)
        os.close(term.fd)
        term.fd = -1
        assert term.fact("leave") == {"leave": "terminal lost", "stop": False}
        term.beats(5)
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0


def test_ctrl_z_does_not_stop_the_gateway() -> None:
    with terminal("busy") as term:
        term.until("Backends")
        term.type("\x1a")
        term.child.send_signal(signal.SIGTSTP)
        term.beats(10)
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0


def test_resizing_is_followed_down_to_one_sentence() -> None:
    with terminal("busy") as term:
        term.until("Backends")
        term.resize(50, 10)
        term.child.send_signal(signal.SIGWINCH)
        term.until("Nexus needs 60x14")
        term.resize(80, 24)
        term.child.send_signal(signal.SIGWINCH)
        term.until("M opens")
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0


WALK = {"1": "Backends", "\r": "Configuration", **{str(n): f"[{n} " for n in (3, 4, 5, 6, 7, 2)}}
"""Keys, and what they show."""
DIALOGS = {
    "1d": "Drain x", "e": "Edit x", "n": "Add a backend", "x": "Remove x", "a": "Use this server?",
    "?": "Help", "4\r": "Request", "w": "decided again", "y": "Copy", "7\r": "Log line",
    "6x": "Revoke the key", "5e": "Clients that ask for",
}  # fmt: skip
"""The same for what stands before a page; escape closes it."""


def test_no_foreign_escape_reaches_the_terminal() -> None:
    with terminal("hostile") as term:
        term.until("]0;owned")
        term.beats(10)  # keys find the table once it has the focus
        for key, shown in WALK.items():
            term.type(key)
            term.until(shown)
            term.beats(6)
        for keys, shown in DIALOGS.items():
            term.type(keys)
            term.until(shown)
            if shown != "Request":  # that word stands on every page: the story needs its moment
                term.type("\x1b")
            term.beats(15)
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0
        assert term.fact("leave") == {"leave": "stop", "stop": True}
        assert not foreign(term.output)


def test_no_color_means_no_colour_codes() -> None:
    with terminal("busy", NO_COLOR="1") as term:
        term.until("Routing")
        term.beats(10)
        term.child.send_signal(signal.SIGTERM)
        assert term.end() == 0
        codes = set(re.findall(rb"\x1b\[([\d;]*)m", term.output))
        used = {int(part) for code in codes for part in code.split(b";") if part}
        assert used <= {0, 1, 2, 3, 4, 7, 22, 23, 24, 27, 39, 49}, used


async def test_a_picture_can_be_taken_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.launch.SCREENSHOT_AFTER_S", 0.3)
    story = Story(1000.0)
    source = ReplaySource(GatewayInfo("http://h:1", "0", 0.0, ""), [story.opening()])
    picture = tmp_path / "nexus.svg"
    assert await run_dashboard(source, screenshot=picture) is Leave.STOP
    assert "gpu-01" in picture.read_text()


async def test_a_gateway_that_stops_takes_the_dashboard_with_it() -> None:
    stop = asyncio.Event()
    stop.set()
    source = ReplaySource(GatewayInfo("http://h:1", "0", 0.0, ""))
    app = NexusDashboard(source)
    factories: list[object] = []
    app.restore_loop = lambda: factories.append(asyncio.get_running_loop().get_task_factory())
    async with app.run_test() as pilot:
        await leave_when(app, stop, Leave.STOP)
        await pilot.pause()
    assert app.return_value is Leave.STOP
    assert len(factories) == 1


@pytest.mark.parametrize("term", ["", "dumb"])
def test_a_terminal_that_cannot_move_its_cursor_gets_no_dashboard(term: str) -> None:
    assert why_headless({"TERM": term})
