"""Numbers since the start, as a fold over what became of requests (contract 2.9, 2.10, 8.1).

Folded where events are published, so that a number is never behind what a client has seen. A
request costs a few microseconds. Labels are bounded: names come from servers and clients.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from nexus.domain.backend import BackendId
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.text import clean

DURATIONS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
FIRST_BYTES_S = (0.05, 0.1, 0.5, 1, 5)
TOKENS = (10, 50, 100, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000)
"""Upper bounds of buckets."""

MOST_NAMES = 1000
"""Values that a label may have; what comes after them counts as `OTHER`."""
OTHER = "other"
UNKNOWN = "unknown"
"""The model of a request that named none that exists."""

NAME_CHARS = 256
MESSAGE_CHARS = 1024
HISTORY = 100

ERROR_TYPES = {
    "no_backend_available": "no_healthy_backend",
    "capability_missing": "capability_mismatch",
    "context_length_exceeded": "routing_rejected",
}
"""The contract's word for an error code of ours; other codes stay as they are."""


class Histogram:
    """Counts by bucket."""

    __slots__ = ("bounds", "count", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        """Not cumulative; the last is beyond every bound."""
        self.sum = 0.0
        self.count = 0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
        self.count += 1


@dataclass(slots=True)
class _Sum:
    """Requests and what they took together."""

    name: str = ""
    count: int = 0
    ms: float = 0.0

    def add(self, ms: float) -> None:
        self.count += 1
        self.ms += ms

    @property
    def mean_ms(self) -> float:
        return round(self.ms / self.count, 1) if self.count else 0.0


@dataclass(slots=True)
class Metrics:
    """The numbers. Read by whoever renders them; written by `see`."""

    success: int = 0
    errors: int = 0
    cancelled: int = 0
    """Requests whose client left before the end."""
    requests: dict[tuple[str, str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By model, backend and status."""
    error_types: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By type and model."""
    fallbacks: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By the model asked for and the one that served."""
    failed_attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By backend."""
    durations: dict[tuple[str, str], Histogram] = field(
        default_factory=lambda: defaultdict(lambda: Histogram(DURATIONS_S))
    )
    """Seconds, by model and backend."""
    first_bytes: dict[str, Histogram] = field(
        default_factory=lambda: defaultdict(lambda: Histogram(FIRST_BYTES_S))
    )
    """Seconds, by backend."""
    tokens: dict[tuple[str, str, str], Histogram] = field(
        default_factory=lambda: defaultdict(lambda: Histogram(TOKENS))
    )
    """By model, backend and `prompt` or `completion`."""
    by_backend: dict[BackendId, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    by_model: dict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    history: deque[RequestFinished | RequestRefused] = field(
        default_factory=lambda: deque(maxlen=HISTORY)
    )
    """The last requests, oldest first."""
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _last: str = ""

    @property
    def total(self) -> int:
        """Every request that has ended."""
        return self.success + self.errors + self.cancelled

    def see(self, event: RequestFinished | RequestRefused) -> None:
        """Count the end of a request."""
        if isinstance(event, RequestRefused):
            # A plan whose backends all left ends as a request, and is then told as a refusal.
            if event.request_id != self._last:
                self._refused(event)
            return
        self._last = event.request_id
        self._finished(event)

    def _finished(self, event: RequestFinished) -> None:
        model, backend = self._name(event.model), self._name(event.backend)
        self.history.append(event)
        self.requests[model, backend, str(event.status)] += 1
        for failed in event.failures:
            self.failed_attempts[self._name(failed.backend)] += 1
        if event.status == 499:
            self.cancelled += 1
        elif event.is_error:
            self.errors += 1
            self.error_types["timeout" if event.status == 504 else "backend_error", model] += 1
        else:
            self.success += 1
            if event.why.startswith("fallback:"):
                self.fallbacks[self._name(event.requested), model] += 1
        self.durations[model, backend].add(event.duration_ms / 1000)
        self.by_model[model].add(event.duration_ms)
        known = self.by_backend
        if event.backend_id in known or len(known) < MOST_NAMES:
            known[event.backend_id].add(event.duration_ms)
            known[event.backend_id].name = event.backend
        if event.ttft_ms is not None:
            self.first_bytes[backend].add(event.ttft_ms / 1000)
        if event.prompt_tokens is not None:
            self.tokens[model, backend, "prompt"].add(event.prompt_tokens)
        if event.completion_tokens is not None:
            self.tokens[model, backend, "completion"].add(event.completion_tokens)

    def _refused(self, event: RequestRefused) -> None:
        self.history.append(event)
        self.errors += 1
        # Whoever sends a request chooses this name: only those that have served are told apart.
        model = self._names.get(event.requested, UNKNOWN)
        self.requests[model, "none", str(event.status)] += 1
        self.error_types[ERROR_TYPES.get(event.code, event.code), model] += 1

    def _name(self, name: str) -> str:
        """A label's value: the first thousand names as they are."""
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= MOST_NAMES:
                return OTHER
            known = self._names[name] = clean(name, NAME_CHARS)
        return known
