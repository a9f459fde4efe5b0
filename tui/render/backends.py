"""The backends table: its columns, the cells of a row, and the orders it can be sorted by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nexus.domain.backend import Backend, BackendStatus, Load
from tui.render.cells import UNKNOWN, Cell, Role
from tui.render.columns import Column
from tui.render.numbers import count, millis, percent, rate
from tui.render.spark import spark
from tui.render.status import DOWN, status_cell
from tui.window import Latency, Rates

COLUMNS = (
    Column("STATUS", 10, widest=11, sort="status"),
    Column("BACKEND", 14, widest=24, sort="name"),
    Column("TYPE", 8, drop=6),
    Column("ZONE", 10, drop=8),
    Column("MDL", 3, right=True, drop=11),
    Column("INFL", 5, right=True, drop=1, sort="in flight"),
    Column("REQ/S", 5, right=True, drop=2, sort="req/s"),
    Column("REQS", 6, right=True, drop=7),
    Column("ERR%", 5, right=True, drop=5, sort="errors"),
    Column("TTFT", 6, right=True, drop=10),
    Column("P50", 6, right=True, drop=4),
    Column("P95", 6, right=True, drop=3, sort="p95"),
    Column("TOK/S", 5, right=True, drop=4, sort="tok/s"),
    Column("TRAFFIC", 12, widest=40, drop=5),
)
TREND = len(COLUMNS) - 1
"""Index of the sparkline column."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A backend with its numbers at one moment."""

    backend: Backend
    load: Load
    rates: Rates
    latency: Latency
    slow: bool = False


def cells(row: Summary, trend: tuple[int | None, ...], now: float) -> tuple[Cell, ...]:
    """One row, in the order of `COLUMNS`."""
    backend, load, face = row.backend, row.load, row.backend.face
    down = backend.status in DOWN
    speed = load.tokens_per_s
    in_flight = str(load.pending)
    if face.max_concurrent:
        in_flight = f"{load.pending}/{face.max_concurrent}"
    full = face.max_concurrent is not None and load.pending >= face.max_concurrent
    return (
        status_cell(backend, load.pending, now, slow=row.slow),
        Cell(face.name, Role.DIM if down else Role.STRONG),
        Cell(face.type, Role.DIM),
        Cell(face.zone, Role.DIM),
        _models(backend),
        _number(in_flight, Role.WARN if full else Role.TEXT, quiet=load.pending == 0),
        _number(rate(row.rates.requests_per_s), quiet=row.rates.requests_per_s < 0.05),
        _number(count(load.total), Role.DIM, quiet=load.total == 0),
        errors_cell(row.rates.error_percent),
        _number(millis(row.latency.ttft_p50)),
        _number(millis(row.latency.p50)),
        _number(millis(row.latency.p95)),
        _number(rate(speed)),
        Cell(spark(trend), Role.FAINT if down else Role.INFO),
    )


def _models(backend: Backend) -> Cell:
    """How many models; `?` behind an old list, because nothing newer could be read."""
    if backend.models_stale:
        return Cell(f"{len(backend.models)}?", Role.WARN)
    return Cell(str(len(backend.models)), Role.DIM)


def errors_cell(value: float | None) -> Cell:
    """A share of failures; loud from two percent, with a mark beside the colour."""
    if value is None:
        return UNKNOWN
    if value >= 2:
        return Cell(f"!{percent(value)}"[:5], Role.BAD if value >= 10 else Role.WARN)
    return Cell(percent(value), Role.DIM)


def _number(text: str, role: Role = Role.TEXT, *, quiet: bool = False) -> Cell:
    if text == "-":
        return UNKNOWN
    return Cell(text, Role.FAINT if quiet else role)


_SEVERITY = {
    BackendStatus.UNREACHABLE: 0,
    BackendStatus.UNHEALTHY: 1,
    BackendStatus.STALLED: 2,
    BackendStatus.AUTH_ERROR: 3,
    BackendStatus.RATE_LIMITED: 4,
    BackendStatus.LOADING: 5,
    BackendStatus.DRAINING: 6,
    BackendStatus.UNKNOWN: 7,
    BackendStatus.SLEEPING: 8,
    BackendStatus.BUSY: 9,
    BackendStatus.HEALTHY: 10,
}
_SLOW = 4.5
"""Where a slow one stands among them."""


def _severity(row: Summary) -> float:
    found = _SEVERITY[row.backend.status]
    return _SLOW if row.slow and found > _SLOW else found


ORDERS: dict[str, Callable[[Summary], tuple[float | str, ...]]] = {
    "fleet": lambda row: (),
    "status": lambda row: (_severity(row), row.backend.name),
    "name": lambda row: (row.backend.name,),
    "in flight": lambda row: (-row.load.pending, row.backend.name),
    "req/s": lambda row: (-round(row.rates.requests_per_s, 1), row.backend.name),
    "errors": lambda row: (-(row.rates.error_percent or 0.0), row.backend.name),
    "p95": lambda row: (-(row.latency.p95 or -1.0), row.backend.name),
    "tok/s": lambda row: (-(row.load.tokens_per_s or 0.0), row.backend.name),
}
"""Sort keys by name; `fleet` keeps the order of registration. Worst or busiest first."""
