"""What each pane shows in one frame: chosen by the filter, in order, with what is costly kept.

A view is asked every frame and answers for visible rows only. It keeps what depends on facts that
seldom change (the model index) and percentiles of windows that did not change.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast

from nexus.domain.backend import Backend, BackendId, BackendStatus
from tui.render import backends, matrix, routing
from tui.render.cells import UNKNOWN, Cell, Role
from tui.render.columns import Column
from tui.render.drain import countdown, running
from tui.render.filters import backend_text, entry_text, matches
from tui.render.numbers import clock, stamp
from tui.state import EMPTY, NO_LOAD, DashboardState, Entry
from tui.window import Latency, Window, history, latency, rates

KEPT_LINES = 300
"""Painted log lines kept, a few screens full."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One moment to show."""

    state: DashboardState
    now: float
    """Unix seconds."""
    started_at: float
    """Unix seconds of the gateway's start."""
    utc_offset_s: int = 0

    @property
    def counted_from(self) -> float:
        """Unix seconds from which every request is counted."""
        return max(self.started_at, self.state.since)

    @property
    def unseen(self) -> tuple[tuple[float, float], ...]:
        """From and to, Unix seconds, of which nothing is known: before this looked, and since."""
        late = self.state.since > self.started_at
        return (*(((0.0, self.state.since),) if late else ()), *self.state.gaps)

    def seen_from(self, seconds: int) -> str:
        """From when on the last `seconds` are known; empty where they are known as a whole."""
        since = self.state.since
        late = since > max(self.started_at, self.now - seconds)
        return clock(since, self.utc_offset_s) if late else ""

    @property
    def end(self) -> str:
        """What stands at the right end of a chart: `now`, or when the picture has become old."""
        at = self.state.lost_at
        return "now" if at is None else clock(at, self.utc_offset_s)


