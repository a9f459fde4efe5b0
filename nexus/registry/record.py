"""The mutable half of a backend. Each field has one writer, and readers see what is derived."""

from __future__ import annotations

from dataclasses import dataclass, field

from nexus.domain.backend import Backend, BackendFace, BackendStatus, Load, Model


@dataclass(slots=True)
class LiveLoad:
    """A backend's traffic, counted by its leases and read by decisions while it changes."""

    pending: int = 0
    total: int = 0
    errors: int = 0
    latency_ms: float | None = None
    tokens_per_s: float | None = None

    def seen(self) -> Load:
        """This moment as a value."""
        return Load(self.pending, self.total, self.errors, self.latency_ms, self.tokens_per_s)


@dataclass(slots=True)
class Record:
    """One writer a field.

    Discovery and configuration write `face`, health checks `health` to `probe_ms`, the operator
    `draining`, leases `load`.
    """

    face: BackendFace
    health: BackendStatus = BackendStatus.UNKNOWN
    reason: str = ""
    models: tuple[Model, ...] = ()
    version: str = ""
    checked_at: float | None = None
    since: float | None = None
    probe_ms: float | None = None
    draining: bool = False
    load: LiveLoad = field(default_factory=LiveLoad)

    def status(self) -> BackendStatus:
        """Draining hides health, and a good probe does not undo draining."""
        return BackendStatus.DRAINING if self.draining else self.health

    def seen(self) -> Backend:
        """This moment as a value."""
        return Backend(
            self.face,
            self.status(),
            self.reason,
            self.models,
            self.version,
            self.checked_at,
            self.since,
            self.probe_ms,
        )
