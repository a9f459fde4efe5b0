"""What a front end knows about the gateway it shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from nexus.domain.backend import BackendId
from nexus.domain.events import Update


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


class FleetSource(Protocol):
    """Where a dashboard's facts come from and where its wishes go.

    In-process (`tui.sources.local`) and, later, attached over HTTP. Commands raise
    `nexus.errors.NexusError` with a sentence for the operator; their effect comes back as updates.
    """

    @property
    def info(self) -> GatewayInfo: ...

    def updates(self) -> AsyncIterator[Update]:
        """`FleetSeen` first, changes after it, `FleetSeen` again after a gap."""
        ...

    async def explain(self, request_id: str) -> tuple[Standing, ...]:
        """What each candidate of a request got, the chosen one first."""
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

    async def dismiss(self, backend_id: BackendId) -> None:
        """Forget a server that waits, and do not ask about it again."""
        ...
