"""What a front end knows about the gateway it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId, BackendType, Zone
from nexus.domain.events import RequestFinished, RequestRefused, Update
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, NewKey
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.routes import Preview, Routes

Json = Mapping[str, object]
"""An object as the control API answers it. Text in it is clean."""


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """Facts that do not change while the process lives."""

    url: str
    """Where clients point their SDK, without `/v1`."""
    version: str
    started_at: float
    """Unix seconds."""
    config_path: str
    """The file in use, or empty when there is none."""
    demo: bool = False
    """True when the fleet is simulated, which the screen must say."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What one candidate of a decision got."""

    backend: str
    """Name. Text from outside: clean before display."""
    model: str
    place: int | None
    """In the plan, from 1; None where it was not in it."""
    score: int | None
    """0..100; None where a rule said no."""
    why: str
    """What the score is made of, or why it was ruled out."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What answers at a URL."""

    url: str
    """As it would be kept: without a trailing slash or `/v1`."""
    type: BackendType
    detail: str
    """`vLLM 0.11.0 (/v1/models owned_by)`: what it is, and how that is known."""


@dataclass(frozen=True, slots=True)
class NewBackend:
    """A backend that an operator adds."""

    url: str
    name: str = ""
    """Empty: made from the URL."""
    type: BackendType | None = None
    """None: found out."""
    zone: Zone | None = None
    """None: the type's own."""
    priority: int = 50
    tier: int | None = None
    max_concurrent: int | None = None
    api_key_env: str | None = None
    """Name of the environment variable that holds the key; the key itself is never asked for."""


@dataclass(frozen=True, slots=True)
class BackendEdit:
    """What is to be different about a backend; None stays as it is."""

    zone: Zone | None = None
    priority: int | None = None
    tier: int | None = None
    max_concurrent: int | None = None
    cleared: frozenset[str] = frozenset()
    """Names of the fields above that become what they are where nobody says anything
    (`nexus.domain.backend.untold`): no limit, priority 50, tier 1, the zone of the type."""


@dataclass(frozen=True, slots=True)
class Lately:
    """Requests that ended of late: what a dashboard starts with."""

    since: float
    """Unix seconds from which none is missing."""
    ended: tuple[RequestFinished | RequestRefused, ...] = ()
    """Oldest first."""


class FleetSource(Protocol):
    """Where a dashboard's facts come from and where its wishes go.

    In-process (`tui.sources.local`) and attached over HTTP (`tui.sources.remote`). Everything but
    `updates` raises `nexus.errors.NexusError` with a sentence for the operator; the effect of a
    command comes back as updates, and what it returns is for others.
    """

    @property
    def info(self) -> GatewayInfo: ...

    @property
    def role(self) -> Role:
        """What this operator may do. Wishes beyond it are not offered, and refused if they come."""
        ...

    def updates(self) -> AsyncIterator[Update]:
        """`FleetSeen` first, changes after it, `FleetSeen` again after a gap."""
        ...

    async def drain(self, backend_id: BackendId) -> None:
        """Send no new work there. Idempotent."""
        ...

    async def undrain(self, backend_id: BackendId) -> None:
        """Take it back into rotation. Idempotent."""
        ...

    async def check(self, backend_id: BackendId) -> None:
        """Probe one backend now."""
        ...

    async def scan(self) -> None:
        """Probe the well-known local ports now."""
        ...

    async def approve(self, backend_id: BackendId) -> None:
        """Use a server that waits (`ServerFound`)."""
        ...

    async def dismiss(self, backend_id: BackendId) -> object:
        """Forget a server that waits, and do not ask about it again."""
        ...

    # ---- the past

    async def lately(self) -> Lately:
        """The last requests that ended, as `updates` tells of them.

        Few: they are for the first picture of a dashboard. `updates` may tell some of them too.
        """
        ...

    async def requests(self, wanted: Wanted, limit: int = 100) -> tuple[Json, ...]:
        """Requests in a line each, newest first: `nexus.explain.account.summary`."""
        ...

    async def story(self, request_id: str) -> Json:
        """Everything about one request: `nexus.explain.account.account`."""
        ...

    async def decide_again(self, request_id: str) -> Json:
        """What would be done with the same request now (`nexus.explain.rehearsal`)."""
        ...

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        """A number over time, of one backend or model (by name) or of all, oldest first."""
        ...

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        """What people changed, newest first."""
        ...

    async def logs(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        """Lines of the log with a greater `seq` than `after`; the last `limit` of them."""
        ...

    async def log_levels(self) -> Mapping[str, LogLevel]:
        """The level of each component; `""` is that of all others."""
        ...

    async def routes(self) -> Routes:
        """The routing configuration in force."""
        ...

    async def keys(self) -> Keyring:
        """The keys of the control plane, without what opens anything; for admins."""
        ...

    async def preview_key(self, new: NewKey) -> KeyImpact:
        """What making a key would do, or why it cannot be."""
        ...

    async def preview_revoke(self, name: str) -> KeyImpact:
        """What revoking a key would do."""
        ...

    # ---- more wishes

    async def cancel(self, request_id: str) -> None:
        """End a request that runs: its client is told, its backend is let go."""
        ...

    async def recognise(self, url: str) -> Recognition | None:
        """Find out what runs at a URL, without keeping it. None when nothing known answers."""
        ...

    async def add(self, backend: NewBackend) -> str:
        """Register a backend. Returns a sentence: what it is, and how that is known."""
        ...

    async def edit(self, backend_id: BackendId, edit: BackendEdit) -> object:
        """Change what is told about a backend."""
        ...

    async def remove(self, backend_id: BackendId) -> object:
        """Forget a backend; its requests in flight finish."""
        ...

    async def load_model(self, backend_id: BackendId, model_id: str) -> object:
        """Bring a model into the backend's memory, where its server can."""
        ...

    async def unload_model(self, backend_id: BackendId, model_id: str) -> object:
        """Free the memory of a model, where its server can."""
        ...

    async def preview(self, routes: Routes) -> Preview:
        """What these routes would change; the last hour's requests are decided again."""
        ...

    async def apply(self, routes: Routes) -> Routes:
        """Put routes in force and into the configuration file; returns them with their version.

        Raises:
            Conflict: somebody changed the routes meanwhile.
            BadRequest: they cannot be; the sentence says why.
        """
        ...

    async def undo(self) -> Routes:
        """Take back the last change of the routes; itself a change that can be taken back."""
        ...

    async def create_key(self, new: NewKey) -> KeyMade:
        """Make a key, which is told this once.

        Raises:
            Conflict: there is one of that name, or somebody changed the keys meanwhile.
        """
        ...

    async def revoke_key(self, name: str, version: str = "") -> KeyGone:
        """Take a key away at once: whoever uses it is shut out.

        Args:
            version: of the keyring that was looked at; empty makes it whatever happened since.
        """
        ...

    async def set_log_level(self, component: str, level: LogLevel) -> None:
        """Log more or less of one component, or of all others (`""`), until the next start."""
        ...
