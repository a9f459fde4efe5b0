"""What the dashboard knows, and how an update changes it. Pure: no clock, no loop, no widgets.

`reduce` is the only way state changes. It copies small mappings and leaves the rest shared, so a
frame can hold an old state while new updates are folded (measured: a few microseconds each).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from nexus.domain.audit import AuditEntry
from nexus.domain.backend import Backend, BackendId, BackendStatus, Load
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    ChangeMade,
    FleetSeen,
    LinkChanged,
    LoadChanged,
    PortProbed,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    ServerFound,
    ServerGone,
    Update,
    ZoneBreached,
)
from tui.window import Window

LOG_LINES = 500
"""Routing log entries kept."""
RUNNING = 4096
"""Requests under way that are followed."""
CHANGES = 100
"""Changes remembered."""
PROBES = 64
"""Scanned addresses remembered."""

Entry = RequestFinished | RequestRefused
"""A line of the routing log."""

T = TypeVar("T")

EMPTY = Window()
NO_LOAD = Load()


class Link(Enum):
    """How the dashboard stands with its source."""

    WAITING = "waiting"
    LIVE = "live"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DashboardState:
    """One moment of the fleet as the dashboard shows it."""

    link: Link = Link.WAITING
    version: int = -1
    """Of the newest fact seen; older facts are ignored."""
    backends: Mapping[BackendId, Backend] = field(default_factory=dict[BackendId, Backend])
    loads: Mapping[BackendId, Load] = field(default_factory=dict[BackendId, Load])
    windows: Mapping[BackendId, Window] = field(default_factory=dict[BackendId, Window])
    total: Window = field(default_factory=lambda: Window(keep=256))
    log: tuple[Entry, ...] = ()
    logged: int = 0
    """Entries ever logged: `logged - len(log)` is the number of the oldest one kept."""
    probes: Mapping[str, PortProbed] = field(default_factory=dict[str, PortProbed])
    """Last result by address."""
    running: Mapping[str, RequestRouted] = field(default_factory=dict[str, RequestRouted])
    """Requests under way by id, oldest first."""
    changes: tuple[AuditEntry, ...] = ()
    """What people changed while this dashboard looked, newest last."""
    link_detail: str = ""
    """Why the source is not heard, and what comes next."""
    waiting: Mapping[BackendId, ServerFound] = field(default_factory=dict[BackendId, ServerFound])
    """Servers beyond this machine that nobody has approved yet, oldest first."""

    @property
    def in_flight(self) -> int:
        """Requests now at a backend."""
        return sum(load.pending for load in self.loads.values())

    def count(self, status: BackendStatus) -> int:
        """Backends with that status."""
        return sum(backend.status is status for backend in self.backends.values())


def reduce(state: DashboardState, update: Update) -> DashboardState:
    """`state` after `update`."""
    match update:
        case LoadChanged():
            if update.backend_id not in state.backends:
                return state
            return replace(state, loads={**state.loads, update.backend_id: update.load})
        case RequestFinished():
            return _finished(state, update)
        case RequestRouted():
            return replace(state, running=_started(state.running, update))
        case BackendChanged():
            return _changed(state, update)
        case RequestRefused():
            return replace(
                state,
                total=state.total.refuse(update.at),
                log=_appended(state.log, update),
                logged=state.logged + 1,
            )
        case BackendRemoved():
            if update.version < state.version:
                return state
            gone = update.backend_id
            return replace(
                state,
                version=update.version,
                backends=_without(state.backends, gone),
                loads=_without(state.loads, gone),
                windows=_without(state.windows, gone),
            )
        case PortProbed():
            kept = {url: probe for url, probe in state.probes.items() if url != update.url}
            if len(kept) >= PROBES:
                del kept[next(iter(kept))]
            return replace(state, probes={**kept, update.url: update})
        case ServerFound():
            return replace(state, waiting={**state.waiting, update.id: update})
        case ServerGone():
            return replace(state, waiting=_without(state.waiting, update.id))
        case ZoneBreached():
            return state  # an alarm: the app says it aloud
        case ChangeMade():
            return replace(state, changes=(*state.changes[1 - CHANGES :], update.entry))
        case LinkChanged():
            link = state.link if update.connected else Link.LOST
            return replace(state, link=link, link_detail=update.detail)
        case FleetSeen():
            return _seen(state, update)


def lost(state: DashboardState) -> DashboardState:
    """The source is gone: what is shown is the last that was known."""
    return replace(state, link=Link.LOST)


def _seen(state: DashboardState, update: FleetSeen) -> DashboardState:
    backends = dict(update.fleet.backends)
    return replace(
        state,
        link=Link.LIVE,
        link_detail="",
        waiting={},  # those that still wait are told after the picture
        running={},  # and so are those under way
        version=update.fleet.version,
        backends=backends,
        loads={id: update.loads.get(id, NO_LOAD) for id in backends},
        windows={id: window for id, window in state.windows.items() if id in backends},
    )


def _changed(state: DashboardState, update: BackendChanged) -> DashboardState:
    if update.version < state.version:
        return state
    id = update.backend.id
    loads = state.loads if id in state.loads else {**state.loads, id: NO_LOAD}
    return replace(
        state,
        version=update.version,
        backends={**state.backends, id: update.backend},
        loads=loads,
    )


def _finished(state: DashboardState, update: RequestFinished) -> DashboardState:
    windows = state.windows
    id = update.backend_id
    if id in state.backends:
        windows = {**windows, id: windows.get(id, EMPTY).add(update)}
    return replace(
        state,
        windows=windows,
        total=state.total.add(update),
        running=_ended(state.running, update.request_id),
        log=_appended(state.log, update),
        logged=state.logged + 1,
    )


def _started(
    running: Mapping[str, RequestRouted], update: RequestRouted
) -> Mapping[str, RequestRouted]:
    if len(running) >= RUNNING:  # ends that were never told
        running = dict(list(running.items())[RUNNING // 2 :])
    return {**running, update.request_id: update}


def _ended(running: Mapping[str, RequestRouted], id: str) -> Mapping[str, RequestRouted]:
    if id not in running:
        return running
    left = dict(running)
    del left[id]
    return left


def _appended(log: tuple[Entry, ...], entry: Entry) -> tuple[Entry, ...]:
    return log[-(LOG_LINES - 1) :] + (entry,)  # noqa: RUF005 - half the time


def _without(values: Mapping[BackendId, T], gone: BackendId) -> dict[BackendId, T]:
    return {id: value for id, value in values.items() if id != gone}
