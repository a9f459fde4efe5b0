"""Servers that discovery found: looked for now, let in, turned away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from nexus.config.edit import with_backend
from nexus.config.entry import entry_of, words_of
from nexus.control.asks import Admit, Checks, Keep, Lobby
from nexus.control.keeping import kept
from nexus.control.ledger import Ledger
from nexus.control.naming import named
from nexus.control.rights import needed
from nexus.domain.access import Role
from nexus.domain.backend import Backend
from nexus.domain.events import PortProbed, ServerFound
from nexus.domain.urls import without_userinfo
from nexus.errors import Conflict, NotFound
from nexus.registry.registry import Registry
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.control")


class Waiting:
    """See the module.

    Args:
        lobby: those that wait.
        probed: the last look at each address.
        scan: looks at the well-known ports, and beyond this machine.
        admit: registers one that waits.
        registry: where it is then.
        checks: looks at it.
        keep: writes it into the configuration file.
        ledger: told of changes.
    """

    def __init__(
        self,
        lobby: Lobby,
        probed: Mapping[str, PortProbed],
        scan: Callable[[], Awaitable[object]],
        admit: Admit,
        *,
        registry: Registry,
        checks: Checks,
        keep: Keep,
        ledger: Ledger,
    ) -> None:
        self._lobby = lobby
        self._probed = probed
        self._scan = scan
        self._admit = admit
        self._registry = registry
        self._checks = checks
        self._keep = keep
        self._ledger = ledger

    def all(self) -> tuple[ServerFound, ...]:
        """Servers beyond this machine that wait for approval, oldest first."""
        return self._lobby.all()

    def looked_at(self) -> tuple[PortProbed, ...]:
        """Every address that was looked at, with what came of it."""
        return tuple(self._probed.values())

    def find(self, word: str) -> ServerFound:
        """One that waits, by id, name or URL.

        Raises:
            NotFound: there is none; the sentence lists those there are.
        """
        server = self._lobby.find(word)
        if server is None:
            names = ", ".join(one.name for one in self._lobby.all()) or "none"
            raise NotFound(f"No server called '{word[:100]}' waits for approval. Waiting: {names}")
        return server

    async def scan(self) -> None:
        """Probe the well-known local ports now, and look again at what was announced."""
        needed(Role.OPERATOR, "scan")
        await self._scan()

    async def admit(self, word: str) -> Backend:
        """Register a server that waits, or was dismissed, by id, name or URL, and check it at once.

        Raises:
            NotFound: none of that name waits.
            Conflict: another backend has its URL or its name.
        """
        needed(Role.OPERATOR, "approve a server")
        server = self.find(word)
        face = self._admit(server)
        if face is None:
            raise Conflict(f"{server.url} is registered already")
        self._ledger.enter("approve", face.name, None, words_of(face))
        log.info("backend %s approved: %s, %s", face.name, face.type.value, face.url)
        await kept(self._keep, lambda text: with_backend(text, face.name, entry_of(face)))
        await self._checks.check(face.id)
        return named(self._registry, face.id)

    async def dismiss(self, word: str) -> ServerFound:
        """Forget a server that waits, until Nexus starts anew or somebody approves it."""
        needed(Role.OPERATOR, "dismiss a server")
        server = self.find(word)
        self._lobby.dismiss(server.id)
        self._ledger.enter("dismiss", server.name, {"url": without_userinfo(server.url)}, None)
        log.info("%s at %s was dismissed", server.name, server.url)
        return server
