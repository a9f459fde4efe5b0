"""Numbers over time, from the sums by minute and hour."""

from __future__ import annotations

import sqlite3
from typing import Final

from nexus.domain.history import Metric, Point
from nexus.store.rollup import ALL, HOUR_S, MINUTE_S, Sketch, sketch

MOST_POINTS: Final = 2000
"""Points of one series; a finer step is made coarser."""

_SUMS: Final = {
    Metric.REQUESTS: "requests",
    Metric.ERRORS: "errors",
    Metric.PROMPT_TOKENS: "prompt",
    Metric.COMPLETION_TOKENS: "completion",
}
"""The column of each metric that is added up."""

_SHARES: Final = {
    Metric.LATENCY_P50: ("duration", 0.5),
    Metric.LATENCY_P95: ("duration", 0.95),
    Metric.TTFT_P50: ("ttft", 0.5),
    Metric.TTFT_P95: ("ttft", 0.95),
    Metric.TOKENS_PER_SECOND: ("speed", 0.5),
}
"""The column of each other one, and which share of the requests was no worse."""


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
    places: list[int] = []
    for name in (backend, model):
        found = (ALL,)
        if name:
            found = connection.execute("SELECT n FROM words WHERE word = ?", (name,)).fetchone()
        places.append(-1 if found is None else found[0])  # -1 is nobody's
    length = MINUTE_S
    (oldest,) = connection.execute(
        "SELECT min(at) FROM minutes WHERE backend = ? AND model = ?", (ALL, ALL)
    ).fetchone()
    if step_s >= HOUR_S or oldest is None or since < oldest - HOUR_S:
        length = HOUR_S
    step = max(step_s, length, -(-int(until - since) // MOST_POINTS))
    step += -step % length
    begin = int(since) - int(since) % step
    column, share = _SHARES.get(metric) or (_SUMS[metric], None)
    rows = connection.execute(
        f"SELECT at, {column} FROM {'hours' if length == HOUR_S else 'minutes'}"
        " WHERE backend = ? AND model = ? AND at >= ? AND at < ?",
        (*places, begin, until),
    )
    values: dict[int, float | None] = {}
    if share is None:
        for at, number in rows:
            place = at - (at - begin) % step
            values[place] = (values.get(place) or 0) + number
    else:
        sketches: dict[int, Sketch] = {}
        for at, body in rows:
            sketches.setdefault(at - (at - begin) % step, Sketch()).join(sketch(body))
        values = {place: each.quantile(share) for place, each in sketches.items()}
    return [Point(at, values.get(at)) for at in range(begin, int(until), step)]
