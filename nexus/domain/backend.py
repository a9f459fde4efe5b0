"""What a backend is, and what it can do. Values only; `nexus.registry` owns the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from nexus.domain.value import value

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
    BUSY = "busy"
    """Well, and all its places are taken: more would wait inside it."""
    SLEEPING = "sleeping"
    """Its model was put aside. Some wake by the next request, others only when told to."""
    LOADING = "loading"
    DRAINING = "draining"
    """Taken out of rotation by the operator; what it has begun goes on."""
    RATE_LIMITED = "rate_limited"
    AUTH_ERROR = "auth_error"
    """It lives, and refuses our key."""
    STALLED = "stalled"
    """Takes connections and says nothing."""
    UNREACHABLE = "unreachable"
    """No connection comes about."""
    UNHEALTHY = "unhealthy"
    """Answers, but badly."""
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """For a sentence: `auth error`."""
        return self.value.replace("_", " ")


class Source(StrEnum):
    """Who told us about a backend."""

    STATIC = "static"
    PROBE = "probe"
    MDNS = "mdns"
    BEACON = "beacon"
    MANUAL = "manual"


class Residency(StrEnum):
    """Where a model is, as far as its server tells."""

    INSTALLED = "installed"
    """On disk: the first request waits until it has loaded."""
    LOADING = "loading"
    LOADED = "loaded"
    SLEEPING = "sleeping"
    """Loaded before, and woken by the next request."""


class FactSource(StrEnum):
    """Who says a fact about a model, the most trusted first but for `CONFIG`, which beats all."""

    CONFIG = "config"
    """The operator's word."""
    SERVER = "server"
    """The server's own word, in a list or in an error."""
    CATALOGUE = "catalogue"
    """Documented for this model, or for everything that this kind of server runs."""
    GUESS = "guess"
    """From the name of the model's family. Never a "no"."""


CAPABILITIES = ("vision", "audio", "tools", "json_mode", "embeddings", "reasoning", "chat")
"""The tri-state fields of a model."""
FACTS = ("context_length", "max_output_tokens", *CAPABILITIES)
"""The fields of a model that have a source."""


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
    residency: Residency | None = None
    zone: Zone | None = None
    """None is the backend's; `open` where the server would send the prompt to somebody else."""
    sources: tuple[tuple[str, FactSource], ...] = ()
    """Who says what, in the order of `FACTS`. Models with the same sources share the tuple."""

    @property
    def loaded(self) -> bool | None:
        """True where it is in memory, or comes back without being loaded anew."""
        if self.residency is None:
            return None
        return self.residency in (Residency.LOADED, Residency.SLEEPING)

    def source(self, fact: str) -> FactSource | None:
        """Who says this fact; None where nobody does."""
        return next((source for name, source in self.sources if name == fact), None)


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
    zone_told: bool = False
    """True where a person chose the zone. Otherwise an address outside makes its models `open`."""


def untold(face: BackendFace) -> BackendFace:
    """What `face` would be if nobody had said more than its name, its URL and its type."""
    return BackendFace(face.id, face.name, face.url, face.type, default_zone(face.type))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What real traffic says about a backend, where it says that something is wrong."""

    status: BackendStatus
    reason: str
    """Text from outside: clean before display."""
    next: str
    """What comes next, for a person."""
    trial: bool = False
    """True from the end of its time aside: one request may be sent, to see."""
    spare: bool = False
    """True where it is better than nothing: used while nobody else has the model."""
    until: float | None = None
    """Unix seconds until which it is not asked, where it said so itself."""


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend as readers see it: its face plus what health checks and traffic tell."""

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
    slots: int | None = None
    """Requests it works on at once, where it tells."""
    running: int | None = None
    """Requests it worked on at the last check, ours or not, where it tells."""
    waiting: int | None = None
    """Requests that waited inside it at the last check, where it tells."""
    next: str = ""
    """What comes next, or what to do, for a person: `set OPENAI_API_KEY`. Empty when well."""
    models_stale: bool = False
    """True where `models` is an old list, because no new one could be read."""
    traffic: Evidence | None = None
    """What is wrong by the word of real traffic; None when nothing is."""
    trial: bool = False
    """True while one request may be sent to see whether it has recovered."""

    @property
    def id(self) -> BackendId:
        return self.face.id

    @property
    def name(self) -> str:
        return self.face.name

    @property
    def is_routable(self) -> bool:
        """True where new work may be sent."""
        status = self.status
        if status is BackendStatus.HEALTHY or status is BackendStatus.BUSY or self.trial:
            return True
        return status is BackendStatus.SLEEPING and self.face.type in SELF_WAKING

    @property
    def is_spare(self) -> bool:
        """True where new work may be sent while nobody else has the model.

        Traffic went badly here, but nothing says that it cannot work: bad answers from the only
        server are better than none (the "last member" rule).
        """
        told = self.traffic
        return told is not None and told.spare and self.status is told.status

    @property
    def places(self) -> int | None:
        """Requests of ours that it works on at once: its word or the operator's, the lesser."""
        told, limit = self.slots, self.face.max_concurrent
        if not told or not limit:
            return told or limit or None
        return min(told, limit)

    def seen_with(self, pending: int) -> BackendStatus:
        """The status as it is to be shown: busy also by our own count of requests in flight."""
        if self.status is BackendStatus.HEALTHY:
            places = self.places
            if places and pending >= places:
                return BackendStatus.BUSY
        return self.status


SELF_WAKING = frozenset({BackendType.LLAMACPP, BackendType.OLLAMA})
"""Servers that wake when a request comes; vLLM does not (its requests hang)."""


@value
class Recent:
    """How one model was on one backend of late, by enough requests to tell."""

    span_s: int
    """60 or 300: how far back it looks."""
    requests: int
    """Requests that ended in that time, those that the backend failed included."""
    failed: int = 0
    """How many of a hundred the backend failed."""
    ttft_ms: float | None = None
    """Mean time to first byte; None where too few told."""
    tokens_per_s: float | None = None
    """Tokens a second by the mean time of a token; None where too few told."""


@value
class Speed:
    """How fast one model was on one backend, by its last requests."""

    ttft_ms: float | None = None
    """EMA of time to first byte; None before the first sample."""
    tokens_per_s: float | None = None
    """EMA of generation speed of single requests."""
    samples: int = 0
    """Requests measured."""
    recent: Recent | None = None
    """The last minutes; None where there were too few requests."""
    quiet_min: int = 0
    """Whole minutes without a measured request, as far as anybody has looked."""


@value
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
    speeds: Mapping[str, Speed] | None = field(default=None, hash=False)
    """By the model's id on this backend, of the models measured last; None before the first."""
    quiet_min: int = 0
    """Whole minutes without a first byte, as far as anybody has looked."""
