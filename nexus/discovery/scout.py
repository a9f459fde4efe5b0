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
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import urlsplit

from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.clock import Clock, WallClock
from nexus.discovery.cluster import nodes_of
from nexus.discovery.identify import Asker, Found, Stranger, identify
from nexus.discovery.places import Place, Places
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    default_zone,
)
from nexus.domain.events import Event, PortProbed, ServerFound
from nexus.domain.fleet import Fleet
from nexus.domain.hosts import Trust
from nexus.domain.urls import backend_id
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.discovery")

MOST_SIGHTINGS = 256
AT_ONCE = 8
"""Servers asked at the same time."""
REST_S = 1.0
"""Between two looks at one server, however often it is announced."""
FIRST_RETRY_S = 2.0
LONGEST_RETRY_S = 60.0
KNOWN_S = 60.0
"""After this a second name of a known server is looked at again: the first may have gone."""


class Book(Protocol):
    """What the scout reads and writes of the registry."""

    def fleet(self) -> Fleet: ...
    def add(self, face: BackendFace) -> bool: ...
    def remove(self, backend_id: BackendId) -> bool: ...
    def set_face(self, face: BackendFace) -> bool: ...
    def set_health(
        self, backend_id: BackendId, status: BackendStatus, *, reason: str = ""
    ) -> None: ...


class Checks(Protocol):
    """What the scout asks of the health checker."""

    def wake(self, backend_id: BackendId) -> None: ...
    def reset(self, backend_id: BackendId) -> None: ...


