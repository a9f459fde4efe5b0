"""Asks every server that somebody speaks of who it is, and decides what becomes of it.

Announcers (mDNS, beacons, host scans) say `sighted` and `lost`; nothing they say counts before the
server itself was recognised. Then it is

- a backend that is known already, by whatever name or address: left alone;
- on this machine, named by the operator, or trusted by configuration: registered;
- anything else: let wait for approval.

A registered server that leaves is unknown at once, keeps its id through the grace period, and is
checked at once when it is back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from nexus.discovery.admission import Admission, Book, Checks
from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.clock import Clock, WallClock
from nexus.discovery.identify import Asker, Stranger, identify
from nexus.discovery.places import Places
from nexus.discovery.sighting import FIRST_RETRY_S, Sighting
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
)
from nexus.domain.events import Event, PortProbed, ServerFound
from nexus.domain.hosts import Trust
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.discovery")

MOST_SIGHTINGS = 256
AT_ONCE = 8
"""Servers asked at the same time."""
REST_S = 1.0
"""Between two looks at one server, however often it is announced."""
LONGEST_RETRY_S = 60.0
KNOWN_S = 60.0
"""After this a second name of a known server is looked at again: the first may have gone."""


class Scout:
    """See the module.

    Args:
        registry: the truth.
        asker: the hands.
        publish: where `PortProbed` goes: what was looked at, and what came of it.
        waiting: who waits for approval.
        checks: told of servers that come, move and leave.
        own_url: where Nexus itself listens.
        trust: AUTO registers whatever is recognised, ASK what is here, was named or approved.
        grace_s: how long a registered server may be away.
        clock, now: monotonic time, and Unix seconds.
    """

    def __init__(
        self,
        registry: Book,
        asker: Asker,
        publish: Callable[[Event], None],
        waiting: WaitingRoom,
        checks: Checks,
        *,
        own_url: str,
        trust: Trust = Trust.ASK,
        grace_s: float = 60.0,
        places: Places | None = None,
        clock: Clock | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._asker = asker
        self._publish = publish
        self._waiting = waiting
        self._checks = checks
        self._own_url = own_url
        self._grace_s = grace_s
        self._places = places or Places()
        self._admission = Admission(registry, asker, waiting, checks, self._places, trust, now)
        self._clock: Clock = clock or WallClock()
        self._now = now
        self._sightings: dict[str, Sighting] = {}
        self._said: dict[str, tuple[BackendType | None, str]] = {}
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._deciding = asyncio.Lock()
        self._limit = asyncio.Semaphore(AT_ONCE)
        self._flooded = False

    # ---- what announcers say

    def sighted(self, candidate: Candidate) -> None:
        """Somebody says there is a server. Cheap; repeating it costs nothing."""
        known = self._sightings.get(candidate.key)
        now = self._clock.monotonic()
        if known is None:
            if len(self._sightings) >= MOST_SIGHTINGS:
                if not self._flooded:
                    self._flooded = True
                    log.warning("more than %d announced servers: ignored", MOST_SIGHTINGS)
                return
            self._sightings[candidate.key] = Sighting(candidate, now)
        elif known.candidate == candidate and known.lost_at is None:
            return
        else:
            known.candidate = candidate
            known.lost_at = None
            known.retry_s = FIRST_RETRY_S
            known.look_at = max(now, known.looked + REST_S)
        self._idle.clear()
        self._news.set()

    def ignored(self, what: Ignored) -> None:
        """Somebody says something that is not worth a look: say why, and forget the rest."""
        if what.key in self._sightings:
            self.lost(what.key, f"its announcement {what.why}")
        self._say(f"{what.name} ({what.key.partition(' ')[0]})", None, what.why)

    def lost(self, key: str, why: str) -> None:
        """The announcer said goodbye, or was not heard any more."""
        sighting = self._sightings.get(key)
        if sighting is None or sighting.lost_at is not None:
            return
        sighting.removed = False
        if sighting.waits is not None:
            self._waiting.leave(sighting.waits, why)
        known = self._admission.mine(sighting)
        if known is None:
            if sighting.ours is not None:
                self._admission.revoke(sighting)
            del self._sightings[key]
            self._look_again_at(sighting.waits)
        elif heir := self._heir(known.id):
            # Another announcer still speaks of the same server.
            heir.ours, heir.same_as = known.id, None
            heir.look_at = self._clock.monotonic()
            del self._sightings[key]
        else:
            sighting.lost_at = self._clock.monotonic()
            log.warning("a found server left: %s (%s)", known.name, why)
            self._registry.set_health(known.id, BackendStatus.UNKNOWN, reason=why)
            self._checks.reset(known.id)
        self._news.set()

    def approve(self, server: ServerFound) -> BackendFace | None:
        """Register a server that waits; None when its address is registered already."""
        return self._admission.approve(server, self._sightings.values())

    async def recheck(self, patience_s: float = 3.0) -> None:
        """Look at everybody again now; returns when that is done, or patience is over."""
        now = self._clock.monotonic()
        for sighting in self._sightings.values():
            sighting.removed = False
            sighting.look_at = max(now, sighting.looked + REST_S / 2)
        self._said.clear()
        if self._sightings:
            self._idle.clear()
            self._news.set()
            await self.settled(patience_s)

    async def settled(self, patience_s: float) -> None:
        """Until nobody is being looked at, or patience is over."""
        await self._clock.wait(self._idle, patience_s)

    # ---- the loop

    async def run(self) -> None:
        """Look at whoever is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                now = self._clock.monotonic()
                self._sweep(now)
                pauses = [3600.0]
                for sighting in self._sightings.values():
                    if sighting.lost_at is not None:
                        pauses.append(sighting.lost_at + self._grace_s - now)
                    elif not sighting.looking:
                        if sighting.look_at <= now:
                            sighting.looking = True
                            sighting.looked = now
                            name = f"look at {sighting.candidate.url}"
                            group.create_task(self._look(sighting), name=name)
                        else:
                            pauses.append(sighting.look_at - now)
                fresh = (s for s in self._sightings.values() if s.lost_at is None)
                if not any(s.looking or s.look_at <= now + REST_S for s in fresh):
                    self._idle.set()
                await self._clock.wait(self._news, max(0.01, min(pauses)))

    def _sweep(self, now: float) -> None:
        """Forget who stayed away."""
        for key, sighting in [*self._sightings.items()]:
            if sighting.lost_at is not None and now - sighting.lost_at >= self._grace_s:
                del self._sightings[key]
                known = self._admission.mine(sighting)
                if known is not None:
                    self._registry.remove(known.id)
                    log.info("a found server stayed away: %s", known.name)

    async def _look(self, sighting: Sighting) -> None:
        candidate = sighting.candidate
        pause = KNOWN_S
        try:
            async with self._limit:
                pause = await self._examine(sighting, candidate)
        except Exception:
            log.exception("looking at an announced server failed in Nexus")
        finally:
            sighting.looking = False
            now = self._clock.monotonic()
            changed = sighting.candidate != candidate
            sighting.look_at = sighting.looked + REST_S if changed else now + pause
            self._news.set()

    async def _examine(self, sighting: Sighting, candidate: Candidate) -> float:
        """One look; seconds until the next."""
        spots = await self._places.of(candidate.url)
        if not spots:
            self._say(candidate.url, None, "its name has no address", candidate)
            return self._later(sighting)
        if spots & await self._places.of(self._own_url):
            self._say(candidate.url, None, "this is Nexus itself", candidate)
            return KNOWN_S
        owner = await self._admission.owner(spots, sighting)
        if owner is not None and sighting.ours is None:
            return self._same(sighting, candidate, *owner)
        found = await identify(self._asker, candidate.url)
        if isinstance(found, Stranger):
            self._say(candidate.url, None, found.why, candidate)
            if sighting.waits is not None:
                self._waiting.leave(sighting.waits, "does not answer any more")
                sighting.waits = None
            return self._later(sighting) if found.again else LONGEST_RETRY_S
        sighting.retry_s = FIRST_RETRY_S
        async with self._deciding:  # so that two names of one server are not both new
            if self._sightings.get(candidate.key) is not sighting or sighting.lost_at is not None:
                return KNOWN_S  # it left meanwhile
            owner = await self._admission.owner(spots, sighting) or await self._admission.cluster(
                found, sighting
            )
            if owner is not None and sighting.ours is None:
                return self._same(sighting, candidate, *owner)
            type = await self._admission.take(sighting, candidate, found, spots)
            self._say(candidate.url, type, found.detail, candidate)
        return KNOWN_S * 5

    def _later(self, sighting: Sighting) -> float:
        pause = sighting.retry_s
        sighting.retry_s = min(pause * 2, LONGEST_RETRY_S)
        return pause

    def _same(self, sighting: Sighting, candidate: Candidate, id: BackendId, name: str) -> float:
        sighting.same_as = id
        if sighting.waits is not None:
            self._waiting.leave(sighting.waits, f"is {name} already")
            sighting.waits = None
        self._say(candidate.url, None, f"is {name} already", candidate)
        return KNOWN_S

    def _heir(self, id: BackendId) -> Sighting | None:
        return next(
            (s for s in self._sightings.values() if s.same_as == id and s.lost_at is None), None
        )

    def _look_again_at(self, id: BackendId | None) -> None:
        """Others that were the same server as one that has left may take its place."""
        for sighting in self._sightings.values():
            if id is not None and sighting.same_as == id:
                sighting.look_at = self._clock.monotonic()

    def _say(
        self, what: str, type: BackendType | None, detail: str, by: Candidate | None = None
    ) -> None:
        """Tell what came of a look, once."""
        news = (type, f"{detail} [{by.via}]" if by is not None else detail)
        if self._said.get(what) != news:
            if len(self._said) >= MOST_SIGHTINGS:
                self._said.clear()
            self._said[what] = news
            self._publish(PortProbed(self._now(), what, *news))
