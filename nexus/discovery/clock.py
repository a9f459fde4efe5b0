"""Time as discovery needs it, replaceable in tests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and waiting."""

    def monotonic(self) -> float: ...
    async def wait(self, event: asyncio.Event, seconds: float, /) -> None:
        """Until the event is set or the time is over."""
        ...


class WallClock:
    """The real one."""

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float, /) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
