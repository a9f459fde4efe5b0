"""How a backend has been: what it was when, for how long and why, and who changed what about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nexus.domain.audit import DONE, AuditEntry
from nexus.domain.backend import Backend, BackendStatus
from tui.render.cells import UNKNOWN, Cell, Line, Role
from tui.render.columns import Column
from tui.render.numbers import clock, span
from tui.render.status import LOOK
from tui.state import Turn

COLUMNS = (
    Column("WHEN", 8),
    Column("WHAT", 12),
    Column("LASTED", 6, right=True, drop=1),
    Column("WHY", 16, widest=120),
)


@dataclass(frozen=True, slots=True)
class Happening:
    """A status that held for a while, or a change that somebody made."""

    at: float | None
    """Unix seconds; None where it began before anybody looked."""
    what: Cell
    lasted_s: float | None
    """Seconds; None for a moment."""
    why: str
    """Text from outside: clean before display."""


def happenings(
    backend: Backend, turns: Sequence[Turn], changes: Sequence[AuditEntry], now: float
) -> tuple[Happening, ...]:
    """Newest first."""
    found = [
        Happening(
            begin,
            _status(status),
            None if begin is None else end - begin,
            reason,
        )
        for begin, end, status, reason in _spans(backend, turns, now)
    ]
    names = (backend.name, backend.id)
    found += [_changed(entry) for entry in changes if entry.target in names]
    return tuple(sorted(found, key=lambda one: -(one.at or 0.0)))


def _status(status: BackendStatus) -> Cell:
    mark, word, role = LOOK[status]
    return Cell(f"{mark} {word}", role)


def _spans(
    backend: Backend, turns: Sequence[Turn], now: float
) -> list[tuple[float | None, float, BackendStatus, str]]:
    """Begin, end, status and reason of each status that held, oldest first."""
    if not turns:
        return [(backend.since, now, backend.status, backend.reason)]
    first = turns[0]
    spans = [(first.was_since, first.at, first.was, "")]
    ends = [*(turn.at for turn in turns[1:]), now]
    for number, (turn, end) in enumerate(zip(turns, ends, strict=True), 1):
        # Why it is what it is may have become clearer since it turned.
        reason = backend.reason if number == len(turns) else turn.reason
        spans.append((turn.at, end, turn.status, reason))
    return spans


def _changed(entry: AuditEntry) -> Happening:
    """Who did what, from what to what."""
    before, after = entry.before or {}, entry.after or {}
    keys = (*after, *(key for key in before if key not in after))
    told = ", ".join(
        f"{key} {before[key]} → {after[key]}"
        if key in before and key in after
        else f"{key} {after.get(key, before.get(key))}"
        for key in keys
        if before.get(key) != after.get(key) and key != "draining"
    )
    text = f"by {entry.who}" + (f": {told}" if told else "")
    if entry.outcome != DONE:
        text += f"; refused: {entry.outcome}"
    role = Role.ACCENT if entry.outcome == DONE else Role.WARN
    return Happening(entry.at, Cell(f"* {entry.action}", role), None, text)


def cells(one: Happening, utc_offset_s: int) -> tuple[Cell, ...]:
    """One row, in the order of `COLUMNS`."""
    return (
        UNKNOWN if one.at is None else Cell(clock(one.at, utc_offset_s), Role.DIM),
        one.what,
        UNKNOWN if one.lasted_s is None else Cell(span(one.lasted_s)),
        Cell(one.why, Role.TEXT) if one.why else Cell(""),
    )


def strip(backend: Backend, turns: Sequence[Turn], now: float, seconds: int, columns: int) -> Line:
    """One mark per slice of time, oldest first: the worst status that held in it.

    `·` where nobody looked yet.
    """
    spans = [
        (begin, end, status)
        for begin, end, status, _ in _spans(backend, turns, now)
        if begin is not None
    ]
    pieces: list[Cell] = []
    for column in range(columns):
        begin = now - seconds + seconds * column / columns
        end = begin + seconds / columns
        held = [status for a, b, status in spans if a < end and b > begin]
        if held:
            mark, _, role = LOOK[min(held, key=_RANK.__getitem__)]
        else:
            mark, role = "·", Role.FAINT
        if pieces and pieces[-1].role is role:
            pieces[-1] = Cell(pieces[-1].text + mark, role)
        else:
            pieces.append(Cell(mark, role))
    return tuple(pieces)


_RANK = {
    status: rank
    for rank, status in enumerate(
        (
            BackendStatus.UNREACHABLE,
            BackendStatus.STALLED,
            BackendStatus.UNHEALTHY,
            BackendStatus.AUTH_ERROR,
            BackendStatus.RATE_LIMITED,
            BackendStatus.DRAINING,
            BackendStatus.LOADING,
            BackendStatus.SLEEPING,
            BackendStatus.UNKNOWN,
            BackendStatus.BUSY,
            BackendStatus.HEALTHY,
        )
    )
}
