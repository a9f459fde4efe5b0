"""What holds an event loop: how late a timer is, and how long one turn of the loop computes.

A turn runs everything that is ready, and whoever becomes ready meanwhile waits for its end: its
time on the CPU is what we hold the loop. A timer is late also for other programs on the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import base_events
from collections.abc import Generator
from dataclasses import dataclass, field

TICK_S = 0.001


@dataclass
class Holds:
    """Seconds, one for each tick and each turn."""

    late: list[float] = field(default_factory=list[float])
    turns: list[float] = field(default_factory=list[float])

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
        """Every turn of asyncio's own loop is timed while the block runs (uvloop has no such)."""
        turns = self.turns
        plain = base_events.BaseEventLoop._run_once  # type: ignore[attr-defined]

        def timed(self: base_events.BaseEventLoop) -> None:
            began = time.thread_time()
            plain(self)
            turns.append(time.thread_time() - began)

        base_events.BaseEventLoop._run_once = timed  # type: ignore[attr-defined]
        try:
            yield
        finally:
            base_events.BaseEventLoop._run_once = plain  # type: ignore[attr-defined]


def worst_and_p99(found: list[float]) -> tuple[float, float]:
    """Milliseconds."""
    placed = sorted(found)
    return placed[-1] * 1000, placed[len(placed) * 99 // 100] * 1000
