"""The one object that others see of the store: where records and changes are put, and asked for."""

from __future__ import annotations

from collections import deque

from nexus.domain.audit import AuditEntry

CHANGES_KEPT = 500
"""Changes remembered in memory."""


class Store:
    """See the module. Without a file it keeps changes in memory, and of requests nothing."""

    def __init__(self) -> None:
        self._changes: deque[AuditEntry] = deque(maxlen=CHANGES_KEPT)

    def audit(self, entry: AuditEntry) -> None:
        """Keep a change. Returns at once and never raises."""
        self._changes.append(entry)

    def changes(self, limit: int = 100) -> list[AuditEntry]:
        """The last changes, newest first. May read a file: not to be called on the event loop."""
        return list(self._changes)[::-1][:limit]
