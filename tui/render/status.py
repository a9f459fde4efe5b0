"""One glyph and one role per status, used everywhere a status is shown."""

from __future__ import annotations

from nexus.domain.backend import Backend, BackendStatus
from tui.render.cells import Cell, Role
from tui.render.numbers import span

LOOK: dict[BackendStatus, tuple[str, str, Role]] = {
    BackendStatus.HEALTHY: ("●", "healthy", Role.OK),
    BackendStatus.BUSY: ("◉", "busy", Role.OK),
    BackendStatus.UNREACHABLE: ("✖", "down", Role.BAD),
    BackendStatus.UNHEALTHY: ("▲", "unhealthy", Role.BAD),
    BackendStatus.STALLED: ("◍", "stalled", Role.BAD),
    BackendStatus.AUTH_ERROR: ("⚿", "auth error", Role.BAD),
    BackendStatus.RATE_LIMITED: ("◔", "limited", Role.WARN),
    BackendStatus.UNKNOWN: ("○", "unknown", Role.DIM),
    BackendStatus.LOADING: ("◐", "loading", Role.INFO),
    BackendStatus.SLEEPING: ("☾", "sleeping", Role.INFO),
    BackendStatus.DRAINING: ("◌", "draining", Role.WARN),
}
"""Glyph, word, role."""

SLOW = ("◒", "slow", Role.WARN)
"""What stands instead of `healthy` and `busy` where a backend is slow."""

DOWN = frozenset({BackendStatus.UNREACHABLE, BackendStatus.UNHEALTHY, BackendStatus.STALLED})
"""Something is wrong on the other side."""

WORKING = frozenset({BackendStatus.HEALTHY, BackendStatus.BUSY, BackendStatus.SLEEPING})
"""New work goes there."""


def glyph(status: BackendStatus) -> Cell:
    """The status as one character."""
    mark, _, role = LOOK[status]
    return Cell(mark, role)


def word(status: BackendStatus) -> str:
    """The status as an operator says it."""
    return LOOK[status][1]


def look(backend: Backend, pending: int, *, slow: bool) -> tuple[str, str, Role]:
    """Glyph, word and role of a backend; slowness only where nothing worse is to be said."""
    status = backend.seen_with(pending)
    return SLOW if slow and status in WORKING else LOOK[status]


def status_cell(backend: Backend, pending: int, now: float, *, slow: bool = False) -> Cell:
    """`● healthy`, `✖ down 4m`, `◌ drain 2` (two still in flight)."""
    status = backend.seen_with(pending)
    mark, text, role = look(backend, pending, slow=slow)
    if status is BackendStatus.DRAINING:
        text = f"drain {pending}" if pending else "drained"
    elif status is BackendStatus.UNREACHABLE and backend.since is not None:
        text = f"down {span(now - backend.since)}"
    elif status is BackendStatus.AUTH_ERROR:
        text = "auth"  # the column is narrow
    return Cell(f"{mark} {text}", role)


def http_cell(status: int, error: str) -> Cell:
    """`● 200`, `◌ 499` (the client left), `✖ 503`, and `✖ 200` for an answer cut short."""
    if status == 499:
        return Cell("◌ 499", Role.DIM)
    if error or status >= 500:
        return Cell(f"✖ {status}", Role.BAD)
    if status >= 400:
        return Cell(f"! {status}", Role.WARN)
    return Cell(f"● {status}", Role.OK)
