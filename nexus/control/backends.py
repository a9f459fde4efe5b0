"""Backends, and what an operator does with them: added, edited, drained, checked, removed."""

from __future__ import annotations

from dataclasses import replace

from nexus.config.edit import has_backend, with_backend, without_backend
from nexus.config.entry import entry_of, words_of
from nexus.control.asks import Checks, Keep, Levers, Recognise
from nexus.control.keeping import kept
from nexus.control.ledger import Ledger
from nexus.control.naming import named
from nexus.control.rights import needed
from nexus.discovery.places import places
from nexus.domain.access import Role
from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Source,
    default_zone,
    untold,
)
from nexus.domain.gateway import BackendEdit, NewBackend, Recognition
from nexus.domain.text import clean
from nexus.domain.urls import backend_id, normalise, without_userinfo
from nexus.errors import BadRequest, Conflict
from nexus.registry.registry import Registry
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.control")


class Backends:
    """See the module.

    Args:
        registry: where they are.
        checks: looks at one.
        levers: loads and unloads models.
        recognise: finds out what runs at a URL.
        keep: writes changes into the configuration file.
        ledger: told of changes.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        checks: Checks,
        levers: Levers,
        recognise: Recognise,
        keep: Keep,
        ledger: Ledger,
    ) -> None:
        self._registry = registry
        self._checks = checks
        self._levers = levers
        self._recognise = recognise
        self._keep = keep
        self._ledger = ledger

    def resolve(self, name_or_id: str) -> Backend:
        """A backend by name or id.

        Raises:
            NotFound: there is none; the sentence lists those there are.
        """
        return named(self._registry, name_or_id)

    async def drain(self, backend_id: BackendId) -> None:
        """Send no new work there. Idempotent."""
        needed(Role.OPERATOR, "drain a backend")
        await self._set_draining(backend_id, True)

    async def undrain(self, backend_id: BackendId) -> None:
        """Take it back into rotation. Idempotent."""
        needed(Role.OPERATOR, "take a backend back")
        await self._set_draining(backend_id, False)

    async def check(self, backend_id: BackendId) -> None:
        """Probe one backend now."""
        needed(Role.OPERATOR, "check a backend")
        await self._checks.check(self.resolve(backend_id).id)

    async def load_model(self, backend_id: BackendId, model_id: str) -> Backend:
        """Bring a model into a backend's memory; returns when it is there, which may take minutes.

        Raises:
            NotFound: no such backend, or it lists no such model.
            Conflict: its server cannot do that, or would not.
            UpstreamError: it gave no answer.
        """
        needed(Role.OPERATOR, "load a model")
        backend = await self._levers.load(self.resolve(backend_id).id, model_id)
        self._ledger.enter("load", backend.name, None, {"model": clean(model_id)})
        log.info("backend %s loads %s", backend.name, clean(model_id, 100))
        return backend

    async def unload_model(self, backend_id: BackendId, model_id: str) -> Backend:
        """Free the memory of a model; what it is answering is up to its server. Raises as above."""
        needed(Role.OPERATOR, "unload a model")
        backend = await self._levers.unload(self.resolve(backend_id).id, model_id)
        self._ledger.enter("unload", backend.name, {"model": clean(model_id)}, None)
        log.info("backend %s unloads %s", backend.name, clean(model_id, 100))
        return backend

    async def recognise(self, url: str) -> Recognition | None:
        """Find out what runs at a URL, without keeping it. None when nothing known answers.

        Raises:
            BadRequest: not a URL.
        """
        needed(Role.OPERATOR, "look at a URL")
        url = _normal(url)
        found = await self._recognise(url, None)
        return None if found is None else Recognition(without_userinfo(url), *found)

    async def register(self, new: NewBackend) -> tuple[Backend, str]:
        """Register a backend and check it at once.

        Returns:
            The backend, and how its type was found out.

        Raises:
            BadRequest: not a URL, or a number out of range.
            Conflict: its name or its URL is registered already.
        """
        needed(Role.ADMIN, "add a backend")
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
        for other in self._registry.fleet().backends.values():
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
        self._ledger.enter("add", name, None, words_of(face))
        log.info("backend %s added: %s, %s", name, type.value, shown)
        await kept(self._keep, lambda text: with_backend(text, name, entry_of(face)))
        await self._checks.check(face.id)
        return self.resolve(face.id), evidence

    async def alter(self, backend_id: BackendId, edit: BackendEdit) -> Backend:
        """Change what is told about a backend; what is None stays, unless it is cleared.

        Raises:
            NotFound: no such backend.
            BadRequest: a number out of range.
        """
        needed(Role.ADMIN, "edit a backend")
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
        self._ledger.enter(
            "edit",
            face.name,
            {key: before[key] for key in given},
            {key: after[key] for key in given},
        )
        log.info("backend %s changed: %s", face.name, said)
        await kept(self._keep, lambda text: with_backend(text, face.name, entry_of(changed)))
        if told is not face.zone_told:  # its models may be set apart, or no longer
            await self._checks.check(face.id)
        return self.resolve(face.id)

    async def remove(self, backend_id: BackendId) -> Backend:
        """Forget a backend; its requests in flight finish."""
        needed(Role.ADMIN, "remove a backend")
        backend = self.resolve(backend_id)
        self._registry.remove(backend.id)
        self._ledger.enter("remove", backend.name, words_of(backend.face), None)
        log.info("backend %s removed", backend.name)
        await kept(self._keep, lambda text: without_backend(text, backend.name))
        return backend

    async def _set_draining(self, backend_id: BackendId, draining: bool) -> None:
        backend = self.resolve(backend_id)
        self._registry.set_draining(backend.id, draining)
        self._ledger.enter(
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

        await kept(self._keep, edit)


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
