"""One log line for each change of a backend's health, and none for anything else.

Draining and undraining are the operator's doing and logged where they are ordered, so here a
backend is what it was before it drained. That a busy backend is busy is for those who debug.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from nexus.domain.backend import Backend, BackendId, BackendStatus
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.health")


class Transitions:
    """Remembers what was last said of each backend.

    Args:
        unix: Unix seconds.
    """

    def __init__(self, unix: Callable[[], float]) -> None:
        self._unix = unix
        self._said: dict[BackendId, tuple[BackendStatus, float]] = {}

    def see(self, backend: Backend) -> None:
        """Log if its health is another than was last said."""
        status = backend.status
        if status is BackendStatus.DRAINING:
            return
        was, since = self._said.get(backend.id, (BackendStatus.UNKNOWN, self._unix()))
        if status is was:
            return
        now = self._unix()
        self._said[backend.id] = status, now
        is_load = {was, status} == {BackendStatus.HEALTHY, BackendStatus.BUSY}
        level = logging.DEBUG if is_load else logging.INFO
        if not log.isEnabledFor(level):
            return
        fields: dict[str, object] = {
            "backend": backend.name,
            "was": was.value,
            "status": status.value,
            "after_s": round(now - since),
        }
        if backend.reason:
            fields["reason"] = backend.reason
        if backend.next:
            fields["next"] = backend.next
        log.log(level, "backend %s: %s", backend.name, status.words, extra={"fields": fields})

    def forget(self, backend_id: BackendId) -> None:
        """The backend has left."""
        self._said.pop(backend_id, None)
