"""Zero configuration: look at the well-known ports of this machine, and say what is there.

Discovered means: recognised by fingerprint (`nexus.backends.fingerprints`), never by port alone. A
port that is closed costs one refused connection; an open one costs a few GETs, once.

- Nexus itself, and any other Nexus, is never taken for a backend.
- What the configuration names already is left alone, whatever it calls the host.
- What an operator removes stays removed until it was away or a scan is asked for.
- A found server that stays away longer than the grace period is forgotten; within it, the health
  check brings it back under its old id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from nexus.discovery.identify import (
    Asker,
    Found,
    Stranger,
    identify,
    listening,
    local_port,
    port_of,
)
from nexus.discovery.places import Places, canonical
from nexus.domain.backend import BackendFace, BackendId, BackendType, Source, default_zone
from nexus.domain.events import Event, PortProbed
from nexus.domain.fleet import Fleet
from nexus.domain.urls import backend_id
from nexus.telemetry.logs import get_logger

_log = get_logger("nexus.discovery")

WELL_KNOWN = (11434, 1234, 8080, 8000, 52415)
"""Ollama, LM Studio, llama.cpp (and MLX-LM, LocalAI), vLLM, exo."""
SCAN_INTERVAL_S = 2.0
"""A server that starts is to be of use within 3 s; being refused costs nothing."""
STRANGER_INTERVAL_S = 60.0
"""An open port that is no LLM server is asked again after this."""
Connect = Callable[[str, int], Awaitable[str]]
"""Empty when something listens there, else why not."""


_NAMED = frozenset({Source.STATIC, Source.MANUAL})


class Book(Protocol):
    """What the scanner reads and writes of the registry."""

    def fleet(self) -> Fleet: ...
    def add(self, face: BackendFace) -> bool: ...
    def remove(self, backend_id: BackendId) -> bool: ...


class PortScanner:
    """Finds local servers, also those that start later, and keeps the registry's list of them.

    Args:
        registry: the truth.
        asker: the hands.
        publish: where `PortProbed` goes: every port at the first look and on a wish, afterwards
            only what has changed.
        own_url: where Nexus itself listens.
        added: told of every new backend (the health checker's `wake`).
        ports: on 127.0.0.1.
        grace_s: how long a found server may be away.
        places: where the URLs of other backends lead.
        connect, sleep, monotonic, now: the machine, replaceable in tests.
    """

    def __init__(
        self,
        registry: Book,
        asker: Asker,
        publish: Callable[[Event], None],
        *,
        own_url: str,
        added: Callable[[BackendId], None] = lambda backend_id: None,
        ports: Sequence[int] = WELL_KNOWN,
        host: str = "127.0.0.1",
        grace_s: float = 60.0,
        interval_s: float = SCAN_INTERVAL_S,
        connect: Connect | None = None,
        places: Places | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._registry = registry
        self._asker = asker
        self._publish = publish
        self._own = local_port(own_url)
        self._added = added
        self._ports = tuple(dict.fromkeys(ports))
        self._host = host
        self._grace_s = grace_s
        self._interval_s = interval_s
        self._connect = connect or listening
        self._places = places or Places()
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now
        self._said: dict[int, tuple[BackendType | None, str]] = {}
        self._away_since: dict[int, float] = {}
        self._asked_at: dict[int, float] = {}
        self._up: set[int] = set()
        """Ports that had a server of ours at the last look."""
        self._busy = asyncio.Lock()

    async def run(self) -> None:
        """Look around every few seconds, until cancelled."""
        while True:
            await self._look(loud=False)
            await self._sleep(self._interval_s)

    async def scan(self) -> None:
        """Look at every port now and say what is there, also where nothing has changed."""
        await self._look(loud=True)

    # ---- one round

    async def _look(self, *, loud: bool) -> None:
        async with self._busy, asyncio.TaskGroup() as group:
            for port in self._ports:
                group.create_task(self._port(port, loud), name=f"port {port}")

    async def _port(self, port: int, loud: bool) -> None:
        url = f"http://{self._host}:{port}"
        if self._own == port:
            self._say(port, url, None, "this is Nexus itself", loud)
            return
        known = await self._known(port)
        if known is not None and not self._is_ours(known, url):
            how = "configured" if known.source in _NAMED else "known"
            self._say(port, url, known.type, f"{how} as {known.name}", loud)
            return
        refused = await self._connect(self._host, port)
        if refused:
            self._asked_at.pop(port, None)  # whoever listens next is somebody new
            self._up.discard(port)
            self._missed(port, known)
            self._say(port, url, None, refused, loud)
            return
        if port in self._up and not loud:
            return  # its health is the checker's business, its removal the operator's
        if loud or known is not None or self._worth_asking(port):
            await self._ask(port, url, known, loud)

    async def _ask(self, port: int, url: str, known: BackendFace | None, loud: bool) -> None:
        found = await identify(self._asker, url)
        if isinstance(found, Stranger):
            if not found.again:
                self._asked_at[port] = self._monotonic()
            self._up.discard(port)
            if known is not None:
                self._missed(port, known)
            self._say(port, url, None, found.why, loud)
            return
        self._up.add(port)
        self._away_since.pop(port, None)
        if known is not None and known.type is not found.type:
            # Another program has taken the port: what was known of the old one is void.
            self._registry.remove(known.id)
        if await self._known(port) is None:
            self._add(port, found)
        self._say(port, url, found.type, found.detail, loud)

    def _add(self, port: int, found: Found) -> None:
        taken = {backend.name for backend in self._registry.fleet().backends.values()}
        name = found.name
        if name in taken:
            name = f"{found.type}-{port}"
        face = BackendFace(
            id=backend_id(found.url),
            name=name if name not in taken else found.url,
            url=found.url,
            type=found.type,
            zone=default_zone(found.type),
            source=Source.PROBE,
        )
        if self._registry.add(face):
            _log.info(
                "found a server", extra={"fields": {"backend": face.name, "what": found.detail}}
            )
            self._added(face.id)

    def _missed(self, port: int, known: BackendFace | None) -> None:
        """Nothing of ours is there: remember since when, and forget it after the grace."""
        since = self._away_since.setdefault(port, self._monotonic())
        if known is not None and self._monotonic() - since >= self._grace_s:
            self._registry.remove(known.id)
            _log.info("a found server stayed away", extra={"fields": {"backend": known.name}})

    def _worth_asking(self, port: int) -> bool:
        asked = self._asked_at.get(port)
        return asked is None or self._monotonic() - asked >= STRANGER_INTERVAL_S

    async def _known(self, port: int) -> BackendFace | None:
        """Who is registered for this port of this machine, by any of its names or addresses."""
        faces = [
            backend.face
            for backend in self._registry.fleet().backends.values()
            if port_of(backend.face.url) == port
        ]
        here = next((face for face in faces if local_port(face.url) == port), None)
        if here is not None or not faces:
            return here
        # At the same time: names that resolve slowly must not keep a new server waiting.
        found = await asyncio.gather(*(self._places.of(face.url) for face in faces))
        for face, spots in zip(faces, found, strict=True):
            if any(spot.address == canonical(self._host) for spot in spots):
                return face
        return None

    def _is_ours(self, face: BackendFace, url: str) -> bool:
        """Whether this scanner put it there: by its own way to name a server."""
        return face.source is Source.PROBE and face.url == url

    def _say(self, port: int, url: str, found: BackendType | None, detail: str, loud: bool) -> None:
        news = (found, detail)
        if loud or self._said.get(port) != news:
            self._said[port] = news
            self._publish(PortProbed(self._now(), url, found, detail))


async def scan(
    asker: Asker,
    *,
    own_url: str,
    publish: Callable[[Event], None] = lambda event: None,
    ports: Sequence[int] = WELL_KNOWN,
    now: Callable[[], float] = time.time,
) -> list[Found]:
    """Look at the ports of this machine once, with no registry: what is there now."""
    found: dict[int, Found] = {}

    async def look(port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        if local_port(own_url) == port:
            publish(PortProbed(now(), url, None, "this is Nexus itself"))
            return
        why = await listening("127.0.0.1", port)
        answer = Stranger(why) if why else await identify(asker, url)
        if isinstance(answer, Stranger):
            publish(PortProbed(now(), url, None, answer.why))
        else:
            found[port] = answer
            publish(PortProbed(now(), url, answer.type, answer.detail))

    async with asyncio.TaskGroup() as group:
        for port in dict.fromkeys(ports):
            group.create_task(look(port), name=f"port {port}")
    return [found[port] for port in ports if port in found]
