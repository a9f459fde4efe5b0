"""A dashboard on a headless terminal, with a clock moved by hand and a source that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Button

from nexus.domain.events import Update
from nexus.domain.gateway import GatewayInfo, Lately
from tui.app import NexusDashboard
from tui.leave import Leave
from tui.sources.replay import ReplaySource

START = 1_800_000_000.0


@dataclass
class Clock:
    """Unix seconds that move only when told."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """What a test holds: the app, its source, its clock and a hand on its keys."""

    app: NexusDashboard
    source: ReplaySource
    clock: Clock
    pilot: Pilot[Leave]

    async def tell(self, *updates: Update) -> None:
        """Let updates arrive and be shown."""
        self.source.push(*updates)
        await self.settle()

    async def settle(self) -> None:
        """Until everything told is folded and painted."""
        await self.pilot.pause()
        await self.pilot.pause()
        self.app.repaint()
        self.app.show_latest()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.settle()

    async def offered(self) -> None:
        """Until the dialog that is shown can be said yes to."""
        async with asyncio.timeout(10):
            while self.app.screen.query_one("#yes", Button).disabled:
                await asyncio.sleep(0.02)
                await self.settle()

    @property
    def lines(self) -> list[str]:
        """The text on the terminal, line by line."""
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def line_with(self, text: str) -> str:
        """The first line with that text."""
        return next(line for line in self.lines if text in line)


@asynccontextmanager
async def staged(
    *updates: Update,
    size: tuple[int, int] = (120, 36),
    now: float = START,
    no_color: bool = False,
    demo: bool = False,
    past: Lately | None = None,
    source: type[ReplaySource] = ReplaySource,
) -> AsyncIterator[Stage]:
    """A running dashboard that has shown `updates`."""
    clock = Clock(now)
    info = GatewayInfo("http://127.0.0.1:8000", "0.1.0", START - 753, "", demo)
    told = source(info, updates)
    if past is not None:
        told.recent = past
    app = NexusDashboard(told, clock=clock, utc_offset_s=0, no_color=no_color)
    async with app.run_test(size=size, notifications=True) as pilot:
        stage = Stage(app, told, clock, pilot)
        await stage.settle()
        yield stage
