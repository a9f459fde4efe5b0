"""The last fifteen minutes of one backend, or of all: counts and a histogram of times per step.

Immutable and bounded: a step without traffic takes no room, and adding copies one small step, never
the ones before it. Percentiles are read from the histogram, so they are right to within five
percent, which is less than a dot of a chart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from typing import NamedTuple

STEP_S = 5
"""Seconds of one step."""
KEPT_S = 900
"""How far back steps are kept, seconds."""
_RATIO = log(1.1)


def _bin(ms: float) -> int:
    """Which drawer of the histogram a time belongs to: each is a tenth wider than the last."""
    return max(0, int(log(max(1.0, ms)) / _RATIO))


def _middle(number: int) -> float:
    """Milliseconds in the middle of a drawer."""
    return 1.1 ** (number + 0.5)


def percentile_of(times: Mapping[int, int], percent: int) -> float | None:
    """Milliseconds; None of an empty histogram.

    Args:
        times: how many, by drawer.
    """
    total = sum(times.values())
    if not total:
        return None
    left = -(-total * percent // 100)
    for drawer in sorted(times):
        left -= times[drawer]
        if left <= 0:
            return _middle(drawer)
    return None


class Step(NamedTuple):
    """What ended in five seconds."""

    number: int
    """Unix seconds // STEP_S."""
    requests: int = 0
    errors: int = 0
    tokens: int = 0
    times: Mapping[int, int] = {}
    """Answers that went well, by drawer of how long they took. Replaced, never changed."""

    def percentile(self, percent: int) -> float | None:
        """Milliseconds; None where nothing went well."""
        return percentile_of(self.times, percent)


@dataclass(frozen=True, slots=True)
class Trace:
    """Steps with traffic, oldest first; the newest is still open."""

    closed: tuple[Step, ...] = ()
    open: Step = field(default_factory=lambda: Step(0))

    def add(
        self, at: float, *, error: bool, tokens: int = 0, took_ms: float | None = None
    ) -> Trace:
        """With one more request that ended. One that is told late counts in the newest step.

        Args:
            took_ms: of an answer that went well; None leaves the times alone.
        """
        number = int(at) // STEP_S
        closed, now = self.closed, self.open
        if number > now.number:
            oldest = number - KEPT_S // STEP_S
            kept = (*closed, now) if now.requests else closed
            closed = tuple(step for step in kept if step.number > oldest)
            now = Step(number)
        times = now.times
        if took_ms is not None:
            drawer = _bin(took_ms)
            times = {**times, drawer: times.get(drawer, 0) + 1}
        step = Step(now.number, now.requests + 1, now.errors + error, now.tokens + tokens, times)
        return Trace(closed, step)

    def mark(self, now: float) -> tuple[object, ...]:
        """Equal while `steps` says the same at `now`: the step under way is not among them."""
        current = int(now) // STEP_S
        over = self.open if self.open.number < current else None
        return (self.closed, over, current)

    def steps(self, now: float, seconds: int) -> tuple[Step | None, ...]:
        """Every whole step of the last `seconds` before `now`; None where nothing ended."""
        newest = int(now) // STEP_S - 1
        count = seconds // STEP_S
        found = {step.number: step for step in (*self.closed, self.open)}
        return tuple(found.get(newest - back) for back in range(count - 1, -1, -1))


Values = tuple[float | None, ...]
"""One number per step, None for not known."""


def rates_of(
    trace: Trace, now: float, seconds: int, gaps: Sequence[tuple[float, float]] = ()
) -> tuple[Values, Values]:
    """Requests, and requests that failed, per second.

    Nothing ended is zero, which is known; None before the first request that was ever seen.

    Args:
        gaps: from and to, Unix seconds, of which nothing is known: None as well.
    """
    steps = trace.steps(now, seconds)
    first = int(now) // STEP_S - len(steps)
    hidden = {
        number - first
        for begin, end in gaps
        for number in range(max(first, int(begin) // STEP_S), int(end) // STEP_S + 1)
    }
    blind = 0
    if not trace.closed or trace.closed[0].number > first:
        blind = next((at for at, step in enumerate(steps) if step), len(steps))
    known = [
        at >= blind and (step is not None or at not in hidden) for at, step in enumerate(steps)
    ]

    def spread(counts: Iterable[int]) -> Values:
        return tuple(
            count / STEP_S if told else None for count, told in zip(counts, known, strict=True)
        )

    return (
        spread(step.requests if step else 0 for step in steps),
        spread(step.errors if step else 0 for step in steps),
    )


def times_of(trace: Trace, now: float, seconds: int, percent: int) -> Values:
    """A percentile per step, milliseconds; None where nothing went well."""
    steps = trace.steps(now, seconds)
    return tuple(step.percentile(percent) if step else None for step in steps)
