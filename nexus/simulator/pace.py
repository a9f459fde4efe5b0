"""The clock of one generation. Waits add up to the model's speed, however busy the loop is."""

from __future__ import annotations

import asyncio
from random import Random


class Pace:
    """Waits count from where the last one should have ended, so lateness does not add up."""

    def __init__(self, random: Random, jitter: float, slow: float) -> None:
        self._random = random
        self._jitter = jitter
        self._slow = slow
        self.due = asyncio.get_running_loop().time()
        """Loop time at which the last wait should have ended, seconds."""

    async def wait(self, seconds: float) -> None:
        """Let `seconds` pass, give or take the jitter. Other tasks always get a turn."""
        if self._jitter:
            seconds *= 1 + self._jitter * (2 * self._random.random() - 1)
        now = asyncio.get_running_loop().time()
        self.due = max(self.due + seconds * self._slow, now - 1)
        await asyncio.sleep(max(0.0, self.due - now))
