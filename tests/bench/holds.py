"""What holds an event loop: how late a timer is, and the longest single step.

A timer is late for all steps of one turn of the loop, and for other programs on the machine; the
steps' own time on the CPU is ours alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import events
from collections.abc import Generator
from dataclasses import dataclass, field

TICK_S = 0.001


@dataclass
class Holds:
    """Seconds, one for each tick and each step."""

    late: list[float] = field(default_factory=list[float])
    steps: list[float] = field(default_factory=list[float])

    async def watch(self) -> None:
        """Until cancelled."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self.late.append(max(0.0, now - last - TICK_S))
            last = now

    @contextlib.contextmanager
    def timed(self) -> Generator[None]:
        """Every step of asyncio's own loop is timed while the block runs (uvloop has no such)."""
        steps = self.steps
        plain = events.Handle._run  # pyright: ignore[reportPrivateUsage]

        def timed(self: events.Handle) -> None:
            began = time.thread_time()
            plain(self)
            steps.append(time.thread_time() - began)

        events.Handle._run = timed  # pyright: ignore[reportPrivateUsage]
        try:
            yield
        finally:
            events.Handle._run = plain  # pyright: ignore[reportPrivateUsage]


def worst_and_p99(found: list[float]) -> tuple[float, float]:
    """Milliseconds."""
    placed = sorted(found)
    return placed[-1] * 1000, placed[len(placed) * 99 // 100] * 1000
