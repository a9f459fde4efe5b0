"""The routing log: one line per request that ended."""

from __future__ import annotations

from nexus.domain.events import RequestFinished
from tui.render.asked import became
from tui.render.cells import UNKNOWN, Cell, Role, known
from tui.render.columns import Column
from tui.render.numbers import clock, count, millis, rate
from tui.render.status import http_cell
from tui.render.why import refusal, why
from tui.state import Entry

COLUMNS = (
    Column("TIME", 8, drop=3),
    Column("STATUS", 6),
    Column("MODEL asked→used", 16, widest=36),
    Column("BACKEND", 11, widest=18),
    Column("TTFT", 6, right=True, drop=2),
    Column("TOTAL", 6, right=True, drop=1),
    Column("IN", 5, right=True, drop=7),
    Column("OUT", 5, right=True, drop=6),
    Column("TOK/S", 5, right=True, drop=5),
    Column("WHY", 14, widest=80, drop=4),
)


def cells(entry: Entry, utc_offset_s: int) -> tuple[Cell, ...]:
    """One row, in the order of `COLUMNS`."""
    at = Cell(clock(entry.at, utc_offset_s), Role.DIM)
    if not isinstance(entry, RequestFinished):
        status = http_cell(entry.status, "")
        return (
            at,
            status,
            Cell(entry.requested) if entry.requested else UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            Cell(refusal(entry.message, entry.requested) or entry.code, status.role),
        )
    status = http_cell(entry.status, entry.error)
    return (
        at,
        status,
        Cell(became(entry.requested, entry.model)),
        Cell(entry.backend, Role.INFO),
        known(millis(entry.ttft_ms)),
        known(millis(entry.duration_ms)),
        known(count(entry.prompt_tokens), Role.DIM),
        known(count(entry.completion_tokens), Role.DIM),
        known(rate(entry.tokens_per_s), Role.DIM),
        Cell(why(entry), status.role if entry.is_error else Role.DIM),
    )
