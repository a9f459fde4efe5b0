"""Who is let in: a recognised server is known already, registered, or let wait for approval.

- Trust is in a host and an announcer, never in a name alone.
- An announced name never hides a known one.
- A server that moves keeps its id; one that turns up at another host needs a new yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlsplit

from nexus.discovery.candidate import Candidate
from nexus.discovery.cluster import nodes_of
from nexus.discovery.identify import Asker, Found, identify
from nexus.discovery.places import Place, Places
from nexus.discovery.sighting import Sighting
from nexus.discovery.waiting import WaitingRoom
from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    default_zone,
)
from nexus.domain.events import ServerFound
from nexus.domain.fleet import Fleet
from nexus.domain.hosts import Trust
from nexus.domain.urls import backend_id
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.discovery")


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


class Admission:
    """See the module.

    Args:
        registry: the truth.
        asker: the hands.
        waiting: who waits for approval.
        checks: told of servers that come, move and leave.
        places: where URLs lead.
        trust: AUTO registers whatever is recognised, ASK what is here, was named or approved.
        now: Unix seconds.
    """

    def __init__(
        self,
        registry: Book,
        asker: Asker,
        waiting: WaitingRoom,
        checks: Checks,
        places: Places,
        trust: Trust,
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._asker = asker
        self._waiting = waiting
        self._checks = checks
        self._places = places
        self._trust = trust
        self._now = now
        self._approved: set[tuple[str, str]] = set()
        """Announcers and hosts that the operator said yes to."""

    def approve(self, server: ServerFound, sightings: Iterable[Sighting]) -> BackendFace | None:
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
        for sighting in sightings:
            if sighting.waits == server.id or sighting.candidate.url == server.url:
                sighting.waits, sighting.ours, sighting.removed = None, server.id, False
                self._approved.add((sighting.candidate.key, _host(server.url)))
                break
        self._checks.wake(face.id)
        return face

    async def take(
        self,
        sighting: Sighting,
        candidate: Candidate,
        found: Found,
        spots: frozenset[Place],
    ) -> BackendType:
        """Decide about a server that is new, moved or back; its type."""
        sighting.same_as = None
        type = found.type
        if type is BackendType.GENERIC and candidate.type is not None:
            type = candidate.type
        here = all(spot.is_here for spot in spots)
        welcome = (
            here or candidate.trusted or self._trust is Trust.AUTO or self._is_approved(candidate)
        )
        known = self.mine(sighting)
        if sighting.ours is not None and known is None:
            self.revoke(sighting)
            sighting.removed = True
        if known is not None:
            await self._moved(sighting, known, candidate, type, found, welcome=welcome)
        elif sighting.removed:
            pass  # the operator's word
        elif welcome:
            self._register(sighting, candidate, type, found)
        else:
            self._let_wait(sighting, candidate, type, found)
        return type

    async def _moved(
        self,
        sighting: Sighting,
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
        self, sighting: Sighting, candidate: Candidate, type: BackendType, found: Found
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
        sighting: Sighting,
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
                    "%s at %s (%s) waits for approval (nexus backends approve %s): %s",
                    name,
                    candidate.url,
                    candidate.via,
                    id,
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

    def revoke(self, sighting: Sighting) -> None:
        """The operator took it out: an earlier yes does not count any more."""
        sighting.ours = None
        key = sighting.candidate.key
        self._approved = {one for one in self._approved if one[0] != key}

    def mine(self, sighting: Sighting) -> BackendFace | None:
        """The backend that a sighting became, while it is registered."""
        if sighting.ours is None:
            return None
        backend = self._registry.fleet().backends.get(sighting.ours)
        return backend.face if backend else None

    def _is_approved(self, candidate: Candidate) -> bool:
        return (candidate.key, _host(candidate.url)) in self._approved

    async def owner(
        self, spots: frozenset[Place], sighting: Sighting
    ) -> tuple[BackendId, str] | None:
        """Who is registered or waits at these places, other than this sighting itself."""
        for backend in self._registry.fleet().backends.values():
            if backend.id != sighting.ours and spots & await self._places.of(backend.face.url):
                return backend.id, backend.name
        for server in self._waiting.all():
            if server.id != sighting.waits and spots & await self._places.of(server.url):
                return server.id, server.name
        return None

    async def cluster(self, found: Found, sighting: Sighting) -> tuple[BackendId, str] | None:
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


def _same_host(one: str, other: str) -> bool:
    return _host(one) == _host(other)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
