"""Servers that wait for somebody's word. The one owner of that list; nothing here awaits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from nexus.domain.backend import BackendId
from nexus.domain.events import Event, ServerFound, ServerGone
from nexus.domain.urls import normalise

MOST_WAITING = 64
"""Whoever floods the network with announcements fills this list, and nothing else."""


class WaitingRoom:
    """See the module.

    Args:
        publish: where `ServerFound` and `ServerGone` go.
        now: Unix seconds.
    """

    def __init__(self, publish: Callable[[Event], None], now: Callable[[], float]) -> None:
        self._publish = publish
        self._now = now
        self._waiting: dict[BackendId, ServerFound] = {}
        self._dismissed: dict[BackendId, ServerFound] = {}

    def all(self) -> tuple[ServerFound, ...]:
        """Who waits, oldest first."""
        return tuple(self._waiting.values())

    def enter(self, server: ServerFound) -> bool:
        """Let a server wait, or update what is said of it; False when it may not."""
        old = self._waiting.get(server.id)
        if old is not None:
            if replace(old, at=server.at) != server:
                self._waiting[server.id] = replace(server, at=old.at)
                self._publish(self._waiting[server.id])
            return True
        dismissed = self._dismissed.get(server.id)
        if dismissed is not None:
            if dismissed.url == server.url:
                return False
            del self._dismissed[server.id]  # another address under a known name is news
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting[server.id] = server
        self._publish(server)
        return True

    def leave(self, id: BackendId, why: str) -> ServerFound | None:
        """Take a server off the list."""
        return self._gone(id, why)

    def approve(self, id: BackendId) -> None:
        """It is used from now on, whether it waits or was dismissed."""
        self._dismissed.pop(id, None)
        self._gone(id, "approved")

    def dismiss(self, id: BackendId) -> ServerFound | None:
        """Take it off the list, and do not let it in again at this address."""
        server = self._gone(id, "dismissed")
        if server is not None:
            while len(self._dismissed) >= MOST_WAITING:
                del self._dismissed[next(iter(self._dismissed))]
            self._dismissed[id] = server
        return server

    def find(self, word: str) -> ServerFound | None:
        """By id, name or URL; one that was dismissed is found too, after those that wait."""
        try:
            url = normalise(word if "://" in word else f"http://{word}")
        except ValueError:
            url = ""
        for server in (*self._waiting.values(), *self._dismissed.values()):
            if word in (server.id, server.name) or server.url == url:
                return server
        return None

    def _gone(self, id: BackendId, why: str) -> ServerFound | None:
        server = self._waiting.pop(id, None)
        if server is not None:
            self._publish(ServerGone(self._now(), server.id, server.name, why))
        return server
