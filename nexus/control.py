"""Everything a front end may see or do.

The control API and the in-process dashboard both go through this class, so neither can do what the
other cannot. It satisfies `nexus.domain.gateway.FleetSource`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Protocol

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendType,
    Load,
    Source,
    Zone,
    default_zone,
)
from nexus.domain.events import PortProbed, Update
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import GatewayInfo
from nexus.domain.policy import Policy
from nexus.domain.urls import backend_id, normalise
from nexus.errors import BadRequest, Conflict, NotFound
from nexus.registry.registry import Registry
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.control")

Recognise = Callable[[str], Awaitable[tuple[BackendType, str] | None]]
"""What runs at a URL, and how that is known; None when nothing answers."""


class Checks(Protocol):
    """What control asks of the health checker."""

    async def check(self, backend_id: BackendId) -> None: ...


class Control:
    """See the module.

    Args:
        info: facts about this gateway.
        registry: the truth.
        bus: where updates come from.
        policy: the one in force.
        unix: Unix seconds.
    """

    def __init__(
        self,
        info: GatewayInfo,
        registry: Registry,
        bus: Bus,
        policy: Callable[[], Policy],
        unix: Callable[[], float],
        *,
        checks: Checks,
        scan: Callable[[], Awaitable[object]],
        recognise: Recognise,
        probed: Mapping[str, PortProbed],
    ) -> None:
        self._info = info
        self._registry = registry
        self._bus = bus
        self.policy = policy
        self._unix = unix
        self._checks = checks
        self._scan = scan
        self._recognise = recognise
        self._probed = probed

    # ---- seeing

    @property
    def info(self) -> GatewayInfo:
        """Facts that do not change while the process lives."""
        return self._info

    def uptime_s(self) -> float:
        """Seconds since start."""
        return self._unix() - self._info.started_at

    def fleet(self) -> Fleet:
        """The picture of this moment."""
        return self._registry.fleet()

    def load(self, backend_id: BackendId) -> Load:
        """One backend's traffic; zeros for one that has left."""
        return self._registry.seen().loads.get(backend_id, Load())

    async def updates(self) -> AsyncIterator[Update]:
        """`FleetSeen` first, changes after it, `FleetSeen` again when this reader fell behind."""
        reader = self._bus.reader()
        try:
            yield self._registry.seen()
            for probe in list(self._probed.values()):  # what was scanned before this reader came
                yield probe
            while not reader.closed:
                await reader.wait()
                events, missed = reader.take()
                if missed:
                    yield self._registry.seen()
                for event in events:
                    yield event
        finally:
            reader.close()

    # ---- doing

    def resolve(self, name_or_id: str) -> Backend:
        """A backend by name or id.

        Raises:
            NotFound: there is none; the sentence lists those there are.
        """
        backend = self._registry.resolve(name_or_id)
        if backend is None:
            names = ", ".join(b.name for b in self.fleet().backends.values()) or "none"
            raise NotFound(f"No backend is called '{name_or_id[:100]}'. Backends: {names}")
        return backend

    async def drain(self, backend_id: BackendId) -> None:
        """Send no new work there. Idempotent."""
        backend = self.resolve(backend_id)
        self._registry.set_draining(backend.id, True)
        log.info("backend %s is draining", backend.name)

    async def undrain(self, backend_id: BackendId) -> None:
        """Take it back into rotation. Idempotent."""
        backend = self.resolve(backend_id)
        self._registry.set_draining(backend.id, False)
        log.info("backend %s takes work again", backend.name)

    async def check(self, backend_id: BackendId) -> None:
        """Probe one backend now."""
        await self._checks.check(self.resolve(backend_id).id)

    async def scan(self) -> None:
        """Probe the well-known local ports now."""
        await self._scan()

    async def add(
        self,
        url: str,
        *,
        name: str = "",
        type: BackendType | None = None,
        priority: int = 50,
        zone: Zone | None = None,
        api_key_env: str | None = None,
    ) -> tuple[Backend, str]:
        """Register a backend and check it at once.

        Returns:
            The backend, and how its type was found out.

        Raises:
            BadRequest: not a URL, or a number out of range.
            Conflict: its name or its URL is registered already.
        """
        try:
            url = normalise(url)
        except ValueError as exc:
            raise BadRequest(str(exc), param="url") from exc
        if not 0 <= priority <= 100:
            raise BadRequest("priority must be between 0 and 100", param="priority")
        evidence = "given"
        if type is None:
            found = await self._recognise(url)
            type, evidence = found or (BackendType.GENERIC, "nothing known answers there yet")
        name = name or url.partition("://")[2]
        face = BackendFace(
            id=backend_id(name),
            name=name,
            url=url,
            type=type,
            zone=zone or default_zone(type),
            source=Source.MANUAL,
            priority=priority,
            api_key_env=api_key_env,
        )
        for other in self.fleet().backends.values():
            if other.id == face.id:
                raise Conflict(
                    f"A backend called '{name}' is registered already ({other.face.url})"
                )
            if other.face.url == url:
                if other.face.source is Source.PROBE:  # the operator's word replaces a guess
                    self._registry.remove(other.id)
                    continue
                raise Conflict(f"{url} is registered already, as '{other.name}'")
        self._registry.add(face)
        log.info("backend %s added: %s, %s", name, type.value, url)
        await self._checks.check(face.id)
        return self.resolve(face.id), evidence

    async def remove(self, backend_id: BackendId) -> Backend:
        """Forget a backend; its requests in flight finish."""
        backend = self.resolve(backend_id)
        self._registry.remove(backend.id)
        log.info("backend %s removed", backend.name)
        return replace(backend)
