"""Notices the moment a drain has emptied a backend, on whatever page the operator is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nexus.domain.backend import Backend, BackendId, BackendStatus
from tui.render.numbers import span
from tui.state import DashboardState


@dataclass(slots=True)
class DrainWatch:
    """Notices the moment a drain has emptied a backend. One per dashboard."""

    begun: dict[BackendId, float] = field(default_factory=dict[BackendId, float])
    """When each drain that is watched began, Unix seconds."""
    before: Mapping[BackendId, Backend] = field(default_factory=dict[BackendId, Backend])

    def look(self, state: DashboardState, now: float) -> list[str]:
        """What to say now: `gpu-01 drained in 41s, safe to stop`."""
        if state.backends is not self.before:
            self._begin(state, now)
            self.before = state.backends
        said: list[str] = []
        for id, since in list(self.begun.items()):
            backend = state.backends.get(id)
            if backend is None or not _is_draining(backend):
                del self.begun[id]
                continue
            load = state.loads.get(id)
            if load is None or not load.pending:
                del self.begun[id]
                said.append(f"{backend.name} drained in {span(now - since)}, safe to stop.")
        return said

    def _begin(self, state: DashboardState, now: float) -> None:
        """Drains that began since the last look; those that were there before say nothing."""
        for id, backend in state.backends.items():
            old = self.before.get(id)
            if old is not None and _is_draining(backend) and not _is_draining(old):
                self.begun[id] = backend.since if backend.since is not None else now


def _is_draining(backend: Backend) -> bool:
    return backend.status is BackendStatus.DRAINING