class Latencies:
    """Percentiles per window, computed again only when the window changed or aged 5 seconds."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[Window, int, Latency]] = {}

    def of(self, key: Hashable, window: Window, now: float) -> Latency:
        """Percentiles of `window` at `now`."""
        kept = self._kept.get(key)
        age = int(now) // 5
        if kept is not None and kept[0] is window and kept[1] == age:
            return kept[2]
        found = latency(window, now)
        self._kept[key] = (window, age, found)
        return found

    def forget(self, alive: set[Hashable]) -> None:
        """Drop what belongs to backends that left."""
        for key in [key for key in self._kept if key not in alive]:
            del self._kept[key]


class BackendView:
    """Rows of the backends table."""

    def __init__(self, latencies: Latencies) -> None:
        self._latencies = latencies
        self._frame: Frame | None = None
        self._ordered: tuple[object, ...] = ()
        self.keys: tuple[BackendId, ...] = ()
        self.trend = 10
        """Bars of the sparkline."""

    @property
    def columns(self) -> Sequence[Column]:
        return backends.COLUMNS

    def update(self, frame: Frame, words: str, order: str) -> None:
        """Take a frame; filter and sort again when facts changed or a second passed."""
        self._frame = frame
        state = frame.state
        # Values move with every request; rows should not: the order is looked at once a second.
        mark = (state.backends, state.slow, words, order, int(frame.now) if order != "fleet" else 0)
        if mark == self._ordered:
            return
        self._ordered = mark
        chosen = [
            b for b in state.backends.values() if not words or matches(words, backend_text(b))
        ]
        if order != "fleet":
            chosen.sort(key=lambda backend: backends.ORDERS[order](self.summary(backend)))
        self.keys = tuple(backend.id for backend in chosen)
        self._latencies.forget({*state.backends, None})

    def summary(self, backend: Backend) -> backends.Summary:
        """A backend with its numbers of this frame."""
        frame = cast(Frame, self._frame)
        window = frame.state.windows.get(backend.id, EMPTY)
        return backends.Summary(
            backend,
            frame.state.loads.get(backend.id, NO_LOAD),
            rates(window, frame.now, frame.counted_from),
            self._latencies.of(backend.id, window, frame.now),
            backend.id in frame.state.slow,
        )

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        frame = cast(Frame, self._frame)
        id = cast(BackendId, key)
        backend = frame.state.backends.get(id)
        if backend is None:
            return (UNKNOWN,) * len(backends.COLUMNS)
        window = frame.state.windows.get(id, EMPTY)
        trend = history(window, frame.now, self.trend, frame.unseen)
        row = backends.cells(self.summary(backend), trend, frame.now)
        if backend.status is BackendStatus.DRAINING:
            pending = frame.state.loads.get(id, NO_LOAD).pending
            text = countdown(pending, running(frame.state, id, frame.now) if pending else ())
            row = (*row[:-1], Cell(text, Role.WARN if pending else Role.OK))
        return row


class ModelView:
    """Rows of the model matrix, with a page of backend columns."""

    def __init__(self) -> None:
        self._facts: object = None
        self._index = matrix.ModelIndex()
        self._page: tuple[Backend, ...] = ()
        self._shape: tuple[object, ...] = ()
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}
        self.columns: tuple[Column, ...] = matrix.FIXED
        self.keys: tuple[str, ...] = ()
        self.first = 0
        """Number of the first backend column shown."""
        self.hidden = 0
        """Backend columns that do not fit."""

    def update(self, frame: Frame, words: str, width: int, gap: int) -> None:
        """Take a frame; index again only when facts changed."""
        facts = frame.state.backends
        shape = (words, width, gap, self.first)
        if facts is self._facts and shape == self._shape:
            return
        everyone = tuple(facts.values())
        if facts is not self._facts:
            self._index.update(facts)
        self._facts, self._shape = facts, shape
        self._cells.clear()
        self.first = max(0, min(self.first, len(everyone) - 1))
        self.columns = matrix.columns(everyone, width, gap, self.first)
        shown = len(self.columns) - len(matrix.FIXED)
        self._page = everyone[self.first : self.first + shown]
        self.hidden = len(everyone) - shown
        self.keys = self._index.names
        if words:
            self.keys = tuple(name for name in self.keys if self._matches(words, name))

    @property
    def total(self) -> int:
        """Models of the fleet, so that the layout does not jump while a filter is typed."""
        return len(self._index.names)

    def _matches(self, words: str, name: str) -> bool:
        row = self._index.row(name)
        found = row.found.values() if row else ()
        names = " ".join(f"{backend.name} {backend.status}" for backend, _ in found)
        return matches(words, f"{name} {names}".lower())

    def row(self, name: str) -> matrix.ModelRow | None:
        """The model of that name, if it is still there."""
        return self._index.row(name)

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        cells = self._cells.get(key)
        if cells is None:
            row = self._index.row(cast(str, key))
            blank = (UNKNOWN,) * len(self.columns)
            cells = self._cells[key] = matrix.cells(row, self._page) if row else blank
        return cells


class LogView:
    """Rows of the routing log. Keys are entry numbers; only new entries meet the filter."""

    def __init__(self) -> None:
        self._state = DashboardState()
        self._utc_offset_s = 0
        self._words = ""
        self._seen = 0
        self._oldest = 0
        """Grows, but for when what ended before this dashboard looked is known."""
        self._matched: list[int] = []
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}
        self.keys: Sequence[int] = ()

    @property
    def columns(self) -> Sequence[Column]:
        return routing.COLUMNS

    def update(self, frame: Frame, words: str) -> None:
        """Take a frame."""
        state = self._state = frame.state
        self._utc_offset_s = frame.utc_offset_s
        oldest = state.logged - len(state.log)
        if not words:
            self._words = ""
            self.keys = range(oldest, state.logged)
            return
        if words != self._words or oldest < self._oldest:
            self._words, self._seen, self._matched = words, oldest, []
        self._oldest = oldest
        for number in range(max(self._seen, oldest), state.logged):
            if matches(words, entry_text(state.log[number - oldest])):
                self._matched.append(number)
        self._seen = state.logged
        self._matched = [number for number in self._matched if number >= oldest]
        self.keys = tuple(self._matched)

    def entry(self, number: int) -> Entry | None:
        """The entry of that number, while it is kept."""
        at = number - (self._state.logged - len(self._state.log))
        return self._state.log[at] if 0 <= at < len(self._state.log) else None

    note_heads = ("AT", "ID")

    def notes(self, key: Hashable) -> tuple[str, ...]:
        """What files say besides: when it ended, and its id."""
        entry = self.entry(cast(int, key))
        return (stamp(entry.at), entry.request_id) if entry else ("", "")

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        cells = self._cells.get(key)
        if cells is None:
            entry = self.entry(cast(int, key))
            if entry is None:
                return (UNKNOWN,) * len(routing.COLUMNS)
            if len(self._cells) >= KEPT_LINES:
                self._cells.clear()
            # An entry never changes, so neither do its cells.
            cells = self._cells[key] = routing.cells(entry, self._utc_offset_s)
        return cells
