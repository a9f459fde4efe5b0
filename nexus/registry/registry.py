"""The fleet's one owner. On one event loop, a method that never awaits cannot be interleaved.

Facts (faces, health, models) change seldom: after a change the next reader gets a new immutable
`Fleet`. Loads change with every request and stay live numbers beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nexus.domain.backend import Backend, BackendFace, BackendId, BackendStatus, Model
from nexus.domain.events import BackendChanged, BackendRemoved, Event, FleetSeen
from nexus.domain.fleet import Fleet, Loads, picture
from nexus.registry.lease import Lease
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
        self._loads: dict[BackendId, LiveLoad] = {}
        self._version = 0
        self._fleet: Fleet | None = Fleet()

    # ---- reading

    def fleet(self) -> Fleet:
        """The picture of this moment; rebuilt at most once per change of facts."""
        if self._fleet is None:
            backends = {id: record.seen() for id, record in self._records.items()}
            self._fleet = picture(self._version, backends)
        return self._fleet

    def loads(self) -> Loads:
        """Live loads by backend: a view, not a copy."""
        return self._loads

    def seen(self) -> FleetSeen:
        """Picture and loads as one value, for a reader that starts or has missed something."""
        return FleetSeen(self.fleet(), {id: load.seen() for id, load in self._loads.items()})

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
        record = Record(face, since=self._now())
        self._records[face.id] = record
        self._loads[face.id] = record.load
        self._changed(face.id, None)
        return True

    def remove(self, backend_id: BackendId) -> bool:
        """Forget a backend. Requests in flight finish; their leases still count."""
        record = self._records.pop(backend_id, None)
        if record is None:
            return False
        del self._loads[backend_id]
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
            record.since = self._now()
            self._changed(backend_id, was)
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
    ) -> None:
        """What a check found. A backend that has left meanwhile is ignored.

        Args:
            status: never DRAINING: that is the operator's.
            reason: for a person; empty when healthy and nothing is odd.
            probe_ms: round trip of a successful check.
            version: the server's; None keeps the last.
            models: replaces the list at once; None keeps the last.
        """
        record = self._records.get(backend_id)
        if record is None:
            return
        was = record.status()
        before = (was, record.reason, record.models, record.version)
        record.checked_at = self._now()
        if record.health is not status:
            record.health = status
            if not record.draining:
                record.since = record.checked_at
        record.reason = reason
        if probe_ms is not None:
            record.probe_ms = probe_ms
        if version is not None:
            record.version = version
        if models is not None:
            record.models = models
        if before != (record.status(), record.reason, record.models, record.version):
            self._changed(backend_id, was)
        else:
            # Only the time of the check and its round trip moved: no decision reads those, so the
            # picture keeps its version and merely shows them from its next rebuild on.
            self._publish(BackendChanged(self._version, record.seen(), was))

    # ---- traffic

    def lease(self, backend_id: BackendId) -> Lease | None:
        """Count a request in.

        None when the backend left or was drained since the picture was taken: the owner decides,
        not the stale reader.
        """
        record = self._records.get(backend_id)
        if record is None or record.draining:
            return None
        return Lease(backend_id, record.load, self._load_changed)

    def _changed(self, backend_id: BackendId, was: BackendStatus | None) -> None:
        self._version += 1
        self._fleet = None
        backend = self._records[backend_id].seen()
        self._publish(BackendChanged(self._version, backend, was))
