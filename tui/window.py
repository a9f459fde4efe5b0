"""Rolling traffic of one backend, or of all: bounded, immutable, fed by finished requests.

Times are Unix seconds from the events themselves; readers pass `now`. Adding costs a few
microseconds: it copies short tuples, never the history of the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from nexus.domain.events import RequestFinished

SLOT_S = 2
"""Seconds one sparkline bar stands for."""
SLOTS = 60
"""Slots remembered: two minutes."""
RATE_S = 10
"""Seconds a rate is averaged over."""
FRESH_S = 300.0
"""Samples older than this many seconds no longer count as latency."""
ERRORS = 5
"""Last failures remembered per window."""


class Slot(NamedTuple):
    """What finished in two seconds."""

    number: int
    """Unix seconds // SLOT_S."""
    requests: int
    errors: int
    tokens: int


class Sample(NamedTuple):
    """One finished request."""

    at: float
    duration_ms: float
    ttft_ms: float | None


@dataclass(frozen=True, slots=True)
class Window:
    """The last two minutes in slots and the last `keep` latencies."""

    slots: tuple[Slot, ...] = ()
    samples: tuple[Sample, ...] = ()
    errors: tuple[RequestFinished, ...] = ()
    keep: int = 128

    def add(self, done: RequestFinished) -> Window:
        """With one more finished request. A late event counts in the newest slot."""
        bad = done.is_error
        good = not bad and done.status != 499
        samples = self.samples
        if good:
            sample = Sample(done.at, done.duration_ms, done.ttft_ms)
            samples = samples[-(self.keep - 1) :] + (sample,)  # noqa: RUF005 - half the time
        return Window(
            self._slots(done.at, int(bad), done.completion_tokens or 0),
            samples,
            (*self.errors[-(ERRORS - 1) :], done) if bad else self.errors,
            self.keep,
        )

    def refuse(self, at: float) -> Window:
        """With one more request that nothing could serve."""
        return Window(self._slots(at, 1, 0), self.samples, self.errors, self.keep)

    def _slots(self, at: float, errors: int, tokens: int) -> tuple[Slot, ...]:
        index = int(at) // SLOT_S
        slots = self.slots
        if slots and slots[-1].number >= index:
            last = slots[-1]
            merged = Slot(
                last.number, last.requests + 1, last.errors + errors, last.tokens + tokens
            )
            return (*slots[:-1], merged)
        oldest = index - SLOTS
        if slots and slots[0].number <= oldest:
            slots = tuple(slot for slot in slots if slot.number > oldest)
        return (*slots, Slot(index, 1, errors, tokens))


@dataclass(frozen=True, slots=True)
class Rates:
    """What a window says at one moment."""

    requests_per_s: float
    tokens_per_s: float
    requests: int
    """In the last two minutes."""
    errors: int
    """In the last two minutes."""

    @property
    def error_percent(self) -> float | None:
        """None where nothing finished."""
        return 100 * self.errors / self.requests if self.requests else None


def rates(window: Window, now: float, since: float = 0.0) -> Rates:
    """Averages over the last ten seconds, or over the time since `since` if that is shorter."""
    current = int(now) // SLOT_S
    first = current - RATE_S // SLOT_S
    requests = tokens = 0
    for slot in reversed(window.slots):
        if slot.number < first:
            break
        requests += slot.requests
        tokens += slot.tokens
    seconds = max(float(SLOT_S), now - max(first * SLOT_S, since))
    recent = [slot for slot in window.slots if slot.number > current - SLOTS]
    return Rates(
        requests / seconds,
        tokens / seconds,
        sum(slot.requests for slot in recent),
        sum(slot.errors for slot in recent),
    )


Counts = tuple[int | None, ...]
"""By slot; None where nothing is known."""


def history(
    window: Window, now: float, bars: int, unseen: Sequence[tuple[float, float]] = ()
) -> Counts:
    """Requests finished in each of the last `bars` complete slots, oldest first.

    Args:
        unseen: from and to, Unix seconds, of which nothing is known but what was counted.
    """
    newest = int(now) // SLOT_S - 1
    oldest = newest - bars + 1
    counts: dict[int, int | None] = {slot.number: slot.requests for slot in window.slots}
    for begin, end in unseen:
        for number in range(max(oldest, int(begin) // SLOT_S), min(newest + 1, int(end) // SLOT_S)):
            counts.setdefault(number, None)
    return tuple(counts.get(number, 0) for number in range(oldest, newest + 1))


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles of the fresh samples, milliseconds; None before the first."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    ttft_p50: float | None = None
    ttft_p95: float | None = None
    count: int = 0


def latency(window: Window, now: float) -> Latency:
    """Percentiles of what finished well in the last five minutes. Sorts: call once per change."""
    fresh = window.samples
    if fresh and fresh[0][0] <= now - FRESH_S:
        fresh = [sample for sample in fresh if sample[0] > now - FRESH_S]
    if not fresh:
        return Latency()
    # Plain lists and indexes: this is the dearest part of a frame.
    durations = [sample[1] for sample in fresh]
    durations.sort()
    firsts = [first for _, _, first in fresh if first is not None]
    firsts.sort()
    return Latency(
        percentile(durations, 50),
        percentile(durations, 95),
        percentile(durations, 99),
        percentile(firsts, 50),
        percentile(firsts, 95),
        len(durations),
    )


def percentile(ordered: list[float], percent: int) -> float | None:
    """Nearest rank of a sorted list; None of an empty one."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
