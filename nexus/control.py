"""Everything a front end may see or do.

The control API and the in-process dashboard both go through this class, so neither can do what the
other cannot. It satisfies `nexus.domain.gateway.FleetSource`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from nexus.config.edit import has_backend, with_backend, without_backend
from nexus.config.entry import entry_of, words_of
from nexus.discovery.places import places
from nexus.domain.access import Role
from nexus.domain.audit import Actor, AuditEntry, Facts, acting, actor
from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Load,
    Source,
    default_zone,
    untold,
)
from nexus.domain.events import ChangeMade, PortProbed, RequestRouted, ServerFound, Update
from nexus.domain.fleet import Fleet
from nexus.domain.gateway import BackendEdit, GatewayInfo, NewBackend, Recognition, Standing
from nexus.domain.history import Metric, Point, Wanted
from nexus.domain.keys import KeyGone, KeyImpact, KeyMade, Keyring, KeySeen, NewKey
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.policy import Policy
from nexus.domain.routes import Preview, Routes, apart
from nexus.domain.text import clean
from nexus.domain.urls import backend_id, normalise, without_userinfo
from nexus.errors import BadRequest, Conflict, Forbidden, NotFound
from nexus.explain.account import account, standings, summary
from nexus.registry.registry import Registry
from nexus.store.past import Past
from nexus.store.store import Store
from nexus.telemetry import stats
from nexus.telemetry.bus import Bus
from nexus.telemetry.exposition import Exposition
from nexus.telemetry.log_ring import LogRing
from nexus.telemetry.logs import BASE, get_logger, levels, set_level
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Record, Records

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig
    from nexus.explain.foresight import Foresight

log = get_logger("nexus.control")

T = TypeVar("T")

REHEARSED_S = 3600.0
"""How far back requests are decided again in a preview, seconds."""

Recognise = Callable[[str, str | None], Awaitable[tuple[BackendType, str] | None]]
"""What runs at a URL, asked with the key of a variable where one is named, and how that is known;
None when nothing answers."""


Keep = Callable[[Callable[[str], str]], Awaitable[str]]
"""Edits the text of the configuration file; empty, or why that is lost at the next start."""


class Checks(Protocol):
    """What control asks of the health checker."""

    async def check(self, backend_id: BackendId) -> None: ...


class Levers(Protocol):
    """Moves models into memory and out of it: `nexus.lifecycle.levers.Levers`."""

    async def load(self, backend_id: BackendId, model_id: str) -> Backend: ...
    async def unload(self, backend_id: BackendId, model_id: str) -> Backend: ...


class Routing(Protocol):
    """Edits of the routes: `nexus.edits.RouteEdits`."""

    def routes(self) -> Routes: ...
    async def preview(self, wanted: Routes, fleet: Fleet) -> tuple[Preview, NexusConfig | None]: ...
    async def apply(self, wanted: Routes) -> tuple[Routes, Routes]: ...
    async def undo(self) -> tuple[Routes, Routes]: ...


class Keys(Protocol):
    """Keys of the control plane: `nexus.keys.KeyEdits`."""

    def used(self, who: Actor) -> None: ...
    def ring(self, who: Actor) -> Keyring: ...
    async def preview(self, new: NewKey, who: Actor) -> KeyImpact: ...
    async def create(self, new: NewKey) -> KeyMade: ...
    async def preview_revoke(self, name: str, who: Actor) -> KeyImpact: ...
    async def revoke(self, name: str, made_from: str, who: Actor) -> tuple[KeySeen, KeyGone]: ...


class Lobby(Protocol):
    """Servers that were found and wait: `nexus.discovery.waiting.WaitingRoom`."""

    def all(self) -> tuple[ServerFound, ...]: ...
    def find(self, word: str) -> ServerFound | None: ...
    def dismiss(self, id: BackendId) -> ServerFound | None: ...


class Control:
    """See the module.

    Args:
        info: facts about this gateway.
        registry: the truth.
        bus: where updates come from.
        policy: the one in force.
        unix: Unix seconds.
        checks: the health checker.
        levers: loads and unloads models.
        scan: looks at the well-known ports.
        recognise: finds out what runs at a URL.
        probed: the last look at each address.
        waiting: servers that wait for approval.
        admit: registers one of them.
        keep: writes a change of the backends into the configuration file.
        records: the decisions of late.
        metrics: numbers since the start.
        store: keeps requests and changes over a restart; None keeps them in memory.
        cancel: ends a request, and says why; False where it does not run.
        under_way: the requests that run.
        edits: edits of the routes; None where there are none.
        keys: the keys of the control plane; None where they cannot be seen or changed.
        ring: the last lines of the log.
    """

    def __init__(
        self,
        info: GatewayInfo,
        registry: Registry,
        bus: Bus,
        policy: Callable[[], Policy],
        unix: Callable[[], float],
        *,
        checks: Checks,
        levers: Levers,
        scan: Callable[[], Awaitable[object]],
        recognise: Recognise,
        probed: Mapping[str, PortProbed],
        waiting: Lobby,
        admit: Callable[[ServerFound], BackendFace | None],
        keep: Keep,
        records: Records,
        metrics: Metrics,
        store: Store | None = None,
        cancel: Callable[[str, str], bool] = lambda request_id, why: False,
        under_way: Callable[[], Iterable[RequestRouted]] = tuple,
        edits: Routing | None = None,
        keys: Keys | None = None,
        ring: LogRing | None = None,
    ) -> None:
        self._cancel = cancel
        self._under_way = under_way
        self._edits = edits
        self._keys = keys
        self._ring = ring
        self._store = store or Store(unix=unix)
        self._past = Past(records, self._store)
        self._records = records
        self._metrics = metrics
        self._info = info
        self._registry = registry
        self._bus = bus
        self.policy = policy
        self._unix = unix
        self._checks = checks
        self._levers = levers
        self._scan = scan
        self._recognise = recognise
        self._probed = probed
        self._waiting = waiting
        self._admit = admit
        self._write = keep

    # ---- seeing

    @cached_property
    def foresight(self) -> Foresight:
        """What would be in another fleet or under another policy."""
        from nexus.explain.foresight import Foresight  # a megabyte that few gateways need

        fleet, loads = self._registry.fleet, self._registry.loads
        kept = self._store.columns
        return Foresight(fleet, self.policy, loads, self._records, kept, self._unix)

    @property
    def info(self) -> GatewayInfo:
        """Facts that do not change while the process lives."""
        return self._info

    @property
    def role(self) -> Role:
        """What whoever acts may do."""
        return Role(actor().role)

    @property
    def bus(self) -> Bus:
        """Where updates come from, for those that serve them to others."""
        return self._bus

    def uptime_s(self) -> float:
        """Seconds since start."""
        return self._unix() - self._info.started_at

    def fleet(self) -> Fleet:
        """The picture of this moment, with the times of the last checks."""
        return self._registry.shown()

    def load(self, backend_id: BackendId) -> Load:
        """One backend's traffic; zeros for one that has left."""
        return self._registry.load(backend_id)

    async def updates(self) -> AsyncIterator[Update]:
        """`FleetSeen` first, changes after it, `FleetSeen` again when this reader fell behind."""
        reader = self._bus.reader()
        try:
            for update in self.opening():
                yield update
            while not reader.closed:
                await reader.wait()
                events, missed = reader.take()
                if missed:
                    for update in self.opening():
                        yield update
                for event in events:
                    yield event
        finally:
            reader.close()

    def opening(self) -> list[Update]:
        """Everything that is so now, for a reader that starts or has missed something."""
        found = (*self._probed.values(), *self._waiting.all(), *self._under_way())
        return [self._registry.seen(), *found]

    def discovered(self) -> tuple[ServerFound, ...]:
        """Servers beyond this machine that wait for approval, oldest first."""
        return self._waiting.all()

    def looked_at(self) -> tuple[PortProbed, ...]:
        """Every address that was looked at, with what came of it."""
        return tuple(self._probed.values())

    def stats(self) -> dict[str, Any]:
        """Requests since the start, by backend and by model."""
        loads = self._registry.loads()
        now = self._unix()
        return stats.stats(self._metrics, self.fleet(), loads, self.uptime_s(), now)

    def history(self) -> list[dict[str, Any]]:
        """The last hundred requests, oldest first."""
        return stats.history(self._metrics)

    def prometheus(self, accept: str = "") -> tuple[str, Iterator[bytes]]:
        """Content type, and the numbers as Prometheus reads them, in pieces.

        Args:
            accept: the header, which asks for a format.
        """
        loads = self._registry.loads
        return Exposition(self._metrics, self.fleet, loads, self._unix).page(accept)

    async def requests(
        self, wanted: Wanted, limit: int = 100, *, before: str = ""
    ) -> tuple[dict[str, Any], ...]:
        """Requests in a line each, newest first: those in memory, then those in the history file.

        Args:
            before: the id of the request to go on from.
        """
        return tuple(await self._past.requests(limit, wanted, summary, before))

    async def story(self, request_id: str) -> dict[str, Any]:
        """Why a request went where it went, and what came of it.

        Raises:
            NotFound: it is not remembered.
        """
        return await self._told(request_id, account)

    async def explain(self, request_id: str) -> tuple[Standing, ...]:
        """What each candidate of a request got, the chosen one first.

        Raises:
            NotFound: it is not remembered.
        """
        return await self._told(request_id, standings)

    async def decide_again(self, request_id: str) -> dict[str, Any]:
        """What would be done with the same request now; nothing is sent.

        Raises:
            NotFound: it is not remembered.
            BadRequest: it could not be read when it came.
        """
        return self.foresight.again(await self._told(request_id, lambda record: record))

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> tuple[Point, ...]:
        """A number over time, of one backend or model (by name) or of all, oldest first."""
        return tuple(await self._past.series(metric, since, step_s, backend=backend, model=model))

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        """What people changed, newest first."""
        return tuple(await self._past.changes(limit))

    async def _told(self, request_id: str, tell: Callable[[Record], T]) -> T:
        told = await self._past.one(request_id, tell)
        if told is None:
            raise NotFound(
                f"No request '{clean(request_id, 100)}' is remembered: "
                f"{self._store.reach}. `nexus explain` without an id lists the last ones"
            )
        return told

    # ---- doing

    def resolve(self, name_or_id: str) -> Backend:
        """A backend by name or id.

        Raises:
            NotFound: there is none; the sentence lists those there are.
        """
        backend = self._registry.resolve(name_or_id)
        if backend is None:
            names = ", ".join(b.name for b in self.fleet().backends.values()) or "none"
            raise NotFound(f"No backend is called '{name_or_id[:100]}'. Backends: {names}")
        return backend

    async def drain(self, backend_id: BackendId) -> None:
        """Send no new work there. Idempotent."""
        self._needed(Role.OPERATOR, "drain a backend")
        await self._set_draining(backend_id, True)

    async def undrain(self, backend_id: BackendId) -> None:
        """Take it back into rotation. Idempotent."""
        self._needed(Role.OPERATOR, "take a backend back")
        await self._set_draining(backend_id, False)

    async def check(self, backend_id: BackendId) -> None:
        """Probe one backend now."""
        self._needed(Role.OPERATOR, "check a backend")
        await self._checks.check(self.resolve(backend_id).id)

    async def load_model(self, backend_id: BackendId, model_id: str) -> Backend:
        """Bring a model into a backend's memory; returns when it is there, which may take minutes.

        Raises:
            NotFound: no such backend, or it lists no such model.
            Conflict: its server cannot do that, or would not.
            UpstreamError: it gave no answer.
        """
        self._needed(Role.OPERATOR, "load a model")
        backend = await self._levers.load(self.resolve(backend_id).id, model_id)
        self._changed("load", backend.name, None, {"model": clean(model_id)})
        log.info("backend %s loads %s", backend.name, clean(model_id, 100))
        return backend

    async def unload_model(self, backend_id: BackendId, model_id: str) -> Backend:
        """Free the memory of a model; what it is answering is up to its server. Raises as above."""
        self._needed(Role.OPERATOR, "unload a model")
        backend = await self._levers.unload(self.resolve(backend_id).id, model_id)
        self._changed("unload", backend.name, {"model": clean(model_id)}, None)
        log.info("backend %s unloads %s", backend.name, clean(model_id, 100))
        return backend

    async def scan(self) -> None:
        """Probe the well-known local ports now, and look again at what was announced."""
        self._needed(Role.OPERATOR, "scan")
        await self._scan()

    async def approve(self, backend_id: BackendId) -> None:
        """Use a server that waits, or was dismissed."""
        await self.admit(backend_id)

    async def admit(self, word: str) -> Backend:
        """Register a server that waits, by id, name or URL, and check it at once.

        Raises:
            NotFound: none of that name waits.
            Conflict: another backend has its URL or its name.
        """
        self._needed(Role.OPERATOR, "approve a server")
        server = self.find_waiting(word)
        face = self._admit(server)
        if face is None:
            raise Conflict(f"{server.url} is registered already")
        self._changed("approve", face.name, None, words_of(face))
        log.info("backend %s approved: %s, %s", face.name, face.type.value, face.url)
        await self._keep(lambda text: with_backend(text, face.name, entry_of(face)))
        await self._checks.check(face.id)
        return self.resolve(face.id)

    async def dismiss(self, backend_id: BackendId) -> ServerFound:
        """Forget a server that waits, until Nexus starts anew or somebody approves it."""
        self._needed(Role.OPERATOR, "dismiss a server")
        server = self.find_waiting(backend_id)
        self._waiting.dismiss(server.id)
        self._changed("dismiss", server.name, {"url": without_userinfo(server.url)}, None)
        log.info("%s at %s was dismissed", server.name, server.url)
        return server

    def find_waiting(self, word: str) -> ServerFound:
        """One that waits, by id, name or URL.

        Raises:
            NotFound: there is none; the sentence lists those there are.
        """
        server = self._waiting.find(word)
        if server is None:
            names = ", ".join(one.name for one in self._waiting.all()) or "none"
            raise NotFound(f"No server called '{word[:100]}' waits for approval. Waiting: {names}")
        return server

    async def recognise(self, url: str) -> Recognition | None:
        """Find out what runs at a URL, without keeping it. None when nothing known answers.

        Raises:
            BadRequest: not a URL.
        """
        self._needed(Role.OPERATOR, "look at a URL")
        url = _normal(url)
        found = await self._recognise(url, None)
        return None if found is None else Recognition(without_userinfo(url), *found)

    async def add(self, backend: NewBackend) -> str:
        """Register a backend. Returns a sentence: what it is, and how that is known."""
        added, evidence = await self.register(backend)
        return f"{clean(added.name)} is {added.face.type.value}: {clean(evidence)}"

    async def register(self, new: NewBackend) -> tuple[Backend, str]:
        """Register a backend and check it at once.

        Returns:
            The backend, and how its type was found out.

        Raises:
            BadRequest: not a URL, or a number out of range.
            Conflict: its name or its URL is registered already.
        """
        self._needed(Role.ADMIN, "add a backend")
        url = _normal(new.url)
        _in_bounds(new.priority, new.tier, new.max_concurrent)
        type, evidence = new.type, "given"
        if type is None:
            found = await self._recognise(url, new.api_key_env)
            type, evidence = found or (BackendType.GENERIC, "nothing known answers there yet")
        shown = without_userinfo(url)
        name = new.name or shown.partition("://")[2].removeprefix("***@")
        face = BackendFace(
            id=backend_id(name),
            name=name,
            url=url,
            type=type,
            zone=new.zone or default_zone(type),
            source=Source.MANUAL,
            priority=new.priority,
            tier=1 if new.tier is None else new.tier,
            max_concurrent=new.max_concurrent,
            api_key_env=new.api_key_env,
            zone_told=new.zone is not None,
        )
        spots = await places(url)
        for other in self.fleet().backends.values():
            found = other.face.source not in (Source.STATIC, Source.MANUAL)
            same = other.face.url == url or (found and bool(spots & await places(other.face.url)))
            if same and found:  # the operator's word replaces a guess
                self._registry.remove(other.id)
            elif other.id == face.id:
                raise Conflict(
                    f"A backend called '{name}' is registered already "
                    f"({without_userinfo(other.face.url)})"
                )
            elif same:
                raise Conflict(f"{shown} is registered already, as '{other.name}'")
        self._registry.add(face)
        self._changed("add", name, None, words_of(face))
        log.info("backend %s added: %s, %s", name, type.value, shown)
        await self._keep(lambda text: with_backend(text, name, entry_of(face)))
        await self._checks.check(face.id)
        return self.resolve(face.id), evidence

    async def edit(self, backend_id: BackendId, edit: BackendEdit) -> None:
        """Change what is told about a backend."""
        await self.alter(backend_id, edit)

    async def alter(self, backend_id: BackendId, edit: BackendEdit) -> Backend:
        """Change what is told about a backend; what is None stays, unless it is cleared.

        Raises:
            NotFound: no such backend.
            BadRequest: a number out of range.
        """
        self._needed(Role.ADMIN, "edit a backend")
        face = self.resolve(backend_id).face
        _in_bounds(edit.priority, edit.tier, edit.max_concurrent)
        wanted = {
            "priority": edit.priority,
            "zone": edit.zone,
            "tier": edit.tier,
            "max_concurrent": edit.max_concurrent,
        }
        usual = untold(face)
        given = {
            key: getattr(usual, key) if key in edit.cleared else value
            for key, value in wanted.items()
            if value is not None or key in edit.cleared
        }
        told = (face.zone_told or edit.zone is not None) and "zone" not in edit.cleared
        changed = replace(face, zone_told=told, **given)  # pyright: ignore[reportArgumentType]
        self._registry.set_face(changed)
        said = ", ".join(
            f"{key} = {'none' if value is None else value}" for key, value in given.items()
        )
        before, after = words_of(face), words_of(changed)
        self._changed(
            "edit",
            face.name,
            {key: before[key] for key in given},
            {key: after[key] for key in given},
        )
        log.info("backend %s changed: %s", face.name, said)
        await self._keep(lambda text: with_backend(text, face.name, entry_of(changed)))
        if told is not face.zone_told:  # its models may be set apart, or no longer
            await self._checks.check(face.id)
        return self.resolve(face.id)

    async def remove(self, backend_id: BackendId) -> Backend:
        """Forget a backend; its requests in flight finish."""
        self._needed(Role.ADMIN, "remove a backend")
        backend = self.resolve(backend_id)
        self._registry.remove(backend.id)
        self._changed("remove", backend.name, words_of(backend.face), None)
        log.info("backend %s removed", backend.name)
        await self._keep(lambda text: without_backend(text, backend.name))
        return backend

    # ---- the routes

    async def routes(self) -> Routes:
        """The routing configuration in force."""
        return self._routing().routes()

    async def preview(self, routes: Routes) -> Preview:
        """What these routes would change; the last hour's requests are decided again."""
        preview, config = await self._routing().preview(routes, self.fleet())
        if config is None:
            return preview
        from nexus.explain.preview import with_moves
        from nexus.explain.proposal import Proposal

        plan = Proposal(self.fleet(), config.policy())
        found = await self.foresight.decided_again(plan, REHEARSED_S)
        return with_moves(preview, found, self._unix())

    async def apply(self, routes: Routes) -> Routes:
        """Put routes in force and into the configuration file; returns them with their version.

        Raises:
            Outdated: somebody changed the routes meanwhile.
            BadRequest: they cannot be; the sentence says why.
        """
        self._needed(Role.ADMIN, "edit the routes")
        return self._edited("edit", *await self._routing().apply(routes))

    async def undo(self) -> Routes:
        """Take back the last change of the routes; itself a change that can be taken back.

        Raises:
            Conflict: there is none, or the file was edited since.
        """
        self._needed(Role.ADMIN, "edit the routes")
        return self._edited("undo", *await self._routing().undo())

    def _edited(self, action: str, before: Routes, after: Routes) -> Routes:
        if before.version != after.version:
            self._changed(action, "routing", *apart(before, after))
        return after

    def _routing(self) -> Routing:
        if self._edits is None:
            raise Conflict("This Nexus cannot edit its routes")
        return self._edits

    # ---- keys

    def came(self, who: Actor) -> None:
        """Somebody was let in over HTTP."""
        if self._keys is not None:
            self._keys.used(who)

    async def keys(self) -> Keyring:
        """The keys of the control plane, without what opens anything."""
        return self._keyring("see the keys").ring(actor())

    async def preview_key(self, new: NewKey) -> KeyImpact:
        """What making a key would do, or why it cannot be."""
        return await self._keyring("make a key").preview(new, actor())

    async def create_key(self, new: NewKey) -> KeyMade:
        """Make a key, which is told this once.

        Raises:
            BadRequest: it cannot be called that.
            Conflict: another one is.
            Outdated: the keys were changed meanwhile.
        """
        made = await self._keyring("make a key").create(new)
        self._changed("keys create", made.name, None, {"role": made.role.value})
        return made

    async def preview_revoke(self, name: str) -> KeyImpact:
        """What revoking a key would do.

        Raises:
            NotFound: there is none of that name.
        """
        return await self._keyring("revoke a key").preview_revoke(name, actor())

    async def revoke_key(self, name: str, version: str = "") -> KeyGone:
        """Take a key away at once: whoever uses it is shut out.

        Args:
            version: of the keyring that was looked at; empty makes it whatever happened since.

        Raises:
            NotFound: there is none of that name.
            Outdated: the keys were changed meanwhile.
        """
        key, gone = await self._keyring("revoke a key").revoke(name, version, actor())
        before = {"role": key.role.value} | ({"key_env": key.variable} if key.variable else {})
        self._changed("keys revoke", gone.name, before, None)
        return gone

    def _keyring(self, deed: str) -> Keys:
        self._needed(Role.ADMIN, deed)
        if self._keys is None:
            raise Conflict("This Nexus cannot change its keys")
        return self._keys

    # ---- requests and the log

    async def cancel(self, request_id: str) -> None:
        """End a request that runs: its client is told, its backend is let go.

        Raises:
            NotFound: it does not run (any more).
        """
        self._needed(Role.OPERATOR, "cancel a request")
        if not self._cancel(request_id, f"Cancelled by an operator ({clean(actor().who, 100)})"):
            raise NotFound(f"Request '{clean(request_id, 100)}' does not run (any more)")
        self._changed("cancel", request_id, None, None)
        log.info("request %s was cancelled", request_id)

    async def logs(self, after: int = 0, limit: int = 500) -> tuple[LogLine, ...]:
        """Lines of the log with a greater `seq` than `after`; the last `limit` of them."""
        return () if self._ring is None else tuple(self._ring.read(after, limit))

    async def log_levels(self) -> Mapping[str, LogLevel]:
        """The level of each component; `""` is that of all others."""
        return {"" if name == BASE else name: level for name, level in levels().items()}

    async def set_log_level(self, component: str, level: LogLevel) -> None:
        """Log more or less of one component, or of all others (`""`), until the next start.

        Raises:
            NotFound: no component is called that.
        """
        self._needed(Role.OPERATOR, "change a log level")
        name = component or BASE
        before = levels().get(name)
        set_level(name, level)
        told = None if before is None else {"level": before.value}
        self._changed("log level", name, told, {"level": level.value})
        log.info("%s logs from level %s on", name, level.value)

    # ---- keeping

    def _needed(self, role: Role, deed: str) -> None:
        """Raises Forbidden when whoever acts may not do this."""
        if not self.role.may(role):
            log.warning("%s may not %s", clean(actor().who, 100), deed)
            raise Forbidden(
                f"Your role is {self.role.value}: to {deed} takes the role {role.value}"
            )

    def file_edited(self, lines: tuple[str, ...]) -> None:
        """Tell of an edit of the configuration file that is in force now."""
        with acting(Actor("configuration file", Role.ADMIN.value)):
            self._changed("edit file", self._info.config_path or "nexus.toml", None, {"to": lines})

    def _changed(self, action: str, target: str, before: Facts | None, after: Facts | None) -> None:
        """Tell of a change that was made: to the store, and to whoever watches."""
        who = actor()
        entry = AuditEntry(self._unix(), who.who, who.role, action, target, before, after)
        self._store.audit(entry)
        self._bus.publish(ChangeMade(entry))

    async def _set_draining(self, backend_id: BackendId, draining: bool) -> None:
        backend = self.resolve(backend_id)
        self._registry.set_draining(backend.id, draining)
        self._changed(
            "drain" if draining else "undrain",
            backend.name,
            {"draining": backend.status is BackendStatus.DRAINING},
            {"draining": draining},
        )
        said = "is draining" if draining else "takes work again"
        log.info("backend %s %s", backend.name, said)
        keys = entry_of(backend.face) | {"draining": True if draining else None}

        def edit(text: str) -> str:
            if not draining and not has_backend(text, backend.name, backend.face.url):
                return text
            return with_backend(text, backend.name, keys)

        await self._keep(edit)

    async def _keep(self, edit: Callable[[str], str]) -> None:
        """Make a change survive a restart, or say that it will not."""
        if why_not := await self._write(edit):
            log.warning("the change is lost at the next start: %s", why_not)


def _normal(url: str) -> str:
    """A URL as backends are known by. Raises BadRequest."""
    try:
        return normalise(url)
    except ValueError as exc:
        raise BadRequest(str(exc), param="url") from exc


def _in_bounds(priority: int | None, tier: int | None, max_concurrent: int | None) -> None:
    """Raises BadRequest for a number out of range."""
    if priority is not None and not 0 <= priority <= 100:
        raise BadRequest("priority must be between 0 and 100", param="priority")
    if tier is not None and not 1 <= tier <= 5:
        raise BadRequest("tier must be between 1 and 5", param="tier")
    if max_concurrent is not None and max_concurrent < 1:
        raise BadRequest("max_concurrent must be 1 or more", param="max_concurrent")
