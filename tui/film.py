"""The last fifteen minutes of the fleet, a frame every few seconds: to stop, and look back.

A frame is a reference to a state that was shown anyway: states are immutable and share what did
not change, so a quiet fleet costs almost nothing. Pure but for what it remembers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from typing import NamedTuple

from tui.state import DashboardState

STEP_S = 3
"""Seconds between two frames. With 20 busy backends a frame holds about 20 kB of its own."""
KEPT_S = 900
"""Seconds that are remembered."""


class Still(NamedTuple):
    """One frame."""

    at: float
    """Unix seconds."""
    state: DashboardState


class Film:
    """Frames, oldest first, and where it is stopped."""

    def __init__(self) -> None:
        self._frames: deque[Still] = deque(maxlen=KEPT_S // STEP_S)
        self._held: Still | None = None

    def record(self, now: float, state: DashboardState) -> None:
        """Remember a moment, when the last one is old enough. Goes on while it is stopped."""
        if not self._frames or now - self._frames[-1].at >= STEP_S:
            self._frames.append(Still(now, state))

    @property
    def held(self) -> Still | None:
        """The frame it is stopped at; None while it runs."""
        return self._held

    def stop(self, now: float, state: DashboardState) -> None:
        """Hold this moment."""
        self._held = Still(now, state)

    def run(self) -> None:
        """Show what is, again."""
        self._held = None

    def step(self, frames: int) -> bool:
        """Go back (negative) or forward; False at an end, and then it stands there."""
        if self._held is None or not self._frames:
            return False
        times = [still.at for still in self._frames]
        at = bisect_right(times, self._held.at) - 1
        if frames > 0 or times[max(at, 0)] == self._held.at:
            at += frames
        else:  # between two frames: the one before is a step already
            at += frames + 1
        to = max(0, min(at, len(times) - 1))
        self._held = self._frames[to]
        return to == at
