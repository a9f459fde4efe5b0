"""Checks every backend for as long as it is registered, each in a task of its own.

- A dead backend delays nobody: nothing is shared but the registry.
- The first check is immediate, also of a backend that comes later (`wake`); the next ones spread
  out by themselves, since every pause is drawn anew around the interval.
- A loading backend is asked again soon; so is a healthy one that a check or a request could not
  reach, and one that has only begun to answer again.
- Whether a server has come back is asked every second where it is one of this machine, since being
  refused costs nothing, and every five elsewhere.
- The result for a backend that has left, or came back with another face, is thrown away.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlsplit

from nexus.backends.base import Dialect, Outcome
from nexus.backends.table import DIALECTS
from nexus.domain.backend import (
    SELF_WAKING,
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Evidence,
    Model,
    Residency,
)
from nexus.domain.fleet import Fleet
from nexus.health.advice import coming, denied
from nexus.health.clock import Bell, Clock, WallClock
from nexus.health.examine import Asker, Examination, Examiner
from nexus.health.machine import DOWN, Pulse, Result, Thresholds, step
from nexus.health.whereabouts import Outside
from nexus.health.witness import Witness
from nexus.telemetry.logs import get_logger

_log = get_logger("nexus.health")

LOADING_INTERVAL_S = 2.0
"""Between checks of a backend that is loading, or that loads a model."""
SUSPECT_INTERVAL_S = 1.0
"""Between checks of a healthy backend that a request or a check could not reach."""
BUSY_INTERVAL_S = 5.0
"""Between checks of a backend that says it is full."""
RETURN_INTERVAL_S = 0.5
"""Between checks of a backend that has begun to answer again."""
GONE_HERE_INTERVAL_S = 1.0
"""Between checks of a backend of this machine that cannot be reached."""
GONE_INTERVAL_S = 5.0
"""Between checks of any other that cannot be reached."""
AT_ONCE = 16
"""Checks going on beyond which the next ones start at a pace."""
PACE_S = 0.008
"""Between two starts then: about what a check costs."""
NOTICE_INTERVAL_S = 1.0
"""At the latest, a backend that nobody announced is noticed after this."""
DETAILS_EVERY = 20
"""Checks after which what was learnt about single models is asked anew."""


_RESULTS: Final = {
    Outcome.OK: Result.GOOD,
    Outcome.LOADING: Result.LOADING,
    Outcome.SLEEPING: Result.SLEEPING,
    Outcome.DENIED: Result.DENIED,
    Outcome.SILENT: Result.SILENT,
    Outcome.UNREACHABLE: Result.UNREACHABLE,
    Outcome.FAILED: Result.BAD,
}


class Truth(Protocol):
    """What the checker reads and writes of the registry."""

    def fleet(self) -> Fleet: ...

    def find(self, backend_id: BackendId) -> Backend | None: ...

    def set_health(
        self,
        backend_id: BackendId,
        status: BackendStatus,
        *,
        reason: str = "",
        probe_ms: float | None = None,
        version: str | None = None,
        models: tuple[Model, ...] | None = None,
        models_stale: bool = False,
        next: str = "",
        slots: int | None = None,
        running: int | None = None,
        waiting: int | None = None,
    ) -> None: ...

    def set_traffic(self, backend_id: BackendId, told: Evidence | None) -> None: ...


@dataclass(slots=True)
class _Patient:
    """What the checker remembers of one backend."""

    face: BackendFace
    pulse: Pulse = field(default_factory=Pulse)
    wake: Bell = field(default_factory=Bell)
    done: asyncio.Event | None = None
    """Set at the end of the check that is going on, if one is."""
    suspect: bool = False
    full: bool = False
    """By its own word at the last check."""
    loading: bool = False
    """One of its models was on its way into memory at the last check."""
    checked: int = 0
    last_started: float | None = None
    details: dict[Model, Model] = field(default_factory=dict[Model, Model])


class HealthChecker:
    """Keeps the registry's word on health true.

    Args:
        registry: the truth.
        client: the hands.
        credentials: the key of a backend, or None when it has none or its variable is not set.
        interval_s: mean pause between two checks of one backend.
        timeout_s: for each question of a check.
        failure_threshold: bad checks in a row until a healthy backend is unhealthy.
        recovery_threshold: good checks in a row until an unhealthy backend is healthy.
        enabled: False checks each backend once, to learn its models, and leaves it unknown.
        clock: time.
        chance: numbers in [0, 1).
        dialects: how to ask each type.
        outside: says why an address is not ours; None believes every zone.
        answered: told how long each good check took, in seconds, by the backend's name.
    """

    def __init__(
        self,
        registry: Truth,
        client: Asker,
        credentials: Callable[[BackendFace], str | None],
        *,
        interval_s: float = 30.0,
        timeout_s: float = 5.0,
        failure_threshold: int = 3,
        recovery_threshold: int = 2,
        enabled: bool = True,
        clock: Clock | None = None,
        chance: Callable[[], float] = random.random,
        dialects: Mapping[BackendType, Dialect] = DIALECTS,
        outside: Outside | None = None,
        answered: Callable[[str, float], None] = lambda backend, seconds: None,
    ) -> None:
        self._answered = answered
        self._outside = outside
        self._registry = registry
        self._client = client
        self._credentials = credentials
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._thresholds = Thresholds(failure_threshold, recovery_threshold)
        self._enabled = enabled
        self._clock: Clock = clock or WallClock()
        self._chance = chance
        self._dialects = dialects
        self._patients: dict[BackendId, _Patient] = {}
        self._news = Bell()
        self._start = asyncio.Lock()
        self._going = 0
        self.witness = Witness(
            registry,
            self.connection_failed,
            lambda backend: bool(credentials(backend.face)),
            now=self._clock.monotonic,
            chance=chance,
            touched=self._news.set,
        )
        """To be told what requests run into."""

    async def run(self) -> None:
        """Watch over whoever is registered, until cancelled."""
        watched: dict[BackendId, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._news.clear()
                known = self._registry.fleet().backends
                for backend_id in [*watched]:
                    if watched[backend_id].done():
                        del watched[backend_id]
                for backend_id in known:
                    if backend_id not in watched:
                        watched[backend_id] = group.create_task(
                            self._watch(backend_id), name=f"health {backend_id}"
                        )
                for backend_id in [*self._patients]:
                    if backend_id not in known:
                        # Its task sees this too, and ends.
                        self._patients.pop(backend_id).wake.set()
                soon = self.witness.expire()
                await self._clock.wait(
                    self._news, NOTICE_INTERVAL_S if soon is None else min(soon, NOTICE_INTERVAL_S)
                )

    def wake(self, backend_id: BackendId) -> None:
        """Check this backend at once; one that is new is noticed by this."""
        if patient := self._patients.get(backend_id):
            patient.wake.set()
        self._news.set()

    def reset(self, backend_id: BackendId) -> None:
        """Its server left or moved: what was known of its health is void, one check decides."""
        if patient := self._patients.get(backend_id):
            patient.pulse = Pulse()

    def connection_failed(self, backend_id: BackendId, reason: str) -> None:
        """A request could not connect: look for yourself, soon, until it is clear.

        Costs next to nothing and may be called for every failure: checks do not come more often
        than one a second for it.
        """
        patient = self._patients.get(backend_id)
        if patient is None or patient.suspect or not self._enabled:
            return
        patient.suspect = True
        _log.debug("connection failed, checking", extra={"fields": {"backend": backend_id}})
        patient.wake.set()

    async def check(self, backend_id: BackendId) -> None:
        """Check now, and return when the registry knows the result.

        A check that is already going on is joined. A backend that requests ran aground on gets a
        trial. Never raises for what a backend does; one that is not registered is ignored.
        """
        self.witness.retry(backend_id)
        await self._examine(backend_id)

    async def _examine(self, backend_id: BackendId) -> None:
        backend = self._registry.find(backend_id)
        if backend is None:
            return
        patient = self._patient(backend)
        if patient.done is not None:
            await patient.done.wait()
            return
        patient.done = asyncio.Event()
        try:
            async with self._start:
                # A large fleet that begins at once would hold the loop.
                await asyncio.sleep(0 if self._going < AT_ONCE else PACE_S)
            self._going += 1
            try:
                await self._check(patient)
            finally:
                self._going -= 1
        finally:
            patient.done.set()
            patient.done = None

    # ---- one backend

    async def _watch(self, backend_id: BackendId) -> None:
        while (backend := self._registry.find(backend_id)) is not None:
            patient = self._patient(backend)
            tired = SUSPECT_INTERVAL_S - self._rested(patient)
            if patient.suspect and tired > 0:
                await self._clock.wait(Bell(), tired)
            patient.wake.clear()
            try:
                await self._examine(backend_id)
            except Exception:  # noqa: BLE001 - one surprise must not stop the pulse of the others
                _log.exception("a check failed in Nexus", extra={"fields": {"backend": backend_id}})
            if not self._enabled:
                # Once it has told its models, only an explicit wish makes us ask again.
                pause = float("inf") if _models(self._registry, backend_id) else 5.0
            else:
                pause = self._pause(patient)
            if pause == float("inf"):
                await patient.wake.wait()
            else:
                await self._clock.wait(patient.wake, pause)

    def _patient(self, backend: Backend) -> _Patient:
        patient = self._patients.get(backend.id)
        if patient is None:
            patient = self._patients[backend.id] = _Patient(backend.face)
        elif not _same_server(patient.face, backend.face):
            # Whoever sleeps until the old one's wake is to hear of the new one.
            patient = self._patients[backend.id] = _Patient(backend.face, wake=patient.wake)
            self.witness.forget(backend.id)
        patient.face = backend.face
        return patient

    def _rested(self, patient: _Patient) -> float:
        if patient.last_started is None:
            return float("inf")
        return self._clock.monotonic() - patient.last_started

    def _pause(self, patient: _Patient) -> float:
        """Seconds until the next check: never in step with the others."""
        every = self._every(patient)
        if patient.checked == 1 and every == self._interval_s:
            return every * (0.5 + 0.5 * self._chance())
        return every * (0.9 + 0.2 * self._chance())

    def _every(self, patient: _Patient) -> float:
        """Mean seconds between checks of a backend in this state."""
        every, status = self._interval_s, patient.pulse.status
        if status is BackendStatus.LOADING:
            every = LOADING_INTERVAL_S
        elif status in DOWN and patient.pulse.good:
            every = RETURN_INTERVAL_S
        elif patient.suspect or (status is BackendStatus.HEALTHY and patient.pulse.bad):
            every = SUSPECT_INTERVAL_S
        elif status is BackendStatus.UNREACHABLE:
            every = GONE_HERE_INTERVAL_S if _is_here(patient.face) else GONE_INTERVAL_S
        elif patient.loading:
            every = LOADING_INTERVAL_S
        elif patient.full:
            every = BUSY_INTERVAL_S
        return min(every, self._interval_s)

    async def _check(self, patient: _Patient) -> None:
        face = patient.face
        patient.last_started = self._clock.monotonic()
        patient.checked += 1
        if patient.checked % DETAILS_EVERY == 0:
            patient.details.clear()
        key = self._credentials(face)
        examiner = Examiner(
            self._client,
            face,
            self._dialects[face.type],
            key,
            self._timeout_s,
            patient.details,
            self._outside,
        )
        started = self._clock.monotonic()
        reading, probed = await examiner.probe()
        took_ms = (self._clock.monotonic() - started) * 1000
        if reading.outcome is Outcome.OK:
            found = await examiner.learn(reading, probed)
        else:
            found = Examination(reading.outcome, reading.reason, reading.version or None)
        self._conclude(patient, face, found, took_ms, has_key=bool(key))

    def _conclude(
        self,
        patient: _Patient,
        face: BackendFace,
        found: Examination,
        took_ms: float,
        *,
        has_key: bool,
    ) -> None:
        backend = self._registry.find(face.id)
        if backend is None or not _same_server(backend.face, face):
            return  # it left, or is another one now
        result = _RESULTS[found.outcome]
        if result is Result.GOOD:
            self._answered(face.name, took_ms / 1000)
        before = patient.pulse
        patient.pulse = step(before, result, self._thresholds)
        status = patient.pulse.status
        if not result.is_failure or status is not BackendStatus.HEALTHY:
            patient.suspect = False
        patient.full = _is_full(found)
        patient.loading = any(m.residency is Residency.LOADING for m in found.models or ())
        reason = found.reason
        wakes = face.type in SELF_WAKING
        comes = coming(status, face, wakes, self._every(patient))
        if result is Result.DENIED:
            reason, comes = denied(found.reason, face, has_key)
        elif result.is_failure and status is BackendStatus.HEALTHY:
            reason = f"check {patient.pulse.bad} of {self._thresholds.failure} failed: {reason}"
            comes = f"checked again every {SUSPECT_INTERVAL_S:g} s"
        elif result is Result.GOOD and status in DOWN:
            reason = (
                f"recovering: check {patient.pulse.good} of {self._thresholds.recovery} is good"
            )
        self._registry.set_health(
            face.id,
            status if self._enabled else BackendStatus.UNKNOWN,
            reason=reason,
            next=comes,
            probe_ms=took_ms if result is Result.GOOD else None,
            version=found.version,
            models=found.models,
            models_stale=found.models is None,
            slots=found.load.slots,
            running=found.load.running,
            waiting=found.load.waiting,
        )
        self.witness.probed(face.id, not result.is_failure)
        # Transitions are logged by `nexus.telemetry.transitions`; this is for each single check.
        fields = {"backend": face.name, "was": before.status, "now": status, "reason": reason}
        _log.debug("checked", extra={"fields": fields})


def _models(registry: Truth, backend_id: BackendId) -> tuple[Model, ...]:
    """The models that the registry has for a backend now."""
    backend = registry.find(backend_id)
    return backend.models if backend else ()


def _same_server(one: BackendFace, other: BackendFace) -> bool:
    """True where what is known of one holds for the other."""
    return (one.url, one.type, one.api_key_env) == (other.url, other.type, other.api_key_env)


def _is_full(found: Examination) -> bool:
    load = found.load
    if load.waiting:
        return True
    return bool(load.slots) and load.running is not None and load.running >= (load.slots or 0)


def _is_here(face: BackendFace) -> bool:
    """True for an address of this machine."""
    host = (urlsplit(face.url).hostname or "").lower()
    return host in ("localhost", "::1") or host.startswith("127.")
