"""A program on a pseudo-terminal that a test reads, types on and hangs up."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

DEADLINE_S = 40.0
ROOT = Path(__file__).parents[2]
ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")

OURS = re.compile(
    "\x1b(?:"
    r"\[[0-9;]*[HmJK]"  # where to write, in which colours
    r"|\[[?>=<][0-9;]*(?:\$p|[hlu])|\[[0-9;]*u"  # modes, and the way keys are told
    "|]22;[a-z]*\x07"  # the shape of the mouse pointer
    ")"
)
"""Every escape sequence that a dashboard writes."""
FOREIGN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069].{0,40}")
BLINDING = "\x1b[55m"
"""A sequence of the kind that is ours, which no dashboard writes: for names that attack."""


class Program:
    """`python -m nexus ARGUMENTS` on a terminal of 120x36."""

    def __init__(self, *arguments: str, home: Path, **environ: str) -> None:
        self._fd, slave = pty.openpty()
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        ours = ("NEXUS_", "COLUMNS", "LINES")  # what is set where the tests run
        env = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
        env |= {"TERM": "xterm-256color", "HOME": str(home), "XDG_STATE_HOME": str(home), **environ}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "nexus", *arguments],
            stdin=slave, stdout=slave, stderr=slave, cwd=ROOT, env=env,
            preexec_fn=_take_terminal,  # noqa: PLW1509 - this process has one thread
        )  # fmt: skip
        os.close(slave)
        self.output = b""

    @property
    def fd(self) -> int:
        """Of the terminal's other side."""
        return self._fd

    @property
    def text(self) -> str:
        """Everything that was ever written, without its escape sequences."""
        return ESCAPES.sub(b"", self.output).decode("utf-8", "replace")

    def type(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def forget(self) -> None:
        """Look only at what is written from now on."""
        self.output = b""

    def until(self, text: str) -> None:
        """Until that has been written."""
        self.wait(lambda: text in self.text, text)

    def wait(self, done: Callable[[], object], what: str) -> None:
        limit = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < limit, f"no {what}: {self.text[-3000:]!r}"
            self._read(0.2)

    def end(self) -> int:
        """The exit status, with all that was written read."""
        self.wait(lambda: self.child.poll() is not None, "end")
        while self._read(0.1):
            pass
        return self.child.returncode

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return False
        try:
            piece = os.read(self._fd, 65536)
        except OSError:  # Linux says EIO at the end
            return False
        self.output += piece
        return bool(piece)


def foreign(output: bytes) -> list[str]:
    """What commands a terminal and was not written by a dashboard, the first few."""
    text = output.decode("utf-8", "replace")
    found = [match[0] for match in FOREIGN.finditer(OURS.sub("", text))]
    return [*found[:5], *([BLINDING] if BLINDING in text else [])]


@contextlib.contextmanager
def on_terminal(*arguments: str, home: Path, **environ: str) -> Iterator[Program]:
    """A program that is ended whatever happens."""
    program = Program(*arguments, home=home, **environ)
    try:
        yield program
    finally:
        program.close()


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
