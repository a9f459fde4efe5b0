"""Loads and unloads models where their server can, and makes the registry know what came of it.

- A check comes first, so that nothing is loaded twice because our picture was old.
- Checks come after, at once and again, until the model is where it was wanted: some servers say yes
  at once and load behind it.
- One wish at a time for each model of a backend: some servers would load a second copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from nexus.backends.base import Dialect
from nexus.backends.table import DIALECTS
from nexus.domain.backend import Backend, BackendFace, BackendId, BackendType, Model, Residency
from nexus.domain.http import HttpCall, HttpReply
from nexus.domain.text import clean
from nexus.errors import Conflict, NotFound, UpstreamError

LOAD_TIMEOUT_S: Final = 600.0
"""Some servers answer only when all of a large model has been read from disk."""
UNLOAD_TIMEOUT_S: Final = 60.0
_LOOKS = 6
_BETWEEN_LOOKS_S = 0.3
_BETWEEN_LOADING_S = 1.0


class Truth(Protocol):
    """What is read of the registry."""

    def find(self, backend_id: BackendId) -> Backend | None: ...


class Asker(Protocol):
    """What can put a question to a server: `nexus.upstream.client.ProbeClient`."""

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply: ...


class Levers:
    """See the module.

    Args:
        registry: the truth.
        client: the hands.
        credentials: the key of a backend, or None.
        check: checks one backend now; the registry knows the result when it returns.
        dialects: how to ask each type.
        pause: waits some seconds.
    """

    def __init__(
        self,
        registry: Truth,
        client: Asker,
        credentials: Callable[[BackendFace], str | None],
        check: Callable[[BackendId], Awaitable[None]],
        *,
        dialects: Mapping[BackendType, Dialect] = DIALECTS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._registry = registry
        self._client = client
        self._credentials = credentials
        self._check = check
        self._dialects = dialects
        self._pause = pause
        self._going: set[tuple[BackendId, str]] = set()

    async def load(self, backend_id: BackendId, model_id: str) -> Backend:
        """Bring a model into memory. Idempotent; what sleeps is woken.

        Returns:
            The backend as it is known when the model has loaded.

        Raises:
            NotFound: no such backend, or it lists no such model.
            Conflict: its server cannot, would not, or is at it already.
            UpstreamError: it gave no answer.
        """
        return await self._pull(backend_id, model_id, load=True)

    async def unload(self, backend_id: BackendId, model_id: str) -> Backend:
        """Free a model's memory. Idempotent. Raises like `load`."""
        return await self._pull(backend_id, model_id, load=False)

    async def _pull(self, backend_id: BackendId, model_id: str, *, load: bool) -> Backend:
        wish = (backend_id, model_id)
        if wish in self._going:
            raise Conflict(f"{_named(model_id)} is being loaded or unloaded already")
        self._going.add(wish)
        try:
            await self._check(backend_id)
            backend, model = self._look(backend_id, model_id)
            if not _is_there(model, load):
                await self._ask(backend.face, model, load=load)
                await self._watch(backend_id, model_id, load=load)
            return self._look(backend_id, model_id)[0]
        finally:
            self._going.discard(wish)

    async def _ask(self, face: BackendFace, model: Model, *, load: bool) -> None:
        dialect = self._dialects[face.type]
        call = dialect.load_call(model) if load else dialect.unload_call(model)
        verb = "load" if load else "unload"
        if call is None:
            raise Conflict(
                f"Backend '{face.name}' ({face.type.value}) cannot {verb} {_named(model.id)}: its "
                "server offers no way to ask for it"
            )
        key = self._credentials(face)
        try:
            reply = await self._client.send(
                face.url,
                call,
                headers=dialect.probe_headers(key) if key else {},
                timeout_s=LOAD_TIMEOUT_S if load else UNLOAD_TIMEOUT_S,
            )
        except UpstreamError as problem:
            await self._check(face.id)  # it may be worse than that, and all are to know
            sentence = f"Backend '{face.name}' did not {verb} {_named(model.id)}: {problem.message}"
            raise type(problem)(sentence) from None
        if why := dialect.read_lever(reply):
            raise Conflict(f"Backend '{face.name}' did not {verb} {_named(model.id)}: {why}")

    async def _watch(self, backend_id: BackendId, model_id: str, *, load: bool) -> None:
        """Check until it is as wished: servers take a moment to say so, and some load behind it.

        Raises:
            Conflict: it began to load and gave up.
        """
        looks, loading = _LOOKS, False
        while looks:
            looks -= 1
            await self._check(backend_id)
            backend, model = self._look(backend_id, model_id)
            if _is_there(model, load) or (not load and model.residency is Residency.SLEEPING):
                return
            if load and model.residency is Residency.LOADING:
                if not loading:
                    looks, loading = int(LOAD_TIMEOUT_S / _BETWEEN_LOADING_S), True
            elif loading:
                raise Conflict(
                    f"Backend '{backend.name}' began to load {_named(model_id)} and gave up; its "
                    "own log says why"
                )
            if looks:
                await self._pause(_BETWEEN_LOADING_S if loading else _BETWEEN_LOOKS_S)

    def _look(self, backend_id: BackendId, model_id: str) -> tuple[Backend, Model]:
        backend = self._registry.find(backend_id)
        if backend is None:
            raise NotFound(f"No backend '{clean(str(backend_id), 100)}' is registered")
        model = next((one for one in backend.models if one.id == model_id), None)
        if model is None:
            raise NotFound(f"Backend '{backend.name}' lists no model {_named(model_id)}")
        return backend, model


def _is_there(model: Model, load: bool) -> bool:
    """True where nothing need be done. Of a server that does not say, nothing is assumed."""
    where = model.residency
    return where is Residency.LOADED if load else where is Residency.INSTALLED


def _named(model_id: str) -> str:
    return f"'{clean(model_id, 100)}'"
