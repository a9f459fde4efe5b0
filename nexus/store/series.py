"""Numbers over time, from the sums by minute and hour."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Final

import msgspec

from nexus.domain.history import Metric, Point
from nexus.store.rollup import HOUR_S, MINUTE_S, Cell, unpacked

MOST_POINTS: Final = 2000
"""Points of one series; a finer step is made coarser."""

_READ: Final[dict[Metric, Callable[[Cell], float | None]]] = {
    Metric.REQUESTS: lambda cell: cell.requests,
    Metric.ERRORS: lambda cell: cell.errors,
    Metric.LATENCY_P50: lambda cell: cell.duration.quantile(0.5),
    Metric.LATENCY_P95: lambda cell: cell.duration.quantile(0.95),
    Metric.TTFT_P50: lambda cell: cell.ttft.quantile(0.5),
    Metric.TTFT_P95: lambda cell: cell.ttft.quantile(0.95),
    Metric.TOKENS_PER_SECOND: lambda cell: cell.speed.quantile(0.5),
    Metric.PROMPT_TOKENS: lambda cell: cell.prompt,
    Metric.COMPLETION_TOKENS: lambda cell: cell.completion,
}


def series(
    connection: sqlite3.Connection,
    metric: Metric,
    since: float,
    until: float,
    step_s: int,
    *,
    backend: str = "",
    model: str = "",
) -> list[Point]:
    """One point for each step from `since` to `until`, also where nothing happened.

    Args:
        since, until: Unix seconds.
        step_s: a minute at least. From an hour on, or before what is kept by the minute, whole
            hours.
        backend, model: exact names; empty means all together.
    """
    length = MINUTE_S
    (oldest,) = connection.execute("SELECT min(at) FROM minutes").fetchone()
    if step_s >= HOUR_S or oldest is None or since < oldest - HOUR_S:
        length = HOUR_S
    step = max(step_s, length, -(-int(until - since) // MOST_POINTS))
    step += -step % length
    begin = int(since) - int(since) % step
    cells: dict[int, Cell] = {}
    where, values = "at >= ? AND at < ?", list[object]((begin, until))
    for column, name in (("backend", backend), ("model", model)):
        if name:
            where += f" AND {column} = (SELECT n FROM words WHERE word = ?)"
            values.append(name)
    table = "hours" if length == HOUR_S else "minutes"
    for at, body in connection.execute(f"SELECT at, body FROM {table} WHERE {where}", values):
        try:
            cell = unpacked(body)
        except msgspec.DecodeError:
            continue
        place = at - (at - begin) % step
        if place in cells:
            cells[place].join(cell)
        else:
            cells[place] = cell
    read = _READ[metric]
    return [
        Point(at, read(cells[at]) if at in cells else None) for at in range(begin, int(until), step)
    ]
