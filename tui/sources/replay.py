"""A source that plays what it is given: for tests and for screenshots."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from typing import cast

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId
from nexus.domain.events import Update
from nexus.domain.gateway import (
    BackendEdit,
    GatewayInfo,
    Json,
    Lately,
    NewBackend,
    Recognition,
)
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, KeySeen, NewKey
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.routes import Preview, Routes
from nexus.errors import Conflict, NexusError, NotFound

SAID_KEY = "nxk_made-up-for-pictures-and-tests-0123456789abc"
"""What every key is that is made here."""


class ReplaySource:
    """Gives updates in order, then waits for more; remembers what was wished."""

    def __init__(self, info: GatewayInfo, updates: Iterable[Update] = ()) -> None:
        self._info = info
        self.role = Role.ADMIN
        self._queue: asyncio.Queue[Update | None] = asyncio.Queue()
        self.wishes: list[tuple[str, str]] = []
        """Commands received, as (verb, backend id)."""
        self.again: Json = {}
        """What would be done with any request now."""
        self.refusal: NexusError | None = None
        """Raised by the next commands, when set."""
        self.past: tuple[Json, ...] = ()
        """Requests in a line each, newest first."""
        self.recent = Lately(0.0)
        """What ended before anybody looked."""
        self.asked: list[Wanted] = []
        """What was asked of the past; only `until` is obeyed."""
        self.stories: dict[str, Json] = {}
        """Whole accounts, by request."""
        self.lines: tuple[LogLine, ...] = ()
        """The log."""
        self.levels: dict[str, LogLevel] = {"": LogLevel.INFO}
        self.made: tuple[AuditEntry, ...] = ()
        """What people changed, newest first."""
        self.table = Routes(version="1")
        """Routes in force; `apply` replaces them."""
        self.foreseen = Preview()
        """What previews answer."""
        self.ring = Keyring(version="1")
        """The keys; `create_key` and `revoke_key` change them."""
        self.key_impact = KeyImpact()
        """What is told before a key is made."""
        self.revoke_impact = KeyImpact()
        """What is told before one is revoked."""
        self.unkept = ""
        """Why changes of keys are lost at the next start."""
        self.found: dict[str, Recognition] = {}
        """What answers, by URL."""
        self.points: tuple[Point, ...] = ()
        """Every series."""
        self.added: list[NewBackend] = []
        self.edits: list[tuple[BackendId, BackendEdit]] = []
        self._undo: list[Routes] = []
        self.push(*updates)

    @property
    def info(self) -> GatewayInfo:
        return self._info

    def push(self, *updates: Update) -> None:
        """Play these next."""
        for update in updates:
            self._queue.put_nowait(update)

    def end(self) -> None:
        """Lose the connection."""
        self._queue.put_nowait(None)

    async def updates(self) -> AsyncIterator[Update]:
        while (update := await self._queue.get()) is not None:
            yield update

    async def drain(self, backend_id: BackendId) -> None:
        self._wish("drain", backend_id)

    async def undrain(self, backend_id: BackendId) -> None:
        self._wish("undrain", backend_id)

    async def check(self, backend_id: BackendId) -> None:
        self._wish("check", backend_id)

    async def scan(self) -> None:
        self._wish("scan", "")

    async def approve(self, backend_id: BackendId) -> None:
        self._wish("approve", backend_id)

    async def dismiss(self, backend_id: BackendId) -> None:
        self._wish("dismiss", backend_id)

    async def lately(self) -> Lately:
        return self.recent

    async def requests(self, wanted: Wanted, limit: int = 100) -> tuple[Json, ...]:
        self.asked.append(wanted)
        if self.refusal is not None:
            raise self.refusal
        until = wanted.until
        before = [one for one in self.past if until is None or cast(float, one["at"]) < until]
        return tuple(before[:limit])

    async def story(self, request_id: str) -> Json:
        if request_id not in self.stories:
            raise NotFound("not remembered")
        return self.stories[request_id]

    async def decide_again(self, request_id: str) -> Json:
        if self.refusal is not None:
            raise self.refusal
        return self.again

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        return self.points

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        return self.made[:limit]

    async def logs(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        return tuple(line for line in self.lines if line.seq > after)[-limit:]

    async def log_levels(self) -> Mapping[str, LogLevel]:
        return self.levels

    async def routes(self) -> Routes:
        return self.table

    async def cancel(self, request_id: str) -> None:
        self._wish("cancel", request_id)

    async def recognise(self, url: str) -> Recognition | None:
        return self.found.get(url)

    async def add(self, backend: NewBackend) -> str:
        self._wish("add", backend.url)
        self.added.append(backend)
        return f"{backend.url} was added."

    async def edit(self, backend_id: BackendId, edit: BackendEdit) -> None:
        self._wish("edit", backend_id)
        self.edits.append((backend_id, edit))

    async def remove(self, backend_id: BackendId) -> None:
        self._wish("remove", backend_id)

    async def load_model(self, backend_id: BackendId, model_id: str) -> None:
        self._wish("load", f"{backend_id} {model_id}")

    async def unload_model(self, backend_id: BackendId, model_id: str) -> None:
        self._wish("unload", f"{backend_id} {model_id}")

    async def preview(self, routes: Routes) -> Preview:
        return self.foreseen

    async def apply(self, routes: Routes) -> Routes:
        self._wish("apply", routes.version)
        if routes.version != self.table.version:
            raise Conflict("somebody changed the routes meanwhile")
        self._undo.append(self.table)
        self.table = replace(routes, version=f"{int(routes.version) + 1}")
        return self.table

    async def undo(self) -> Routes:
        self._wish("undo", "")
        if not self._undo:
            raise NotFound("there is no change to take back")
        self.table = replace(self._undo.pop(), version=f"{int(self.table.version) + 1}")
        return self.table

    async def keys(self) -> Keyring:
        if self.refusal is not None:
            raise self.refusal
        return self.ring

    async def preview_key(self, new: NewKey) -> KeyImpact:
        if any(key.name == new.name for key in self.ring.keys):
            return KeyImpact(problems=(f"There is a key called '{new.name}' already",))
        return replace(self.key_impact, version=self.ring.version)

    async def preview_revoke(self, name: str) -> KeyImpact:
        return replace(self.revoke_impact, version=self.ring.version)

    async def create_key(self, new: NewKey) -> KeyMade:
        self._wish("create key", f"{new.name} {new.role}")
        self._change_keys(new.version, (*self.ring.keys, KeySeen(new.name, new.role, "file")))
        return KeyMade(new.name, new.role, SAID_KEY, self.ring.version, self.unkept)

    async def revoke_key(self, name: str, version: str = "") -> KeyGone:
        self._wish("revoke key", name)
        key = next(key for key in self.ring.keys if key.name == name)
        self._change_keys(version, tuple(each for each in self.ring.keys if each is not key))
        return KeyGone(name, key.role, self.ring.version, self.unkept)

    def _change_keys(self, version: str, keys: tuple[KeySeen, ...]) -> None:
        if version not in ("", self.ring.version):
            raise Conflict("The keys were changed meanwhile")
        self.ring = replace(self.ring, keys=keys, version=f"{int(self.ring.version) + 1}")

    async def set_log_level(self, component: str, level: LogLevel) -> None:
        self._wish("log level", f"{component} {level}")
        self.levels[component] = level

    def _wish(self, verb: str, backend_id: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.wishes.append((verb, backend_id))