@dataclass(slots=True)
class _Sighting:
    candidate: Candidate
    look_at: float
    """Monotonic time of the next look."""
    looked: float = float("-inf")
    looking: bool = False
    retry_s: float = FIRST_RETRY_S
    ours: BackendId | None = None
    """Registered by us under this id."""
    waits: BackendId | None = None
    same_as: BackendId | None = None
    """A backend, or one that waits, which is the same server."""
    lost_at: float | None = None
    removed: bool = False
    """The operator took it out: not again before it was away."""


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
        self._trust = trust
        self._grace_s = grace_s
        self._places = places or Places()
        self._clock: Clock = clock or WallClock()
        self._now = now
        self._sightings: dict[str, _Sighting] = {}
        self._approved: set[tuple[str, str]] = set()
        """Announcers and hosts that the operator said yes to."""
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
            self._sightings[candidate.key] = _Sighting(candidate, now)
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
        known = self._mine(sighting)
        if known is None:
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

    # ---- what the operator says

    def approve(self, server: ServerFound) -> BackendFace | None:
        """Register a server that waits; None when its address is registered already."""
        self._waiting.approve(server.id)
        face = BackendFace(
            id=server.id,
            name=server.name,
            url=server.url,
            type=server.type,
            zone=default_zone(server.type),
            source=server.source,
        )
        if not self._registry.add(face):
            return None
        for sighting in self._sightings.values():
            if sighting.waits == server.id or sighting.candidate.url == server.url:
                sighting.waits, sighting.ours, sighting.removed = None, server.id, False
                self._approved.add((sighting.candidate.key, _host(server.url)))
                break
        self._checks.wake(face.id)
        return face

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
                known = self._mine(sighting)
                if known is not None:
                    self._registry.remove(known.id)
                    log.info("a found server stayed away: %s", known.name)

    async def _look(self, sighting: _Sighting) -> None:
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

    async def _examine(self, sighting: _Sighting, candidate: Candidate) -> float:
        """One look; seconds until the next."""
        spots = await self._places.of(candidate.url)
        if not spots:
            self._say(candidate.url, None, "its name has no address", candidate)
            return self._later(sighting)
        if spots & await self._places.of(self._own_url):
            self._say(candidate.url, None, "this is Nexus itself", candidate)
            return KNOWN_S
        owner = await self._owner(spots, sighting)
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
            owner = await self._owner(spots, sighting) or await self._cluster(found, sighting)
            if owner is not None and sighting.ours is None:
                return self._same(sighting, candidate, *owner)
            await self._take(sighting, candidate, found, spots)
        return KNOWN_S * 5

    def _later(self, sighting: _Sighting) -> float:
        pause = sighting.retry_s
        sighting.retry_s = min(pause * 2, LONGEST_RETRY_S)
        return pause

    def _same(self, sighting: _Sighting, candidate: Candidate, id: BackendId, name: str) -> float:
        sighting.same_as = id
        if sighting.waits is not None:
            self._waiting.leave(sighting.waits, f"is {name} already")
            sighting.waits = None
        self._say(candidate.url, None, f"is {name} already", candidate)
        return KNOWN_S

    # ---- what becomes of a recognised server

    async def _take(
        self,
        sighting: _Sighting,
        candidate: Candidate,
        found: Found,
        spots: frozenset[Place],
    ) -> None:
        sighting.same_as = None
        type = found.type
        if type is BackendType.GENERIC and candidate.type is not None:
            type = candidate.type
        here = all(spot.is_here for spot in spots)
        welcome = (
            here or candidate.trusted or self._trust is Trust.AUTO or self._is_approved(candidate)
        )
        known = self._mine(sighting)
        if sighting.ours is not None and known is None:
            sighting.ours, sighting.removed = None, True
        self._say(candidate.url, type, found.detail, candidate)
        if known is not None:
            await self._moved(sighting, known, candidate, type, found, welcome=welcome)
        elif sighting.removed:
            return
        elif welcome:
            self._register(sighting, candidate, type, found)
        else:
            self._let_wait(sighting, candidate, type, found)

    async def _moved(
        self,
        sighting: _Sighting,
        known: BackendFace,
        candidate: Candidate,
        type: BackendType,
        found: Found,
        *,
        welcome: bool,
    ) -> None:
        """It is registered: back from being away, or at another address."""
        if known.url == candidate.url and known.type is type:
            self._checks.wake(known.id)
            return
        if not welcome and not _same_host(known.url, candidate.url):
            if isinstance(await identify(self._asker, known.url), Found):
                log.warning(
                    "%s is announced at %s but still answers at %s: left where it is",
                    known.name,
                    candidate.url,
                    known.url,
                )
                return
            # Whoever takes over a name does not inherit the trust in it.
            self._registry.remove(known.id)
            sighting.ours = None
            self._let_wait(sighting, candidate, type, found, f"; was at {known.url}")
            return
        log.info("a found server moved: %s is at %s", known.name, candidate.url)
        self._registry.set_face(replace(known, url=candidate.url, type=type))
        self._checks.reset(known.id)
        self._checks.wake(known.id)

    def _register(
        self, sighting: _Sighting, candidate: Candidate, type: BackendType, found: Found
    ) -> None:
        id, name = self._call(candidate, found)
        face = BackendFace(
            id=id,
            name=name,
            url=candidate.url,
            type=type,
            zone=default_zone(type),
            source=candidate.source,
        )
        if self._registry.add(face):
            sighting.ours = id
            log.info("found %s at %s (%s): %s", name, face.url, candidate.via, found.detail)
            self._checks.wake(id)

    def _let_wait(
        self,
        sighting: _Sighting,
        candidate: Candidate,
        type: BackendType,
        found: Found,
        more: str = "",
    ) -> None:
        if sighting.waits is not None:
            id, name = sighting.waits, ""
            name = next((s.name for s in self._waiting.all() if s.id == id), "")
            if not name:
                id, name = self._call(candidate, found)
        else:
            id, name = self._call(candidate, found)
        server = ServerFound(
            self._now(), id, name, candidate.url, type, found.detail + more,
            candidate.source, candidate.via,
        )  # fmt: skip
        if self._waiting.enter(server):
            if sighting.waits != id:
                log.info(
                    "%s at %s (%s) waits for approval: %s",
                    name,
                    candidate.url,
                    candidate.via,
                    found.detail,
                )
            sighting.waits = id

    def _call(self, candidate: Candidate, found: Found) -> tuple[BackendId, str]:
        """An id and a name that nobody has: an announced name never hides a known one."""
        where = candidate.url.partition("://")[2]
        taken = {b.name for b in self._registry.fleet().backends.values()}
        ids = set(self._registry.fleet().backends)
        for server in self._waiting.all():
            taken.add(server.name)
            ids.add(server.id)
        name = candidate.name or f"{found.type.value} {where}"
        if name in taken or backend_id(name) in ids:
            name = f"{name} ({where})"
        return backend_id(name), name

    # ---- who is who

    def _mine(self, sighting: _Sighting) -> BackendFace | None:
        if sighting.ours is None:
            return None
        backend = self._registry.fleet().backends.get(sighting.ours)
        return backend.face if backend else None

    def _is_approved(self, candidate: Candidate) -> bool:
        return (candidate.key, _host(candidate.url)) in self._approved

    def _heir(self, id: BackendId) -> _Sighting | None:
        return next(
            (s for s in self._sightings.values() if s.same_as == id and s.lost_at is None), None
        )

    def _look_again_at(self, id: BackendId | None) -> None:
        """Others that were the same server as one that has left may take its place."""
        for sighting in self._sightings.values():
            if id is not None and sighting.same_as == id:
                sighting.look_at = self._clock.monotonic()

    async def _owner(
        self, spots: frozenset[Place], sighting: _Sighting
    ) -> tuple[BackendId, str] | None:
        """Who is registered or waits at these places, other than this sighting itself."""
        for backend in self._registry.fleet().backends.values():
            if backend.id != sighting.ours and spots & await self._places.of(backend.face.url):
                return backend.id, backend.name
        for server in self._waiting.all():
            if server.id != sighting.waits and spots & await self._places.of(server.url):
                return server.id, server.name
        return None

    async def _cluster(self, found: Found, sighting: _Sighting) -> tuple[BackendId, str] | None:
        """Another node of the same cluster that is registered or waits."""
        nodes = await nodes_of(self._asker, found.url, found.type)
        if not nodes:
            return None
        others = [
            (b.id, b.name, b.face.url, b.face.type)
            for b in self._registry.fleet().backends.values()
            if b.id != sighting.ours
        ]
        others += [
            (s.id, s.name, s.url, s.type) for s in self._waiting.all() if s.id != sighting.waits
        ]
        for id, name, url, type in others:
            if nodes & await nodes_of(self._asker, url, type):
                return id, name
        return None

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


def _same_host(one: str, other: str) -> bool:
    return _host(one) == _host(other)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
