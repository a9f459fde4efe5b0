"""A program on a terminal as an eye sees it: the screen that its output draws, not the output."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable
from typing import Any

import pyte

from tests.fakes.terminal import Program


class Eye:
    """Follows a program's screen. Waits beside the loop, so that servers of the test answer."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._screen = pyte.Screen(120, 36)
        self._stream: Any = pyte.ByteStream(self._screen)
        self._fed = 0

    @property
    def lines(self) -> list[str]:
        """What stands there now."""
        news = self.program.output[self._fed :]
        self._fed += len(news)
        self._stream.feed(news)
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def cursor_in(self, label: str) -> bool:
        """Whether the field with that label shows a text cursor: one cell unlike its neighbours."""
        row = next((y for y, line in enumerate(self.lines) if label in line), None)
        if row is None:
            return False
        cells = [self._screen.buffer[row][x] for x in range(self._screen.columns)]
        looks = [(cell.bg, cell.reverse) for cell in cells]
        return any(looks[x] not in (looks[x - 1], looks[x + 1]) for x in range(1, len(looks) - 1))

    async def press(self, keys: str) -> None:
        await asyncio.to_thread(self.program.type, keys)

    async def sees(self, *words: str) -> str:
        """The screen once all of these stand there."""
        return await self.until(lambda text: all(word in text for word in words), words)

    async def until(self, true: Callable[[str], bool], what: object) -> str:
        try:
            await asyncio.to_thread(self.program.wait, lambda: true(self.text), str(what))
        except AssertionError:
            raise AssertionError(f"never {what}:\n{self.text}") from None
        return self.text

    def resize(self, columns: int, rows: int) -> None:
        """As a window manager does."""
        _ = self.lines
        self._screen.resize(rows, columns)
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self.program.fd, termios.TIOCSWINSZ, size)
        os.kill(self.program.child.pid, signal.SIGWINCH)
