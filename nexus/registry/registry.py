"""The fleet's one owner. On one event loop, a method that never awaits cannot be interleaved.

Facts (faces, health, models) change seldom: after a change the next reader gets a new immutable
`Fleet`. Loads change with every request: values too, each replaced in a mapping that stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    Evidence,
    Load,
    Model,
)
from nexus.domain.events import BackendChanged, BackendRemoved, Event, FleetSeen
from nexus.domain.fleet import Fleet, Loads, picture
from nexus.domain.overrides import Override
from nexus.domain.revision import revised
from nexus.registry.knowledge import Knowledge
from nexus.registry.lease import Lease, Trial
from nexus.registry.record import LiveLoad, Record


class Registry:
    """Backends, their health and their load.

    Args:
        publish: where changes of facts go; called synchronously after each.
        now: Unix seconds.
        load_changed: told of every request that begins or ends somewhere.
    """

    def __init__(
        self,
        publish: Callable[[Event], None],
        now: Callable[[], float],
        load_changed: Callable[[BackendId, LiveLoad], None] = lambda backend_id, load: None,
    ) -> None:
        self._publish = publish
        self._now = now
        self._load_changed = load_changed
        self._records: dict[BackendId, Record] = {}
        self._loads: dict[BackendId, Load] = {}
        self._knowledge = Knowledge()
        self._version = 0
        self._fleet: Fleet | None = Fleet()
        self._stale: dict[BackendId, None] = {}
        """Backends that changed since the picture was drawn, in the order of their first change."""
        self._aged: dict[BackendId, None] = {}
        """Those that were only checked again since."""
        self._shown: tuple[Fleet, Fleet] | None = None
        """The picture, and the same with them drawn in."""

    # ---- reading

    def fleet(self) -> Fleet:
        """The picture of this moment, drawn when it is asked for and something has changed."""
        if self._fleet is not None and not self._stale:
            return self._fleet
        if self._fleet is None:
            backends = {id: record.seen() for id, record in self._records.items()}
            self._fleet = picture(self._version, backends)
            self._aged.clear()
        else:
            changed = {id: self._records[id].seen() for id in self._stale}
            self._fleet = revised(self._fleet, self._version, changed)
            for id in changed:
                self._aged.pop(id, None)
        self._stale.clear()
        return self._fleet

    def shown(self) -> Fleet:
        """The picture for a person: with the times of the last checks, which decisions ignore."""
        fleet = self.fleet()
        if not self._aged:
            return fleet
        if self._shown is None or self._shown[0] is not fleet:
            aged = {id: self._records[id].seen() for id in self._aged}
            self._shown = (fleet, revised(fleet, fleet.version, aged))
        return self._shown[1]

    def loads(self) -> Loads:
        """Loads by backend: a view that changes with every request, of values that do not."""
        return self._loads

    def load(self, backend_id: BackendId) -> Load:
        """One backend's traffic; zeros for one that has left."""
        return self._loads.get(backend_id) or Load()

    def seen(self) -> FleetSeen:
        """Picture and loads as one value, for a reader that starts or has missed something."""
        return FleetSeen(self.shown(), dict(self._loads))

    def find(self, backend_id: BackendId) -> Backend | None:
        """One backend, without a picture of all."""
        record = self._records.get(backend_id)
        return record.seen() if record else None

    def resolve(self, name_or_id: str) -> Backend | None:
        """A backend by its id or its name."""
        record = self._records.get(BackendId(name_or_id))
        if record is None:
            record = next((r for r in self._records.values() if r.face.name == name_or_id), None)
        return record.seen() if record else None

    # ---- discovery, configuration, operator

    def add(self, face: BackendFace) -> bool:
        """Register a backend; False when its id or its URL is there already."""
        if face.id in self._records or any(
            record.face.url == face.url for record in self._records.values()
        ):
            return False
        record = Record(face, since=self._now(), load=LiveLoad(self._now))
        self._records[face.id] = record
        self._loads[face.id] = record.load.seen()
        self._changed(face.id, None)
        return True

    def remove(self, backend_id: BackendId) -> bool:
        """Forget a backend. Requests in flight finish; their leases still count."""
        record = self._records.pop(backend_id, None)
        if record is None:
            return False
        del self._loads[backend_id]
        record.load.left = True
        self._knowledge.forget(backend_id)
        self._aged.pop(backend_id, None)
        self._version += 1
        self._fleet = None
        self._publish(BackendRemoved(self._version, backend_id, record.face.name))
        return True

    def set_draining(self, backend_id: BackendId, draining: bool) -> bool:
        """The operator's word. False when there is no such backend."""
        record = self._records.get(backend_id)
        if record is None:
            return False
        if record.draining != draining:
            was = record.status()
            record.draining = draining
            self._settle(record, was)
        return True

    def set_face(self, face: BackendFace) -> bool:
        """Replace what is told about a known backend (its recognised type, its priority)."""
        record = self._records.get(face.id)
        if record is None:
            return False
        if record.face != face:
            record.face = replace(face)
            self._changed(face.id, record.status())
        return True

    # ---- health

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
    ) -> None:
        """What a check found. A backend that has left meanwhile is ignored.

        Args:
            status: never DRAINING or BUSY: those follow from other fields.
            reason: for a person; empty when healthy and nothing is odd.
            next: what comes next, for a person.
            probe_ms: round trip of a successful check.
            version: the server's; None keeps the last.
            models: replaces the list at once; None keeps the last.
            models_stale: a list was wanted and could not be read.
            slots: requests it works on at once; None keeps the last.
            running: requests it works on; None where that is not known.
            waiting: requests that wait inside it; None where that is not known.
        """
        record = self._records.get(backend_id)
        if record is None:
            return
        was, before = record.status(), _facts(record)
        record.checked_at = self._now()
        record.health = status
        record.reason = reason
        record.next = next
        if probe_ms is not None:
            record.probe_ms = probe_ms
        restarted = bool(version and record.version and version != record.version)
        if version is not None:
            record.version = version
        if models is not None and models != record.listed:
            record.listed = models
            record.models = self._knowledge.models(backend_id, models)
        if (restarted or status in _AWAY) and self._knowledge.forget(backend_id):
            record.models = self._knowledge.models(backend_id, record.listed)
        record.models_stale = models_stale and bool(record.models)
        if slots is not None:
            record.slots = slots
        if (running, waiting) != (record.running, record.waiting):
            record.running, record.waiting = running, waiting
            self._stale[backend_id] = None
        if record.load.age():  # checks come also when requests do not
            self._moved(backend_id, record.load)
        if before != _facts(record):
            self._settle(record, was)
        else:
            # Only the time of the check and its numbers moved: no decision reads those, so the
            # picture is kept, and they are drawn in for those who look at it.
            self._aged[backend_id] = None
            self._shown = None
            self._publish(BackendChanged(self._version, record.seen(), was))

    def learn(self, backend_id: BackendId, model_id: str, taught: Mapping[str, object]) -> None:
        """Believe what an error of a backend said of its model, by the name of the model's field.

        Holds until the backend lists the model with other facts, or was away. A backend or a model
        that has left meanwhile is ignored.
        """
        record = self._records.get(backend_id)
        listed = next((m for m in record.listed if m.id == model_id), None) if record else None
        if record is None or listed is None:
            return
        if self._knowledge.learn(backend_id, listed, taught):
            self._believe(record)

    def set_overrides(self, overrides: Sequence[Override]) -> None:
        """The operator's word on models, in place of the one before."""
        self._knowledge.use(overrides)
        for record in self._records.values():
            self._believe(record)

    def _believe(self, record: Record) -> None:
        models = self._knowledge.models(record.face.id, record.listed)
        if models != record.models:
            record.models = models
            self._changed(record.face.id, record.status())

    def set_traffic(self, backend_id: BackendId, told: Evidence | None) -> None:
        """What requests ran into; None when nothing is wrong any more."""
        record = self._records.get(backend_id)
        if record is None or record.traffic == told:
            return
        was = record.status()
        record.traffic = told
        if told is not None and told.status in _AWAY and self._knowledge.forget(backend_id):
            record.models = self._knowledge.models(backend_id, record.listed)
        self._settle(record, was)

    # ---- traffic

    def lease(self, backend_id: BackendId, spare: bool = False) -> Lease | None:
        """Count a request in.

        None when the backend left, was drained or set aside since the picture was taken: the owner
        decides, not the stale reader.

        Args:
            spare: nobody else can serve this request, so a backend in doubt will do.
        """
        record = self._records.get(backend_id)
        if record is None or record.draining:
            return None
        if record.traffic is not None:
            return self._lease_in_doubt(record, record.traffic, spare)
        return Lease(backend_id, record.load, self._moved)

    def _lease_in_doubt(self, record: Record, told: Evidence, spare: bool) -> Lease | None:
        """A trial, of which there is one at a time."""
        backend_id = record.face.id
        if told.trial and not record.trial_out:
            record.trial_out = True
            self._changed(backend_id, record.status())

            def over() -> None:
                record.trial_out = False
                if self._records.get(backend_id) is record:
                    self._changed(backend_id, record.status())

            return Trial(backend_id, record.load, self._moved, over=over)
        if spare and told.spare:
            return Trial(backend_id, record.load, self._moved, over=lambda: None)
        return None

    def _moved(self, backend_id: BackendId, load: LiveLoad) -> None:
        """A lease was taken or given back."""
        if not load.left:
            self._loads[backend_id] = load.seen()
        self._load_changed(backend_id, load)

    def _settle(self, record: Record, was: BackendStatus) -> None:
        """After a change of facts: the status may be another one now."""
        if record.status() is not was:
            record.since = self._now()
        self._changed(record.face.id, was)

    def _changed(self, backend_id: BackendId, was: BackendStatus | None) -> None:
        self._version += 1
        self._stale[backend_id] = None
        backend = self._records[backend_id].seen()
        self._publish(BackendChanged(self._version, backend, was))


_AWAY = (BackendStatus.UNREACHABLE, BackendStatus.UNHEALTHY, BackendStatus.STALLED)
"""A server that was this may come back another one."""


def _facts(record: Record) -> tuple[object, ...]:
    """What decisions and people go by."""
    return (
        record.status(),
        record.reason,
        record.next,
        record.models,
        record.models_stale,
        record.version,
        record.slots,
    )
