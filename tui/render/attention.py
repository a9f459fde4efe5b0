"""What needs a look, the worst first, and the key to press."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from nexus.domain.backend import Backend, BackendId, BackendStatus
from nexus.domain.events import RequestRefused
from tui.render.cells import Cell, Line, Role, line
from tui.render.numbers import percent, plural, span
from tui.render.status import LOOK, SLOW
from tui.state import DashboardState, Link, Slow
from tui.window import Rates

BREACH_S = 900.0
"""An alarm of a zone stays this long, seconds."""
REFUSED_S = 120.0
"""How far back refused requests are counted, seconds."""
LOUD_PERCENT = 2.0
ENOUGH = 5
"""Requests in two minutes before a share of failures means something."""

_TROUBLE = {
    BackendStatus.UNREACHABLE: 10,
    BackendStatus.STALLED: 11,
    BackendStatus.UNHEALTHY: 12,
    BackendStatus.AUTH_ERROR: 13,
    BackendStatus.RATE_LIMITED: 30,
}
"""Statuses that a person should look at, and how early they stand."""


@dataclass(frozen=True, slots=True)
class Note:
    """One thing that needs a look."""

    rank: int
    """The smallest first."""
    text: Line
    keys: tuple[tuple[str, str], ...] = ()
    """Key and what it does, where there is one."""
    backend: BackendId | None = None
    """Where `!` leads."""


def attention(
    state: DashboardState, now: float, rates: Callable[[BackendId], Rates], may: Collection[str]
) -> tuple[Note, ...]:
    """Everything that needs a look.

    Args:
        rates: traffic of one backend.
        may: actions that this operator is offered, by name.
    """
    notes: list[Note] = []
    if state.link is Link.LOST:
        text = state.link_detail or "nothing new is heard; what stands here is the last known state"
        notes.append(Note(0, line(Cell("✖ connection lost", Role.BAD), Cell(f"  {text}"))))
    notes += _breaches(state, now)
    alone: frozenset[str] | None = None
    for backend in state.backends.values():
        rank = _TROUBLE.get(backend.status)
        if rank is not None:
            if alone is None:
                alone = served(state.backends.values())
            notes.append(_troubled(backend, rank, alone, now, may))
            continue
        if backend.status is BackendStatus.DRAINING:
            notes += _draining(backend, state, now, may)
            continue
        if slow := state.slow.get(backend.id):
            notes.append(_slow(backend, slow, may))
        window = state.windows.get(backend.id)
        if window is None or not window.errors:
            continue  # most backends: nothing failed at all
        traffic = rates(backend.id)
        share = traffic.error_percent
        if share is not None and share >= LOUD_PERCENT and traffic.requests >= ENOUGH:
            notes.append(_failing(backend, traffic, may))
    notes += _refused(state, now)
    if state.waiting:
        notes.append(_waiting(state, may))
    return tuple(sorted(notes, key=lambda note: note.rank))


def served(backends: Collection[Backend]) -> frozenset[str]:
    """Models that somebody could answer with now."""
    return frozenset(model.id for b in backends if b.is_routable for model in b.models)


def listed(names: list[str], shown: int = 2) -> str:
    """`a, b and 3 more`."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _breaches(state: DashboardState, now: float) -> list[Note]:
    fresh = [breach for breach in state.breaches if breach.at > now - BREACH_S]
    if not fresh:
        return []
    last = fresh[-1]
    times = "" if len(fresh) == 1 else f", {len(fresh)} times"
    head = Cell(f"✖ zone breach stopped {span(now - last.at)} ago{times}", Role.BAD)
    return [Note(1, line(head, Cell(f"  {last.detail}")), (("7", "log"),), last.backend_id)]


