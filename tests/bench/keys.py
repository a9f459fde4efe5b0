"""How soon a key shows on the screen while requests run through the same process, kind by kind.

A key's answer is what its operator waits for: another page, the cursor on another row, a letter in
the filter, a dialog. What the terminal got is kept with its time and read afterwards, so that
reading does not take the load's CPU.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import termios
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from statistics import median, quantiles

import pyte

from tests.bench.processes import load, nexus, upstream
from tests.bench.tables import show
from tests.bench.terminal import COLUMNS, LINES

RATE = 200
REST_S = 0.3
"""From one key to the next: longer than any answer should take."""
LONGEST_S = 3.0
ROUNDS = 4

Sees = Callable[[list[str]], bool]


@dataclass
class Watched:
    """A terminal: what was drawn, when, and how it looks."""

    master: int
    drawn: list[tuple[float, bytes]] = field(default_factory=list[tuple[float, bytes]])
    screen: pyte.Screen = field(default_factory=lambda: pyte.Screen(COLUMNS, LINES))

    def __post_init__(self) -> None:
        self._stream = pyte.ByteStream(self.screen)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # Linux says EIO at the end
            while data := os.read(self.master, 65536):
                self.drawn.append((time.perf_counter(), data))

    @property
    def lines(self) -> list[str]:
        """As it looks after all that was drawn."""
        self._catch_up(lambda _: False)
        return list(self.screen.display)

    def _catch_up(self, sees: Sees) -> float | None:
        """When it first looked so, of what has not been read yet."""
        found: float | None = None
        drawn, self.drawn = self.drawn, []
        for at, data in drawn:
            self._stream.feed(data)
            if found is None and sees(list(self.screen.display)):
                found = at
        return found

    def press(self, key: bytes, sees: Sees) -> float:
        """Milliseconds from a key until the screen looks so.

        Raises:
            RuntimeError: it never did.
        """
        _ = self.lines
        pressed = time.perf_counter()
        os.write(self.master, key)
        while time.perf_counter() < pressed + LONGEST_S:
            time.sleep(REST_S)
            if (at := self._catch_up(sees)) is not None:
                return 1000 * (at - pressed)
        raise RuntimeError(f"{key!r} showed nothing:\n" + "\n".join(self.screen.display))

    def until(self, text: str) -> None:
        """Wait until it shows that."""
        end = time.perf_counter() + 20
        while not any(text in line for line in self.lines):
            if time.perf_counter() > end:
                raise RuntimeError(f"{text!r} was not drawn")
            time.sleep(0.05)


@contextlib.contextmanager
def watched() -> Generator[tuple[int, Watched]]:
    """A terminal for a process, and a hand on it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    try:
        yield slave, Watched(master)
    finally:
        os.close(slave)
        os.close(master)


def shows(text: str) -> Sees:
    return lambda lines: any(text in line for line in lines)


def gone(text: str) -> Sees:
    return lambda lines: not any(text in line for line in lines)


def _cursor(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.startswith("▌")]


def _page(number: int) -> tuple[bytes, Sees]:
    return str(number).encode(), lambda lines: f"[{number} " in lines[1]


def _everything(seen: Watched, found: dict[str, list[float]]) -> None:
    """One round of every kind of key."""
    first = "page, first visit" if "page, first visit" not in found else "page, again"
    for number in (2, 3, 4, 5, 6, 7, 1):
        kind = "page, again" if number == 1 else first
        found.setdefault(kind, []).append(seen.press(*_page(number)))
    for key in (b"\x1b[B", b"\x1b[B", b"\x1b[B", b"\x1b[A", b"\x1b[A"):
        was = _cursor(seen.lines)
        moved = seen.press(key, lambda lines, was=was: _cursor(lines) != was)
        found.setdefault("cursor", []).append(moved)
    opens = [seen.press(b"/", shows("filter: model"))]
    for typed in ("b", "b1", "b1x", "b1xy"):
        key = typed[-1].encode()
        letter = seen.press(key, lambda lines, typed=typed: lines[-1].strip().startswith(typed))
        found.setdefault("letter in the filter", []).append(letter)
    seen.press(b"\x1b", shows("q quit"))
    for key, text in ((b"d", "Drain b"), (b"?", "Keys"), (b"n", "Add"), (b"e", "Edit")):
        opens.append(seen.press(key, shows(text)))
        seen.press(b"\x1b", gone(text))
    found.setdefault("dialog or filter", []).extend(opens)


def main() -> None:
    found: dict[str, list[float]] = {}
    with (
        upstream() as backends,
        watched() as (slave, seen),
        nexus(backends.ports, terminal=slave) as shown,
    ):
        seen.until("b0")
        seconds = 60.0 * ROUNDS
        with load(shown.port, "open", rate=RATE, connections=16, warm=1, seconds=seconds) as told:
            next(told)
            for _ in range(ROUNDS):
                _everything(seen, found)
    every = [took for kind in found.values() for took in kind]
    rows = [
        (f"{kind} ({len(took)})", f"{median(took):.0f} / {p95(took):.0f} / {max(took):.0f} ms", "")
        for kind, took in found.items()
    ]
    said = f"{median(every):.0f} / {p95(every):.0f} / {max(every):.0f} ms"
    rows.append((f"all ({len(every)})", said, "p95 < 100"))
    show(f"Keys at {COLUMNS}x{LINES} under {RATE} requests/s: p50 / p95 / worst", rows)


def p95(took: list[float]) -> float:
    return quantiles(took, n=20, method="inclusive")[-1] if len(took) > 1 else took[0]


if __name__ == "__main__":
    main()
