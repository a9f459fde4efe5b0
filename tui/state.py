"""What the dashboard knows, and how an update changes it. Pure: no clock, no loop, no widgets.

`reduce` is the only way state changes. It copies small mappings and leaves the rest shared, so a
frame can hold an old state while new updates are folded (measured: a few microseconds each).
"""

from __future__ import annotations

from collections import Counter
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
from tui.trace import Trace
from tui.window import Window

LOG_LINES = 500
"""Routing log entries kept."""
RUNNING = 4096
"""Requests under way that are followed."""
CHANGES = 100
"""Changes remembered."""
TURNS = 50
"""Changes of status remembered per backend."""
BREACHES = 20
"""Alarms remembered."""
GAPS = 20
"""Losses of the connection remembered."""
PROBES = 64
"""Scanned addresses remembered."""

Entry = RequestFinished | RequestRefused
"""A line of the routing log."""

T = TypeVar("T")

EMPTY = Window()
NO_TRACE = Trace()
NO_LOAD = Load()


@dataclass(frozen=True, slots=True)
class Turn:
    """A backend's status became another one."""

    at: float
    """Unix seconds."""
    was: BackendStatus
    status: BackendStatus
    reason: str
    """Text from outside: clean before display."""
    was_since: float | None = None
    """Unix seconds from which it was what it was before, if that is known."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A backend is slow, and has been for a while."""

    since: float
    """Unix seconds."""
    why: str
    """Its cause, as a part of a sentence. Has names from outside: clean before display."""
    what: str = ""
    """What it does to answers, where that is measured."""


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
    traces: Mapping[BackendId, Trace] = field(default_factory=dict[BackendId, Trace])
    """Fifteen minutes of each backend, for charts."""
    trace: Trace = NO_TRACE
    """Fifteen minutes of all together, refused requests included."""
    turns: Mapping[BackendId, tuple[Turn, ...]] = field(
        default_factory=dict[BackendId, tuple[Turn, ...]]
    )
    """Changes of status since this dashboard looks, oldest first."""
    slow: Mapping[BackendId, Slow] = field(default_factory=dict[BackendId, Slow])
    """Backends that are slow. No update says so: the dashboard judges, once a second."""
    breaches: tuple[ZoneBreached, ...] = ()
    """Alarms of late, oldest first."""
    log: tuple[Entry, ...] = ()
    logged: int = 0
    """Entries told: `logged - len(log)` is the number of the oldest one kept, below zero where it
    ended before this dashboard looked."""
    since: float = 0.0
    """Unix seconds from which every request is counted."""
    probes: Mapping[str, PortProbed] = field(default_factory=dict[str, PortProbed])
    """Last result by address."""
    running: Mapping[str, RequestRouted] = field(default_factory=dict[str, RequestRouted])
    """Requests under way by id, oldest first."""
    changes: tuple[AuditEntry, ...] = ()
    """What people changed while this dashboard looked, newest last."""
    link_detail: str = ""
    """Why the source is not heard, and what comes next."""
    lost_at: float | None = None
    """Unix seconds from which nothing new is heard: the picture is of then. None while live."""
    missed: tuple[float, float] | None = None
    """A loss that has just ended, from and to, while it is open whether what was missed follows."""
    gaps: tuple[tuple[float, float], ...] = ()
    """Losses of which nothing will be known, from and to in Unix seconds, oldest first."""
    waiting: Mapping[BackendId, ServerFound] = field(default_factory=dict[BackendId, ServerFound])
    """Servers beyond this machine that nobody has approved yet, oldest first."""

    @property
    def in_flight(self) -> int:
        """Requests now at a backend."""
        return sum(load.pending for load in self.loads.values())

    @property
    def tally(self) -> Mapping[BackendStatus, int]:
        """How many backends have each status."""
        return Counter(backend.status for backend in self.backends.values())


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
                trace=state.trace.add(update.at, error=True),
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
                traces=_without(state.traces, gone),
                turns=_without(state.turns, gone),
                slow=_without(state.slow, gone),
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
            # An alarm: the app says it aloud too.
            return replace(state, breaches=(*state.breaches[1 - BREACHES :], update))
        case ChangeMade():
            return replace(state, changes=(*state.changes[1 - CHANGES :], update.entry))
        case LinkChanged():
            known = Link.LIVE if state.version >= 0 else Link.WAITING
            if not update.connected:
                return lost(replace(state, link_detail=update.detail), update.at)
            missed = None if state.lost_at is None else (state.lost_at, update.at)
            return replace(
                state, link=known, link_detail=update.detail, lost_at=None, missed=missed
            )
        case FleetSeen():
            return _seen(state, update)


