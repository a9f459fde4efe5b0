"""The whole schema: every key, its type, default, unit and meaning. The reference is made from it.

Only `nexus.config` imports this module at run time (pydantic is 9 MB); others name `NexusConfig`
under TYPE_CHECKING. Rules that need more than one key are in `nexus.config.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from nexus.config.control import ControlConfig
from nexus.config.history import HistoryConfig
from nexus.config.kinds import (
    Address,
    Allowed,
    BackendTypeWord,
    Count,
    CountOrOff,
    Host,
    HostToScan,
    Interval,
    LogFormat,
    LogFormatWord,
    LogLevelWord,
    Name,
    Patience,
    Percent,
    Port,
    ServiceType,
    Switch,
    Tier,
    Timeout,
    TrustWord,
    Url,
    VariableName,
    ZoneWord,
)
from nexus.config.models import BackendModels, Models
from nexus.config.routing import RoutingConfig
from nexus.config.section import Section
from nexus.config.telemetry import TelemetryConfig
from nexus.domain.backend import BackendFace, BackendId, BackendType, Source, default_zone
from nexus.domain.hosts import Trust, read_hosts
from nexus.domain.logline import LogLevel
from nexus.domain.overrides import Override
from nexus.domain.policy import Policy
from nexus.domain.urls import backend_id


def _few(entries: tuple[str, ...]) -> tuple[str, ...]:
    read_hosts(entries)
    return entries


class ServerConfig(Section):
    """`[server]`: where clients connect, and how long anything may take."""

    host: Host = Field(
        default="127.0.0.1",
        description="Address to listen on; `0.0.0.0` opens Nexus to the network.",
    )
    port: Port = Field(default=8000, description="Port to listen on.")
    request_timeout_seconds: Timeout = Field(
        default=300, description="A whole request with its retries and its stream, seconds."
    )
    connect_timeout_seconds: Timeout = Field(
        default=5, description="Connecting to a backend, seconds."
    )
    first_byte_timeout_seconds: Timeout = Field(
        default=120,
        description="A backend's silence before its answer (it may load a model), seconds.",
    )
    idle_timeout_seconds: Timeout = Field(
        default=60, description="A backend's silence within its answer, seconds."
    )
    drain_timeout_seconds: Patience = Field(
        default=30, description="How long running requests may finish when Nexus stops, seconds."
    )
    max_body_mb: Annotated[int, Field(strict=True, ge=1, le=4096)] = Field(
        default=50, description="Largest request body, megabytes of 1,000,000 bytes."
    )
    max_concurrent_requests: Count = Field(default=1000, description="Requests in flight at once.")


class BackendConfig(Section):
    """`[[backends]]`: a server Nexus should know, one entry each."""

    name: Name = Field(description="Unique; what screens and headers call it.", examples=["gpu-01"])
    url: Url = Field(
        description="Base URL; a trailing `/v1` is not needed.", examples=["http://gpu-01:11434"]
    )
    type: BackendTypeWord = Field(
        default=BackendType.GENERIC, description="What the server is.", examples=["ollama"]
    )
    zone: ZoneWord | None = Field(
        default=None,
        description="Where its data may go; `open` by default for openai, anthropic and google, "
        "`restricted` for all others.",
        examples=["restricted"],
    )
    tier: Tier = Field(default=1, description="Capability: 1 fast, 2 standard, 3 premium and up.")
    priority: Percent = Field(default=50, description="Lower is preferred.")
    max_concurrent: Count | None = Field(
        default=None,
        description="Most requests in flight there; absent means no limit.",
        examples=[8],
    )
    api_key_env: VariableName | None = Field(
        default=None,
        description="Environment variable with the key; required for api.openai.com and its like.",
        examples=["GPU_01_API_KEY"],
    )
    overrides: BackendModels = Field(
        default=(), description="Facts about this backend's models that beat what it says."
    )
    draining: Switch = Field(default=False, description="Known and checked, but given no work.")

    def face(self) -> BackendFace:
        """The backend as the registry takes it."""
        return BackendFace(
            id=backend_id(self.name),
            name=self.name,
            url=self.url,
            type=self.type,
            zone=self.zone or default_zone(self.type),
            source=Source.STATIC,
            priority=self.priority,
            tier=self.tier,
            max_concurrent=self.max_concurrent,
            api_key_env=self.api_key_env,
            zone_told=self.zone is not None,
        )


class DiscoveryConfig(Section):
    """`[discovery]`: finding servers that no configuration names."""

    enabled: Switch = Field(
        default=True, description="Look for servers on this machine and network."
    )
    trust: TrustWord = Field(
        default=Trust.ASK,
        description="What becomes of servers beyond this machine: `auto` uses them, `ask` lets "
        "them wait for approval, `off` does not look for them.",
    )
    mdns: Switch = Field(default=True, description="Listen to mDNS announcements.")
    service_types: Annotated[
        tuple[ServiceType, ...], Allowed('a list of DNS-SD service types, ["_ollama._tcp.local"]')
    ] = Field(
        default=("_ollama._tcp.local.", "_llm._tcp.local.", "_saturn._tcp.local."),
        description="mDNS service types to browse.",
    )
    interfaces: Annotated[tuple[Address, ...], Allowed("a list of IP addresses")] = Field(
        default=(),
        description="Own addresses of the interfaces that mDNS uses; empty means all.",
        examples=[["192.168.1.5"]],
    )
    beacons: Switch = Field(
        default=True, description="Listen to the UDP beacons of Lemonade and exo."
    )
    hosts: Annotated[
        tuple[HostToScan, ...],
        AfterValidator(_few),
        Allowed("a list of hosts, host:port and private networks, 1024 addresses at most"),
    ] = Field(
        default=(),
        description="Where else to look, politely, every five minutes. What is named here by "
        "itself is used at once; what a network holds waits for approval.",
        examples=[["gpu-01", "10.0.0.5:8080", "192.168.1.0/24"]],
    )
    ports: Annotated[tuple[Port, ...], Allowed("a list of ports, 1 to 65535")] = Field(
        default=(11434, 1234, 8080, 8000, 52415),
        description="Ports looked at on this machine and on hosts without a port.",
    )
    grace_period_seconds: Patience = Field(
        default=60, description="How long a server that left the network is remembered, seconds."
    )


class HealthCheckConfig(Section):
    """`[health_check]`: how Nexus learns whether a backend can take work."""

    enabled: Switch = Field(
        default=True, description="Without checks every known backend gets work."
    )
    interval_seconds: Interval = Field(default=30, description="Time between checks, seconds.")
    timeout_seconds: Timeout = Field(
        default=5, description="A check without an answer fails, seconds."
    )
    failure_threshold: Count = Field(
        default=3, description="Failed checks in a row until unhealthy."
    )
    recovery_threshold: Count = Field(
        default=2, description="Good checks in a row until healthy again."
    )


class LoggingConfig(Section):
    """`[logging]`: structured lines on stderr."""

    level: LogLevelWord = Field(default=LogLevel.INFO, description="How much is logged.")
    format: LogFormatWord = Field(
        default=LogFormat.PRETTY, description="For people or for machines."
    )
    component_levels: Annotated[
        Mapping[Name, LogLevelWord], Allowed("a table of component = level")
    ] = Field(
        default_factory=dict[str, LogLevel],
        description="Levels of single parts: `routing`, `api`, `health`, `discovery`, ...",
        examples=[{"routing": "debug"}],
    )
    enable_content_logging: Switch = Field(
        default=False,
        description="Log the first 100 characters of each prompt. They are private: off unless "
        "debugging.",
    )


class QualityConfig(Section):
    """`[quality]`: avoiding backends that answer badly."""

    error_rate_threshold: Annotated[float, Field(strict=True, gt=0, le=1)] = Field(
        default=0.5,
        description="Share of failures in the last hour from which a backend is avoided.",
    )
    ttft_penalty_threshold_ms: Annotated[int, Field(strict=True, ge=0, le=3_600_000)] = Field(
        default=3000, description="Time to first token from which the score falls, ms; 0 is never."
    )
    metrics_interval_seconds: Interval = Field(
        default=30, description="How often quality is computed anew, seconds."
    )


class QueueConfig(Section):
    """`[queue]`: waiting for a place instead of failing at once."""

    enabled: Switch = Field(default=True, description="Hold requests while every backend is busy.")
    max_size: CountOrOff = Field(default=100, description="Requests that may wait; 0 means none.")
    max_wait_seconds: Timeout = Field(default=30, description="How long one may wait, seconds.")


class LifecycleConfig(Section):
    """`[lifecycle]`: loading and unloading models on backends."""

    timeout_ms: Annotated[int, Field(strict=True, ge=1, le=86_400_000)] = Field(
        default=300_000, description="One operation, ms."
    )
    vram_headroom_percent: Percent = Field(default=20, description="Memory to leave free, percent.")
    vram_buffer_percent: Percent = Field(
        default=10, description="Added to size estimates, percent."
    )
    vram_heuristic_max_gb: Count = Field(
        default=16, description="Memory assumed where a server does not tell, GB of 1e9 bytes."
    )


class FleetConfig(Section):
    """`[fleet]`: recommendations from observed demand. Never acted on by themselves."""

    enabled: Switch = Field(default=False, description="Watch demand and recommend.")
    min_sample_days: Count = Field(
        default=7, description="Days of history before the first advice."
    )
    min_request_count: Count = Field(default=100, description="Requests before a model is judged.")
    analysis_interval_seconds: Interval = Field(
        default=3600, description="Between analyses, seconds."
    )
    max_recommendations: Count = Field(default=5, description="Recommendations kept.")


class NexusConfig(Section):
    """Everything an operator can decide. Frozen: a change is a new one."""

    server: ServerConfig = Field(default_factory=ServerConfig)
    control: ControlConfig = Field(default_factory=ControlConfig)
    backends: Annotated[tuple[BackendConfig, ...], Allowed("[[backends]] entries")] = ()
    models: Models = Field(default=(), description="Facts about models that beat what servers say.")
    discovery: DiscoveryConfig = Field(default_factory=DiscoveryConfig)
    health_check: HealthCheckConfig = Field(default_factory=HealthCheckConfig)
    routing: RoutingConfig = Field(default_factory=RoutingConfig)
    logging: LoggingConfig = Field(default_factory=LoggingConfig)
    telemetry: TelemetryConfig = Field(default_factory=TelemetryConfig)
    history: HistoryConfig = Field(default_factory=HistoryConfig)
    quality: QualityConfig = Field(default_factory=QualityConfig)
    queue: QueueConfig = Field(default_factory=QueueConfig)
    lifecycle: LifecycleConfig = Field(default_factory=LifecycleConfig)
    fleet: FleetConfig = Field(default_factory=FleetConfig)

    def policy(self) -> Policy:
        """What routing sees."""
        return self.routing.policy(health_checked=self.health_check.enabled)

    def overrides(self) -> tuple[Override, ...]:
        """The operator's word on models: what is said for one backend comes first."""
        own = [
            entry.override(backend_id(backend.name))
            for backend in self.backends
            for entry in backend.overrides
        ]
        return (*own, *(entry.override() for entry in self.models))

    def faces(self) -> tuple[BackendFace, ...]:
        """The configured backends, in the order of the file."""
        return tuple(backend.face() for backend in self.backends)

    def drained(self) -> frozenset[BackendId]:
        """Those that the file says are draining."""
        return frozenset(backend_id(b.name) for b in self.backends if b.draining)
