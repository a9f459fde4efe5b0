"""Time as the checker needs it, so that a test can turn it by hand, and what ends its waits."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Bell:
    """What one task waits for: an `asyncio.Event` without its queue, 800 bytes less a backend."""

    __slots__ = ("_rung", "_waiter")

    def __init__(self) -> None:
        self._rung = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Ring: whoever waits goes on, and so does whoever comes to wait, until `clear`."""
        self._rung = True
        self.let_go()

    def clear(self) -> None:
        self._rung = False

    def let_go(self) -> None:
        """Whoever waits goes on without it."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def wait(self) -> asyncio.Future[None]:
        """Done when it rings."""
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        if self._rung:
            waiter.set_result(None)
        return waiter


class Clock(Protocol):
    """Monotonic seconds, and a wait that a word ends early."""

    def monotonic(self) -> float: ...

    async def wait(self, bell: Bell, seconds: float, /) -> None:
        """Return when `bell` rings or `seconds` have passed, whichever is first."""
        ...


class WallClock:
    """The running loop's time."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait(self, bell: Bell, seconds: float, /) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, bell.let_go)
        try:
            await bell.wait()
        finally:
            timer.cancel()
