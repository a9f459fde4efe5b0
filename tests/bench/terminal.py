"""A terminal of 120x36 that somebody looks at: what is drawn is read at once and thrown away."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import termios
import threading
from collections.abc import Generator

COLUMNS, LINES = 120, 36


@contextlib.contextmanager
def terminal() -> Generator[int]:
    """The file descriptor to give to a process as its stdin, stdout and stderr."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    reader = threading.Thread(target=_drain, args=(master,), daemon=True)
    reader.start()
    try:
        yield slave
    finally:
        os.close(slave)  # the reader meets the end once the process has gone too
        reader.join(5)
        os.close(master)


def _drain(master: int) -> None:
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while os.read(master, 65536):
            pass
