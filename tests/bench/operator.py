"""What the operator's screen costs and how soon it answers: CPU, first paint, keys, a slow link."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Generator
from statistics import median

from tests.bench.processes import Running, free_port, load, nexus, started, upstream, users_environ
from tests.bench.tables import show
from tests.bench.terminal import COLUMNS, LINES

RATE = 200
LOOK_S = 6.0
"""Seconds over which CPU is counted."""
KEYS = 15
STARTS = 5


class Screen:
    """A terminal that a program reads and types on."""

    def __init__(self, master: int) -> None:
        self._master = master
        self._seen = bytearray()
        self._news = threading.Condition()
        self.bytes = 0
        """Ever drawn."""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux says EIO at the end
            while data := os.read(self._master, 65536):
                with self._news:
                    self.bytes += len(data)
                    self._seen += data
                    del self._seen[:-200_000]
                    self._news.notify_all()

    def press(self, key: bytes) -> None:
        """Type, and forget what was drawn before."""
        with self._news:
            self._seen.clear()
        os.write(self._master, key)

    def until(self, text: bytes, timeout_s: float = 20.0) -> float:
        """Seconds until that is drawn, from now."""
        began = time.perf_counter()
        with self._news:
            if not self._news.wait_for(lambda: text in self._seen, timeout_s):
                raise RuntimeError(f"{text!r} was not drawn")
        return time.perf_counter() - began

    def join(self) -> None:
        self._reader.join(5)


@contextlib.contextmanager
def screen() -> Generator[tuple[int, Screen]]:
    """A terminal for a process, and a hand on it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    seen = Screen(master)
    try:
        yield slave, seen
    finally:
        os.close(slave)
        seen.join()
        os.close(master)


def _share(server: Running, seconds: float) -> float:
    """Percent of a core, over some seconds from now."""
    before, began = server.cpu_s(), time.perf_counter()
    time.sleep(seconds)
    return 100 * (server.cpu_s() - before) / (time.perf_counter() - began)


def _under_load(server: Running) -> float:
    with load(server.port, "open", rate=RATE, connections=16, warm=1, seconds=LOOK_S + 1) as told:
        next(told)  # it has warmed up
        share = _share(server, LOOK_S)
        list(told)
    return share


def _keys(server: Running, seen: Screen) -> list[float]:
    """Milliseconds from a key to the page it goes to, under load."""
    found: list[float] = []
    flags = {"rate": RATE, "connections": 16, "warm": 0.5, "seconds": KEYS * 0.35 + 1}
    with load(server.port, "open", **flags) as told:
        next(told)
        for number in range(KEYS):
            page = (3, 4, 1)[number % 3]
            seen.press(str(page).encode())
            found.append(1000 * seen.until(b"[%d " % page))
            time.sleep(0.25)
        list(told)
    return found


def _first_paint(bytecode: str = "") -> float:
    """Milliseconds from the start of the process to the first frame.

    Args:
        bytecode: folder in which Python keeps it, instead of beside the sources.
    """
    with screen() as (slave, seen), tempfile.TemporaryDirectory() as folder:
        env = users_environ()
        env |= {"TERM": "xterm-256color", "XDG_STATE_HOME": folder, "NEXUS_TOUR": "0"}
        env |= {"PYTHONPYCACHEPREFIX": bytecode} if bytecode else {}
        command = [sys.executable, "-m", "nexus", "--no-discovery", "--port", str(free_port())]
        began = time.perf_counter()
        with started(command, measured=True, env=env, terminal=slave):
            seen.until(b"NEXUS")
            return 1000 * (time.perf_counter() - began)


def main() -> None:
    rows: list[tuple[str, str, str]] = []
    with (
        upstream() as backends,
        nexus(backends.ports) as headless,
        screen() as (slave, seen),
        nexus(backends.ports, terminal=slave) as shown,
    ):
        seen.until(b"NEXUS")
        time.sleep(2)
        rest = (_share(headless, LOOK_S), _share(shown, LOOK_S))
        busy = (_under_load(headless), _under_load(shown))
        keys = _keys(shown, seen)
        rows += [
            ("at rest, dashboard - headless", f"{rest[1] - rest[0]:.1f} % of a core", "< 10"),
            (
                f"{RATE} requests/s, dashboard - headless",
                f"{busy[1]:.1f} - {busy[0]:.1f} = {busy[1] - busy[0]:.1f} % of a core",
                "< 25",
            ),
            (
                f"a key under {RATE} requests/s",
                f"{median(keys):.0f} ms, worst of {KEYS} {max(keys):.0f} ms",
                "< 100",
            ),
        ]
    _first_paint()
    starts = [_first_paint() for _ in range(STARTS)]
    with tempfile.TemporaryDirectory() as bytecode:
        first = _first_paint(bytecode)
    rows += [
        ("start to first paint", f"{median(starts):.0f} ms, worst {max(starts):.0f} ms", "< 700"),
        ("the same with nothing compiled, Python's own library neither", f"{first:.0f} ms", ""),
    ]
    show(f"The operator's screen at {COLUMNS}x{LINES}, 20 backends", rows)


if __name__ == "__main__":
    main()
