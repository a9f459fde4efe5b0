"""The gateway of this process as a source: each wish goes to the face of control it is about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from nexus.control.control import Control
from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry, actor
from nexus.domain.backend import BackendId
from nexus.domain.events import Update
from nexus.domain.gateway import (
    BackendEdit,
    FleetSource,
    GatewayInfo,
    Json,
    Lately,
    NewBackend,
    Recognition,
)
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, NewKey
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.routes import Preview, Routes
from nexus.domain.text import clean


class Local:
    """A `FleetSource`; what each method does is told there.

    Args:
        control: of the gateway in this process.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    @property
    def info(self) -> GatewayInfo:
        return self._control.view.info

    @property
    def role(self) -> Role:
        return Role(actor().role)

    def updates(self) -> AsyncIterator[Update]:
        return self._control.view.updates()

    # ---- backends

    async def drain(self, backend_id: BackendId) -> None:
        await self._control.backends.drain(backend_id)

    async def undrain(self, backend_id: BackendId) -> None:
        await self._control.backends.undrain(backend_id)

    async def check(self, backend_id: BackendId) -> None:
        await self._control.backends.check(backend_id)

    async def recognise(self, url: str) -> Recognition | None:
        return await self._control.backends.recognise(url)

    async def add(self, backend: NewBackend) -> str:
        added, evidence = await self._control.backends.register(backend)
        return f"{clean(added.name)} is {added.face.type.value}: {clean(evidence)}"

    async def edit(self, backend_id: BackendId, edit: BackendEdit) -> None:
        await self._control.backends.alter(backend_id, edit)

    async def remove(self, backend_id: BackendId) -> None:
        await self._control.backends.remove(backend_id)

    async def load_model(self, backend_id: BackendId, model_id: str) -> None:
        await self._control.backends.load_model(backend_id, model_id)

    async def unload_model(self, backend_id: BackendId, model_id: str) -> None:
        await self._control.backends.unload_model(backend_id, model_id)

    # ---- servers that wait

    async def scan(self) -> None:
        await self._control.waiting.scan()

    async def approve(self, backend_id: BackendId) -> None:
        await self._control.waiting.admit(backend_id)

    async def dismiss(self, backend_id: BackendId) -> None:
        await self._control.waiting.dismiss(backend_id)

    # ---- requests

    async def lately(self) -> Lately:
        return await self._control.requests.lately()

    async def requests(self, wanted: Wanted, limit: int = 100) -> tuple[Json, ...]:
        return await self._control.requests.recent(wanted, limit)

    async def story(self, request_id: str) -> Json:
        return await self._control.requests.story(request_id)

    async def decide_again(self, request_id: str) -> Json:
        return await self._control.requests.decide_again(request_id)

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        requests = self._control.requests
        return await requests.series(metric, since, step_s, backend=backend, model=model)

    async def cancel(self, request_id: str) -> None:
        await self._control.requests.cancel(request_id)

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        return await self._control.ledger.changes(limit)

    # ---- routes

    async def routes(self) -> Routes:
        return await self._control.routing.routes()

    async def preview(self, routes: Routes) -> Preview:
        return await self._control.routing.preview(routes)

    async def apply(self, routes: Routes) -> Routes:
        return await self._control.routing.apply(routes)

    async def undo(self) -> Routes:
        return await self._control.routing.undo()

    # ---- keys

    async def keys(self) -> Keyring:
        return await self._control.keys.ring()

    async def preview_key(self, new: NewKey) -> KeyImpact:
        return await self._control.keys.preview(new)

    async def create_key(self, new: NewKey) -> KeyMade:
        return await self._control.keys.create(new)

    async def preview_revoke(self, name: str) -> KeyImpact:
        return await self._control.keys.preview_revoke(name)

    async def revoke_key(self, name: str, version: str = "") -> KeyGone:
        return await self._control.keys.revoke(name, version)

    # ---- the log

    async def logs(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        return await self._control.log.lines(after, limit)

    async def log_levels(self) -> Mapping[str, LogLevel]:
        return await self._control.log.levels()

    async def set_log_level(self, component: str, level: LogLevel) -> None:
        await self._control.log.set_level(component, level)


def local(control: Control) -> FleetSource:
    """`control` as a source."""
    return Local(control)