def seeded(state: DashboardState, past: DashboardState) -> DashboardState:
    """`state` with the traffic of `past`, which has been told everything it has, and more before.

    The numbers of the entries stay as they are: rows that somebody looks at keep their place.
    """
    return replace(
        state,
        windows={id: window for id, window in past.windows.items() if id in state.backends},
        total=past.total,
        traces={id: trace for id, trace in past.traces.items() if id in state.backends},
        trace=past.trace,
        log=past.log,
        since=past.since,
    )


def ended_before(state: DashboardState, entry: Entry) -> DashboardState:
    """After a request was told once more that is counted already."""
    return replace(state, running=_ended(state.running, entry.request_id))


def lost(state: DashboardState, at: float) -> DashboardState:
    """The source is gone at `at` or before: what is shown is the last that was known."""
    since = at if state.lost_at is None else state.lost_at
    return replace(state, link=Link.LOST, lost_at=since)


def _seen(state: DashboardState, update: FleetSeen) -> DashboardState:
    backends = dict(update.fleet.backends)
    return replace(
        state,
        link=Link.LIVE,
        link_detail="",
        lost_at=None,
        missed=None,
        gaps=(*state.gaps[1 - GAPS :], state.missed) if state.missed else state.gaps,
        waiting={},  # those that still wait are told after the picture
        running={},  # and so are those under way
        version=update.fleet.version,
        backends=backends,
        loads={id: update.loads.get(id, NO_LOAD) for id in backends},
        windows={id: window for id, window in state.windows.items() if id in backends},
        traces={id: trace for id, trace in state.traces.items() if id in backends},
        turns=_turned_meanwhile(state, backends),
        slow={id: slow for id, slow in state.slow.items() if id in backends},
    )


def _turned_meanwhile(
    state: DashboardState, backends: Mapping[BackendId, Backend]
) -> Mapping[BackendId, tuple[Turn, ...]]:
    """What a gap in the updates has hidden: at least that the status is another one now."""
    turns = {id: kept for id, kept in state.turns.items() if id in backends}
    for id, backend in backends.items():
        old = state.backends.get(id)
        if old is not None and old.status is not backend.status:
            turns[id] = _turned(turns.get(id, ()), old.status, backend, old.since)
    return turns


def _turned(
    turns: tuple[Turn, ...], was: BackendStatus, now: Backend, was_since: float | None
) -> tuple[Turn, ...]:
    at = now.since if now.since is not None else now.checked_at
    if at is None:
        return turns
    return (*turns[1 - TURNS :], Turn(at, was, now.status, now.reason, was_since))


def _changed(state: DashboardState, update: BackendChanged) -> DashboardState:
    if update.version < state.version:
        return state
    id = update.backend.id
    loads = state.loads if id in state.loads else {**state.loads, id: NO_LOAD}
    turns = state.turns
    if update.was is not None and update.was is not update.backend.status:
        old = state.backends.get(id)
        since = old.since if old else None
        turns = {**turns, id: _turned(turns.get(id, ()), update.was, update.backend, since)}
    return replace(
        state,
        version=update.version,
        backends={**state.backends, id: update.backend},
        loads=loads,
        turns=turns,
    )


def _finished(state: DashboardState, update: RequestFinished) -> DashboardState:
    windows, traces = state.windows, state.traces
    id, bad, tokens = update.backend_id, update.is_error, update.completion_tokens or 0
    took = None if bad or update.status == 499 else update.duration_ms
    if id in state.backends:
        windows = {**windows, id: windows.get(id, EMPTY).add(update)}
        trace = traces.get(id, NO_TRACE).add(update.at, error=bad, tokens=tokens, took_ms=took)
        traces = {**traces, id: trace}
    return replace(
        state,
        windows=windows,
        traces=traces,
        total=state.total.add(update),
        trace=state.trace.add(update.at, error=bad, tokens=tokens, took_ms=took),
        running=_ended(state.running, update.request_id),
        missed=None,
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
