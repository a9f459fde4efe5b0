"""What people change: told to whoever watches, and kept with who did it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from nexus.domain.access import Role
from nexus.domain.audit import Actor, AuditEntry, Facts, acting, actor
from nexus.domain.events import ChangeMade
from nexus.store.store import Store
from nexus.telemetry.bus import Bus


class Ledger:
    """See the module.

    Args:
        store: keeps changes.
        bus: tells of them.
        unix: Unix seconds.
    """

    def __init__(self, store: Store, bus: Bus, unix: Callable[[], float]) -> None:
        self._store = store
        self._bus = bus
        self._unix = unix

    def enter(self, action: str, target: str, before: Facts | None, after: Facts | None) -> None:
        """A change was made by whoever acts."""
        who = actor()
        entry = AuditEntry(self._unix(), who.who, who.role, action, target, before, after)
        self._store.audit(entry)
        self._bus.publish(ChangeMade(entry))

    def file_edited(self, path: str, lines: tuple[str, ...]) -> None:
        """An edit of the configuration file is in force now; `lines` say what it changed."""
        with acting(Actor("configuration file", Role.ADMIN.value)):
            self.enter("edit file", path, None, {"to": lines})

    async def changes(self, limit: int = 100) -> tuple[AuditEntry, ...]:
        """What people changed, newest first."""
        return tuple(await asyncio.to_thread(self._store.changes, limit))