def _troubled(
    backend: Backend, rank: int, alone: frozenset[str], now: float, may: Collection[str]
) -> Note:
    mark, word, role = LOOK[backend.status]
    since = "" if backend.since is None else f" {span(now - backend.since)}"
    pieces = [
        Cell(f"{mark} ", role),
        Cell(backend.name, Role.STRONG),
        Cell(f" {word}{since}", role),
    ]
    lost = [] if backend.is_routable else [m.id for m in backend.models if m.id not in alone]
    if lost:
        rank -= 8
        pieces.append(Cell(f"  nobody else has {listed(lost)}", Role.WARN))
    told = backend.next or backend.reason
    if told:
        pieces.append(Cell(f"  {told}"))
    keys = (("c", "check now"),) if "check" in may else ()
    return Note(rank, tuple(pieces), (("↵", "open"), *keys), backend.id)


def _draining(
    backend: Backend, state: DashboardState, now: float, may: Collection[str]
) -> list[Note]:
    load = state.loads.get(backend.id)
    if load is not None and load.pending:
        return []  # its row counts down
    since = "" if backend.since is None else f" {span(now - backend.since)}"
    text = line(
        Cell("◌ ", Role.WARN),
        Cell(backend.name, Role.STRONG),
        Cell(f" drained{since}", Role.WARN),
        "  nothing runs there: safe to stop",
    )
    keys = (("u", "take it back"),) if "undrain" in may else ()
    return [Note(60, text, keys, backend.id)]


def _slow(backend: Backend, slow: Slow, may: Collection[str]) -> Note:
    mark, word, role = SLOW
    text = line(
        Cell(f"{mark} ", role),
        Cell(backend.name, Role.STRONG),
        Cell(f" {word}", role),
        f"  {slow.why}{'; ' if slow.what else ''}{slow.what}",
    )
    keys = (("d", "drain"),) if "drain" in may else ()
    return Note(42, text, (("↵", "why"), *keys), backend.id)


def _failing(backend: Backend, traffic: Rates, may: Collection[str]) -> Note:
    share = traffic.error_percent or 0.0
    text = line(
        Cell("! ", Role.WARN),
        Cell(backend.name, Role.STRONG),
        Cell(f" {percent(share)}% fail", Role.BAD if share >= 10 else Role.WARN),
        f"  {traffic.errors} of {plural(traffic.requests, 'request')} in 2m",
    )
    keys = (("d", "drain"),) if "drain" in may else ()
    return Note(20 if share >= 10 else 40, text, (("↵", "errors"), *keys), backend.id)


def _refused(state: DashboardState, now: float) -> list[Note]:
    """Requests that no backend saw, and why the last one was refused."""
    recent: list[RequestRefused] = []
    seen = 0
    for entry in reversed(state.log):
        if entry.at < now - REFUSED_S:
            break
        seen += 1
        if isinstance(entry, RequestRefused):
            recent.append(entry)
    if len(recent) < ENOUGH or len(recent) * 100 < seen * LOUD_PERCENT:
        return []
    last = recent[0]
    head = Cell(f"! {plural(len(recent), 'request')} refused in 2m", Role.WARN)
    return [Note(45, line(head, f"  {last.message or last.code}"), (("R", "routing"),))]


def _waiting(state: DashboardState, may: Collection[str]) -> Note:
    names = [server.name for server in state.waiting.values()]
    text = line(
        Cell(f"◆ {plural(len(names), 'server')} found", Role.WARN),
        f"  {listed(names)}, not used yet",
    )
    return Note(50, text, (("a", "look at it"),) if "approve" in may else ())


def keys_of(note: Note, hidden: int, *, here: bool, next: bool) -> Line:
    """What stands at the right of a note.

    Args:
        hidden: notes that did not fit.
        here: the cursor is on the note's backend, so its keys do what they say.
        next: `!` leads to it.
    """
    keys = note.keys
    if note.backend is not None and not here:
        keys = (("!", "go there"),) if next else ()
    pieces: list[Cell] = []
    if hidden:
        pieces += [Cell(f" +{hidden} more", Role.WARN), Cell("  ")]
    for key, label in keys:
        pieces += [Cell(f" {key}", Role.ACCENT), Cell(f" {label} ", Role.DIM)]
    return tuple(pieces)
