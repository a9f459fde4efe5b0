"""A backend's numbers over time: from what the dashboard saw, or from the gateway's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nexus.domain.gateway import FleetSource
from nexus.domain.history import Metric, Point
from tui.render.braille import Values
from tui.render.charts import Plot, latency, traffic, whole
from tui.trace import KEPT_S, Trace, rates_of, times_of

WINDOWS = (300, 900, 3600, 86_400, 7 * 86_400)
"""What `[` and `]` go through, seconds. Beyond what is seen live the gateway is asked."""
STEPS = {3600: 30, 86_400: 600, 7 * 86_400: 3600}
"""Seconds per point of those that are asked for."""


@dataclass(frozen=True, slots=True)
class Past:
    """Answers of the gateway about one backend and one window."""

    backend: str
    seconds: int
    asked_at: float
    requests: Values
    errors: Values
    p50: Values
    p95: Values

    @property
    def known(self) -> bool:
        """Whether anything is kept that far back."""
        return any(value for value in self.requests)


async def ask(source: FleetSource, backend: str, seconds: int, now: float) -> Past:
    """Four series of one backend. Raises NexusError."""
    step = STEPS[seconds]
    since = now - seconds
    metrics = (Metric.REQUESTS, Metric.ERRORS, Metric.LATENCY_P50, Metric.LATENCY_P95)
    found: list[Values] = []
    for metric in metrics:
        points = await source.series(metric, since, step, backend=backend)
        found.append(_spread(points, since, step, seconds // step))
    requests, errors, p50, p95 = found
    return Past(backend, seconds, now, requests, errors, p50, p95)


def _spread(points: tuple[Point, ...], since: float, step: int, count: int) -> Values:
    """One value per step; steps that were not told are not known."""
    values: list[float | None] = [None] * count
    for point in points:
        at = int((point.at - since) // step)
        if 0 <= at < count:
            values[at] = point.value
        elif -1 <= at < 0:
            values[0] = point.value
    return values


def plots(
    trace: Trace,
    past: Past | None,
    seconds: int,
    now: float,
    gaps: Sequence[tuple[float, float]] = (),
) -> tuple[Plot, ...]:
    """Latency and traffic of the window, with the `gaps` in what was seen live."""
    if seconds <= KEPT_S:
        return (
            latency(times_of(trace, now, seconds, 50), times_of(trace, now, seconds, 95)),
            traffic(*rates_of(trace, now, seconds, gaps)),
        )
    if past is None:
        return (latency((), ()), traffic((), ()))
    return (latency(past.p50, past.p95), traffic(past.requests, past.errors, whole))
