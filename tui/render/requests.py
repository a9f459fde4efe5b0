"""The list of requests: columns, cells, and which rows stand in it. Pure.

Under way first, the longest waiting on top, so that rows do not move when newcomers join; then what
ended, newest first; then what was read from the gateway's memory and file, page by page.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import cast

from tui.render.asked import Request, became, of_ended, of_running, zones
from tui.render.cells import UNKNOWN, Cell, Role, known
from tui.render.columns import Column
from tui.render.numbers import clock, count, millis, rate, stamp
from tui.render.query import Query
from tui.render.status import http_cell
from tui.state import DashboardState

COLUMNS = (
    Column("TIME", 8, drop=3),
    Column("STATUS", 9),
    Column("MODEL asked→used", 16, widest=36),
    Column("BACKEND", 11, widest=18),
    Column("TTFT", 6, right=True, drop=5),
    Column("TOTAL", 7, right=True, drop=1),
    Column("IN", 5, right=True, drop=7),
    Column("OUT", 5, right=True, drop=6),
    Column("TOK/S", 5, right=True, drop=8),
    Column("WHY", 15, widest=80, drop=2),
    Column("ZONE", 10, drop=9),
)
NARROW = COLUMNS[:-1]
"""Without the zone: the names need the room more."""
WIDE = 140
"""Terminal columns from which all are shown."""

RECENT = 2000
"""Requests that ended while this page was looked at or before, kept as rows."""
OLDER = 5000
"""Rows of the past, read page by page."""
KEPT_LINES = 300
"""Painted rows kept, a few screens full."""


class RequestsView:
    """Rows of the list. Keys are request ids; only new entries meet the filter."""

    def __init__(self) -> None:
        self.query = Query()
        self.running: tuple[Request, ...] = ()
        """Under way and matching, oldest first."""
        self.hidden_running = 0
        """Of these, not shown for want of room."""
        self.keys: Sequence[str] = ()
        self.complete = False
        """True when the gateway has nothing older that matches."""
        self.newer = 0
        """Requests that ended and are not in the list while a reader holds it."""
        self._older: list[Request] = []
        self._until: float | None = None
        self._recent: deque[Request] = deque()
        self._asked: tuple[Request, ...] | None = None
        self._seen = 0
        self._rows: dict[str, Request] = {}
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}
        self._marks: tuple[object, ...] = ()
        self.columns: Sequence[Column] = NARROW
        self._now = 0.0
        self._utc_offset_s = 0

    def filter(self, query: Query) -> None:
        """Show what this filter lets through; what was read for another one is dropped."""
        if query.text == self.query.text:
            return
        self.query = query
        self._seen, self._asked = 0, None
        self._recent.clear()
        self._forget()
        self._marks = ()

    def update(
        self,
        state: DashboardState,
        now: float,
        utc_offset_s: int,
        most: int,
        *,
        held: bool = False,
    ) -> None:
        """Take a moment.

        Args:
            most: rows that requests under way may take.
            held: a reader looks at some row; none is given up for new ones.
        """
        self._now, self._utc_offset_s = now, utc_offset_s
        marks = (state.running, state.logged, self.query, most, self._asked, self._until, held)
        if self._marks and all(a is b or a == b for a, b in zip(marks, self._marks, strict=True)):
            return
        self._marks = marks
        zone = zones(state)
        heard: Iterable[Request] = ()
        if self._asked is None:
            running = (of_running(event, zone) for event in state.running.values())
            self.running = tuple(filter(self.query.matches, running))
            if state.logged < self._seen:  # a moment that is looked back at
                told = (of_ended(entry, zone) for entry in reversed(state.log))
                heard = filter(self.query.matches, told)
            else:
                self._take(state, held=held)
                heard = reversed(self._recent)
        else:
            self.running = tuple(r for r in self._asked if r.status is None)
        limit = len(self.running) if self.query.asks_running else most
        shown = self.running[:limit]
        self.hidden_running = len(self.running) - len(shown)
        rows: dict[str, Request] = {request.id: request for request in shown}
        ended = (r for r in self._asked or () if r.status is not None)
        for request in (*ended, *heard, *self._older):
            rows.setdefault(request.id, request)
        self._rows = rows
        self.keys = tuple(rows)

    def _take(self, state: DashboardState, *, held: bool) -> None:
        """Entries of the routing log that came since."""
        self.newer = state.logged - self._seen
        if held and len(self._recent) >= RECENT:
            return
        if self._seen and self.newer > len(state.log):  # some went by unseen: begin anew
            self._recent.clear()
            self._forget()
        oldest = state.logged - len(state.log)
        fresh = state.log[max(0, self._seen - oldest) :]
        self._seen, self.newer = state.logged, 0
        if not fresh:
            return
        zone = zones(state)
        self._recent.extend(filter(self.query.matches, (of_ended(entry, zone) for entry in fresh)))
        if len(self._recent) > RECENT and not held:
            for _ in range(len(self._recent) - RECENT):
                self._recent.popleft()
            # What is older would no longer follow without a gap: it is read again when asked for.
            self._forget()

    def _forget(self) -> None:
        self._older.clear()
        self._until = None
        self.complete = False

    def show_asked(self, requests: Iterable[Request] | None) -> None:
        """Show these, which the gateway was asked for, instead of what is heard; None for that."""
        asked = None if requests is None else tuple(filter(self.query.matches, requests))
        if asked is None and self._asked is not None:
            self._seen = 0
            self._recent.clear()
        self._asked = asked

    def append(self, requests: Sequence[Request], *, last: bool) -> int:
        """Rows of the past, newest first; returns how many were new.

        Args:
            last: the gateway has nothing older.
        """
        known = {request.id for request in self._older} | {r.id for r in self._recent}
        fresh = [
            request
            for request in requests
            if request.status is not None
            and request.id not in known
            and self.query.matches(request)
        ]
        self._older += fresh
        begins = [request.at for request in requests]
        self._until = min(begins) if begins else self._until
        self.complete = last or len(self._older) >= OLDER
        return len(fresh)

    @property
    def until(self) -> float | None:
        """Unix seconds before which the next page of the past begins; None for the newest."""
        if self._until is not None or not self._recent:
            return self._until
        oldest = self._recent[0]
        # Rows come in the order of their ends, the past in that of their begins: some overlap.
        return oldest.at + (oldest.duration_ms or 0.0) / 1000 + 0.001

    @property
    def full(self) -> bool:
        """True when there may be more of the past than rows are kept for."""
        return len(self._older) >= OLDER

    def request(self, id: str) -> Request | None:
        """The row of that id."""
        return self._rows.get(id)

    note_heads = ("AT", "ID")

    def notes(self, key: Hashable) -> tuple[str, ...]:
        """What files say besides: when it began, and its id."""
        request = self._rows.get(cast(str, key))
        return (stamp(request.at), request.id) if request else ("", "")

    def cells(self, key: Hashable) -> tuple[Cell, ...]:
        request = self._rows.get(cast(str, key))
        if request is None:
            return (UNKNOWN,) * len(COLUMNS)
        if request.status is None:
            return cells(request, self._now, self._utc_offset_s)
        found = self._cells.get(request.id)
        if found is None:
            if len(self._cells) >= KEPT_LINES:
                self._cells.clear()
            # What ended never changes, so neither do its cells.
            found = self._cells[request.id] = cells(request, self._now, self._utc_offset_s)
        return found


def cells(request: Request, now: float, utc_offset_s: int) -> tuple[Cell, ...]:
    """One row, in the order of `COLUMNS`."""
    running = request.status is None
    status = status_cell(request)
    took = millis(max(0.0, now - request.at) * 1000) if running else millis(request.duration_ms)
    quiet = Role.TEXT if running or not request.failed else status.role
    return (
        Cell(clock(request.at, utc_offset_s), Role.DIM),
        status,
        Cell(became(request.asked, request.used)) if request.asked else UNKNOWN,
        Cell(request.backend, Role.INFO) if request.backend else UNKNOWN,
        known(millis(request.ttft_ms)),
        Cell(f"▶{took}", Role.ACCENT) if running else known(took),
        known(count(request.prompt_tokens), Role.DIM),
        known(count(request.completion_tokens), Role.DIM),
        known(rate(request.tokens_per_s), Role.DIM),
        Cell(request.said, quiet if request.failed else Role.DIM),
        UNKNOWN if request.zone is None else Cell(request.zone.value, Role.DIM),
    )


def status_cell(request: Request) -> Cell:
    """`▶ running`, or the HTTP status with a mark for its kind."""
    if request.status is None:
        return Cell("▶ running", Role.ACCENT)
    return http_cell(request.status, request.error if request.status < 400 else "")
