"""What control asks of others, who are below it or beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from nexus.domain.audit import Actor
from nexus.domain.backend import Backend, BackendFace, BackendId, BackendType
from nexus.domain.events import ServerFound
from nexus.domain.fleet import Fleet
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, KeySeen, NewKey
from nexus.domain.routes import Preview, Routes

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig

Recognise = Callable[[str, str | None], Awaitable[tuple[BackendType, str] | None]]
"""What runs at a URL, asked with the key of a variable where one is named, and how that is known;
None when nothing answers."""

Keep = Callable[[Callable[[str], str]], Awaitable[str]]
"""Edits the text of the configuration file; empty, or why that is lost at the next start."""

Admit = Callable[[ServerFound], BackendFace | None]
"""Registers a server that waits; None where another backend has its URL or its name."""


class Checks(Protocol):
    """Looks at a backend: `nexus.health.checker.HealthChecker`."""

    async def check(self, backend_id: BackendId) -> None: ...


class Levers(Protocol):
    """Moves models into memory and out of it: `nexus.lifecycle.levers.Levers`."""

    async def load(self, backend_id: BackendId, model_id: str) -> Backend: ...
    async def unload(self, backend_id: BackendId, model_id: str) -> Backend: ...


class Lobby(Protocol):
    """Servers that were found and wait: `nexus.discovery.waiting.WaitingRoom`."""

    def all(self) -> tuple[ServerFound, ...]: ...
    def find(self, word: str) -> ServerFound | None: ...
    def dismiss(self, id: BackendId) -> ServerFound | None: ...


class RouteEdits(Protocol):
    """Edits of the routes: `nexus.edits.RouteEdits`."""

    def routes(self) -> Routes: ...
    async def preview(self, wanted: Routes, fleet: Fleet) -> tuple[Preview, NexusConfig | None]: ...
    async def apply(self, wanted: Routes) -> tuple[Routes, Routes]: ...
    async def undo(self) -> tuple[Routes, Routes]: ...


class KeyEdits(Protocol):
    """Keys of the control plane: `nexus.keys.KeyEdits`."""

    def used(self, who: Actor) -> None: ...
    def ring(self, who: Actor) -> Keyring: ...
    async def preview(self, new: NewKey, who: Actor) -> KeyImpact: ...
    async def create(self, new: NewKey) -> KeyMade: ...
    async def preview_revoke(self, name: str, who: Actor) -> KeyImpact: ...
    async def revoke(self, name: str, made_from: str, who: Actor) -> tuple[KeySeen, KeyGone]: ...
