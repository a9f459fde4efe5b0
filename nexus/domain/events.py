"""What happened, as small frozen values in the past tense.

The dashboard, the log and the statistics are folds over these. `FleetSeen` is a whole picture, sent
first and after a reader lost events; everything else is a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, BackendId, BackendStatus, BackendType, Load, Source
from nexus.domain.decision import RouteReason
from nexus.domain.fleet import Fleet
from nexus.domain.value import value


@dataclass(frozen=True, slots=True)
class FleetSeen:
    """The whole picture with its loads."""

    fleet: Fleet
    loads: Mapping[BackendId, Load]


@dataclass(frozen=True, slots=True)
class BackendChanged:
    """A backend appeared, or its facts or status changed."""

    version: int
    backend: Backend
    was: BackendStatus | None = None
    """The status before; None for a backend that is new."""


@dataclass(frozen=True, slots=True)
class BackendRemoved:
    """A backend left the registry."""

    version: int
    backend_id: BackendId
    name: str


@value
class LoadChanged:
    """A request began or ended somewhere."""

    backend_id: BackendId
    load: Load


@value
class RequestRouted:
    """A decision was made and the first attempt begins."""

    request_id: str
    at: float
    """Unix seconds."""
    requested: str
    model: str
    backend_id: BackendId
    backend: str
    """Name."""
    reason: RouteReason
    why: str
    stream: bool


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """Nothing could serve a request, or it was malformed."""

    request_id: str
    at: float
    requested: str
    """Empty when the request named no readable model."""
    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """One backend of a plan brought no answer (part of `RequestFinished`)."""

    backend: str
    """Name."""
    after_ms: float
    """Milliseconds from the request's arrival to this failure."""
    why: str
    """Text from outside: clean before display."""


@value
class RequestFinished:
    """A routed request ended, well or not."""

    request_id: str
    at: float
    """Unix seconds of the end."""
    requested: str
    model: str
    backend_id: BackendId
    backend: str
    backend_type: BackendType
    reason: RouteReason
    why: str
    stream: bool
    status: int
    """HTTP status sent to the client; 499 when the client left before the end."""
    error: str = ""
    """Empty when all went well. Text from outside: clean before display."""
    ttft_ms: float | None = None
    """Milliseconds from the request's last byte to the answer's first body byte."""
    duration_ms: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tokens_per_s: float | None = None
    attempts: int = 1
    tried: tuple[str, ...] = ()
    """Names of the backends that failed before this one."""
    failures: tuple[AttemptFailed, ...] = ()
    """Every attempt that brought no answer, in order."""

    @property
    def is_error(self) -> bool:
        """True when the backend failed or the client was told of an error.

        A client that left is neither.
        """
        return self.status != 499 and (bool(self.error) or self.status >= 400)


@dataclass(frozen=True, slots=True)
class PortProbed:
    """Zero-configuration discovery looked at an address: what it found, or why nothing."""

    at: float
    url: str
    found: BackendType | None
    detail: str
    """`Ollama 0.33.0`, `connection refused`, `answers, but not like an LLM server`."""


@dataclass(frozen=True, slots=True)
class ServerFound:
    """A recognised server beyond this machine waits for somebody's word; nothing is sent there."""

    at: float
    """Unix seconds of the first sight."""
    id: BackendId
    """What it will be called when approved."""
    name: str
    """Chosen by whoever announces it. Text from outside: clean before display."""
    url: str
    type: BackendType
    detail: str
    """`vLLM 0.11.0 (/v1/models owned_by)`: what it is, and how that is known."""
    source: Source
    via: str
    """`mDNS _ollama._tcp`, `beacon of 192.168.1.9`, `scan of 192.168.1.0/24`."""


@dataclass(frozen=True, slots=True)
class ServerGone:
    """A server waits no longer: it was approved, dismissed, or has left."""

    at: float
    id: BackendId
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class ZoneBreached:
    """A request was about to leave its privacy zone, and was stopped before a byte had gone.

    Decisions never plan that: it means a mistake in Nexus, or a name that now leads elsewhere.
    """

    at: float
    """Unix seconds."""
    request_id: str
    backend_id: BackendId
    backend: str
    """Name."""
    detail: str
    """A sentence for a person. Text from outside: clean before display."""


@dataclass(frozen=True, slots=True)
class ChangeMade:
    """Somebody changed the configuration or the fleet, or tried to."""

    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """An attached front end lost its gateway, or has it back. Made by the front end's own source.

    When it is back, what was missed follows, or a picture.
    """

    at: float
    """Unix seconds."""
    connected: bool
    detail: str
    """`reconnecting in 4 s: connection refused`; empty when connected."""


Event = (
    BackendChanged
    | BackendRemoved
    | LoadChanged
    | RequestRouted
    | RequestRefused
    | RequestFinished
    | PortProbed
    | ServerFound
    | ServerGone
    | ZoneBreached
    | ChangeMade
    | LinkChanged
)
Update = FleetSeen | Event
"""What a front end receives: a picture first, changes after it."""
