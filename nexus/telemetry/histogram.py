"""Counts by bucket: what a hot path can afford to add to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
FIRST_BYTES_S = (0.05, 0.1, 0.5, 1, 5)
DECISIONS_S = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01)
TOKENS = (10, 50, 100, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000)
"""Upper bounds of buckets."""


class Histogram:
    """Counts by bucket. Whoever is in a hurry does what `add` does in place."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Not cumulative; the last is beyond every bound."""
        self.sum = 0.0

    @property
    def count(self) -> int:
        """Values added."""
        return sum(self.counts)

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


def cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, int]]:
    """Each upper bound, `+Inf` last, with the number of values up to it."""
    reached = 0
    told: list[tuple[str, int]] = []
    for bound, count in zip(bounds, counts[:-1], strict=True):
        reached += count
        told.append((str(float(bound)), reached))  # OpenMetrics wants `1.0`
    told.append(("+Inf", reached + counts[-1]))
    return told
