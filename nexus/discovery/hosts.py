"""Looking at hosts and networks that the operator named. Never at others.

Polite: a few connections at a time, each after a short random pause, in random order, and a whole
round at most every five minutes. A port that does not listen gets no further question.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Protocol

from nexus.discovery.candidate import Candidate
from nexus.discovery.clock import Clock, WallClock
from nexus.discovery.identify import listening
from nexus.discovery.probe import WELL_KNOWN, Connect
from nexus.domain.backend import Source
from nexus.domain.hosts import HostEntry, Spot

AT_ONCE = 16
ROUND_S = 300.0
JITTER_S = 0.05
"""Longest pause before one connection."""


class Ears(Protocol):
    """Who is told: `nexus.discovery.scout.Scout`."""

    def sighted(self, candidate: Candidate) -> None: ...
    def lost(self, key: str, why: str) -> None: ...


class HostScanner:
    """See the module.

    Args:
        ears: told of ports that listen, and of those that do not any more.
        entries: where to look; the configuration bounds them to 1024 addresses.
        ports: for entries without a port.
        connect, chance, clock: the machine, replaceable in tests.
    """

    def __init__(
        self,
        ears: Ears,
        entries: Sequence[HostEntry],
        ports: Sequence[int] = WELL_KNOWN,
        *,
        connect: Connect = listening,
        chance: Callable[[], float] = random.random,
        clock: Clock | None = None,
    ) -> None:
        self._ears = ears
        self._ports = tuple(dict.fromkeys(ports))
        self._entries = tuple(entries)
        self._connect = connect
        self._chance = chance
        self._clock: Clock = clock or WallClock()
        self._open: set[str] = set()
        self._wish = asyncio.Event()
        self.done = asyncio.Event()
        """Set once the first round is over."""
        if not entries:
            self.done.set()
        self.said: dict[str, str] = {}
        """For addresses that were named one by one: empty, or why nobody listens."""

    def wish(self) -> None:
        """Look around now, not at the end of the pause."""
        self._wish.set()

    async def run(self) -> None:
        """Round after round, until cancelled."""
        while self._entries:
            await self.look()
            self.done.set()
            await self._clock.wait(self._wish, ROUND_S * (0.9 + 0.2 * self._chance()))
            self._wish.clear()

    async def look(self) -> None:
        """One round."""
        spots = [
            (spot, port)
            for entry in self._entries
            for spot in entry.spots()
            for port in ((spot.port,) if spot.port else self._ports)
        ]
        spots.sort(key=lambda _: self._chance())
        queue = iter(dict.fromkeys(spots))

        async def worker() -> None:
            for spot, port in queue:
                await self._clock.wait(asyncio.Event(), JITTER_S * self._chance())
                await self._knock(spot, port)

        async with asyncio.TaskGroup() as group:
            for number in range(min(AT_ONCE, len(spots))):
                group.create_task(worker(), name=f"host scan {number}")

    async def _knock(self, spot: Spot, port: int) -> None:
        url = f"http://[{spot.host}]:{port}" if ":" in spot.host else f"http://{spot.host}:{port}"
        key = f"host {url}"
        refused = await self._connect(spot.host, port)
        if not spot.network:
            self.said[url] = refused
        if not refused:
            self._open.add(key)
            self._ears.sighted(_candidate(key, url, spot))
        elif key in self._open:
            self._open.discard(key)
            self._ears.lost(key, refused)


def _candidate(key: str, url: str, spot: Spot) -> Candidate:
    return Candidate(
        key,
        "",
        url,
        Source.PROBE,
        f"scan of {spot.network}" if spot.network else "named in discovery.hosts",
        trusted=not spot.network,
    )
