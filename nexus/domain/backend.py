"""What a backend is, and what it can do. Values only; `nexus.registry` owns the truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

BackendId = NewType("BackendId", str)
"""Stable over restarts: derived from the configured name or from the URL."""


class BackendType(StrEnum):
    """Which dialect a server speaks. Wire form and TOML form are the same word."""

    OLLAMA = "ollama"
    VLLM = "vllm"
    LLAMACPP = "llamacpp"
    EXO = "exo"
    LMSTUDIO = "lmstudio"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    GENERIC = "generic"

    @property
    def is_cloud(self) -> bool:
        """True for services run by somebody else."""
        return self in _CLOUD


_CLOUD = frozenset({BackendType.OPENAI, BackendType.ANTHROPIC, BackendType.GOOGLE})


class Zone(StrEnum):
    """Where data may go: `restricted` stays with you, `open` may be a third party."""

    RESTRICTED = "restricted"
    OPEN = "open"


def default_zone(type: BackendType) -> Zone:
    """The zone of a backend whose configuration names none (contract appendix C)."""
    return Zone.OPEN if type.is_cloud else Zone.RESTRICTED


class BackendStatus(StrEnum):
    """What an operator would say about a backend."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"
    LOADING = "loading"
    DRAINING = "draining"


class Source(StrEnum):
    """Who told us about a backend."""

    STATIC = "static"
    PROBE = "probe"
    MDNS = "mdns"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class Model:
    """One model on one backend.

    Capabilities are tri-state: True, False, or None for "the server did not say". Unknown lets a
    request through; only a known False refuses it.
    """

    id: str
    context_length: int | None = None
    """Tokens of the running instance where known, else of the model."""
    vision: bool | None = None
    audio: bool | None = None
    tools: bool | None = None
    json_mode: bool | None = None
    embeddings: bool | None = None
    reasoning: bool | None = None
    chat: bool | None = None
    """False for embedding-only models."""
    max_output_tokens: int | None = None
    loaded: bool | None = None


@dataclass(frozen=True, slots=True)
class BackendFace:
    """What is told about a backend from outside: configuration, probe or operator."""

    id: BackendId
    name: str
    url: str
    """Scheme, host, port and path prefix; no trailing slash, no trailing `/v1`."""
    type: BackendType
    zone: Zone
    source: Source = Source.STATIC
    priority: int = 50
    """Lower is preferred, 0..100."""
    tier: int = 1
    max_concurrent: int | None = None
    api_key_env: str | None = None
    """Name of the environment variable, never the key."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend as readers see it: its face plus what health checks learned."""

    face: BackendFace
    status: BackendStatus = BackendStatus.UNKNOWN
    reason: str = ""
    """Why the status is what it is, for a person. Text from outside: clean before display."""
    models: tuple[Model, ...] = ()
    version: str = ""
    checked_at: float | None = None
    """Unix seconds of the last finished check."""
    since: float | None = None
    """Unix seconds of the last change of status."""
    probe_ms: float | None = None
    """Round trip of the last successful check."""

    @property
    def id(self) -> BackendId:
        return self.face.id

    @property
    def name(self) -> str:
        return self.face.name

    @property
    def is_routable(self) -> bool:
        """True where new work may be sent."""
        return self.status is BackendStatus.HEALTHY


@dataclass(frozen=True, slots=True)
class Load:
    """A backend's traffic at one moment, counted by its leases."""

    pending: int = 0
    """Requests in flight."""
    total: int = 0
    """Requests finished since start, failures included."""
    errors: int = 0
    latency_ms: float | None = None
    """EMA of time to first byte (alpha 0.2); None before the first sample."""
    tokens_per_s: float | None = None
    """EMA of generation speed of single requests."""
