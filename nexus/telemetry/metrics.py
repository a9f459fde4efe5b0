"""Numbers since the start, as a fold over what became of requests (contract 2.9, 2.10, 8.1).

Folded where events are published, so that a number is never behind what a client has seen. What
requests of one model, backend and status have in common is looked up once, as a `Cell`: a request
costs about a microsecond, and sums over cells are made when somebody asks. Labels are bounded:
names come from servers and clients.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nexus.domain.backend import BackendId, Zone
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.text import clean
from nexus.telemetry.histogram import DECISIONS_S, DURATIONS_S, FIRST_BYTES_S, TOKENS, Histogram
from nexus.telemetry.quality import MINUTE_S, BackendCounts

MOST_NAMES = 1000
"""Values that a label may have; what comes after them counts as `OTHER`."""
MOST_CELLS = 10_000
"""Combinations of model, backend and status; what comes after them counts under `OTHER`."""
OTHER = "other"
UNKNOWN = "unknown"
"""The model of a request that named none that exists."""

NAME_CHARS = 256
MESSAGE_CHARS = 1024
HISTORY = 100

LEFT = 499
"""The status of a request whose client left."""

ERROR_TYPES = {
    "no_backend_available": "no_healthy_backend",
    "capability_missing": "capability_mismatch",
    "context_length_exceeded": "routing_rejected",
}
"""The contract's word for an error code of ours; other codes stay as they are."""


class Sockets(Protocol):
    """What the guard of the privacy zones counts: `nexus.upstream.guard.Guard`."""

    opened: dict[Zone, int]
    breaches: int


@dataclass(slots=True)
class Cell:
    """Requests of one model, backend and status. Histograms are shared between statuses."""

    model: str
    backend: str
    """Labels: cleaned and bounded."""
    backend_id: BackendId
    status: int
    durations: Histogram
    first_bytes: Histogram
    prompt: Histogram
    completion: Histogram
    counts: BackendCounts
    examples: list[RequestFinished | None]
    """The last request in each bucket of `durations`."""
    count: int = 0
    failed: int = 0
    ms: float = 0.0


def _histograms(bounds: tuple[float, ...]) -> Callable[[], dict[str, Histogram]]:
    return lambda: defaultdict(lambda: Histogram(bounds))


@dataclass(slots=True)
class Metrics:
    """The numbers. Read by whoever renders them; requests are written by `see`."""

    cells: dict[tuple[str, BackendId, int], Cell] = field(
        default_factory=dict[tuple[str, BackendId, int], Cell]
    )
    """By model and backend as events name them, and status."""
    refused: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """Requests that no backend was asked about, by model and status."""
    error_types: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By type and model."""
    fallbacks: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """By the model asked for and the one that served."""
    failed_attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """By backend."""
    backends: dict[str, BackendCounts] = field(default_factory=dict[str, BackendCounts])
    """How well each answers, by label."""
    probes: dict[str, Histogram] = field(default_factory=_histograms(DURATIONS_S))
    """Seconds of a health check, by backend."""
    decisions: Histogram = field(default_factory=lambda: Histogram(DECISIONS_S))
    """Seconds of a decision."""
    rules: dict[str, Histogram] = field(default_factory=_histograms(DECISIONS_S))
    """Seconds of one rule in a decision."""
    exclusions: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """Candidates ruled out, by the first rule that did; estimated where only some are measured."""
    sockets: Sockets | None = None
    history: deque[RequestFinished | RequestRefused] = field(
        default_factory=lambda: deque(maxlen=HISTORY)
    )
    """The last requests, oldest first."""
    _shared: dict[tuple[str, str], Cell] = field(default_factory=dict[tuple[str, str], Cell])
    _first_bytes: dict[str, Histogram] = field(default_factory=_histograms(FIRST_BYTES_S))
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _last: str = ""
    _minute_ends: float = 0.0

    def see(self, event: RequestFinished | RequestRefused) -> None:
        """Count the end of a request."""
        if isinstance(event, RequestRefused):
            self.see_refused(event)
        else:
            self.see_finished(event)

    def see_refused(self, event: RequestRefused) -> None:
        """Count a request that no backend got."""
        if event.request_id == self._last:
            return  # a plan whose backends all left ended as a request, and is now refused
        self.history.append(event)
        # Whoever sends a request chooses this name: only those that have served are told apart.
        model = self._names.get(event.requested, UNKNOWN)
        self.refused[model, event.status] += 1
        self.error_types[ERROR_TYPES.get(event.code, event.code), model] += 1

    def see_finished(self, event: RequestFinished) -> None:
        """Count a request that a backend got. On the path of every request."""
        self._last = event.request_id
        self.history.append(event)
        if event.at >= self._minute_ends:
            self._new_minute(event.at)
        status, ms = event.status, event.duration_ms
        cell = self.cells.get((event.model, event.backend_id, status)) or self._cell(event)
        cell.count += 1
        cell.ms += ms
        histogram, value = cell.durations, ms / 1000  # `Histogram.add`, without four calls
        bucket = bisect_left(DURATIONS_S, value)
        histogram.counts[bucket] += 1
        cell.examples[bucket] = event
        histogram.sum += value
        ttft = event.ttft_ms
        if ttft is not None:
            histogram, value = cell.first_bytes, ttft / 1000
            histogram.counts[bisect_left(FIRST_BYTES_S, value)] += 1
            histogram.sum += value
        tokens = event.prompt_tokens
        if tokens is not None:
            histogram = cell.prompt
            histogram.counts[bisect_left(TOKENS, tokens)] += 1
            histogram.sum += tokens
        tokens = event.completion_tokens
        if tokens is not None:
            histogram = cell.completion
            histogram.counts[bisect_left(TOKENS, tokens)] += 1
            histogram.sum += tokens
        if status == 200 and not event.error:
            cell.counts.attempts += 1
        else:
            self._trouble(event, cell)
        if event.failures:
            self._attempts_failed(event)
        if event.requested != event.model:
            self._other_name(event, cell)

    def checked(self, backend: str, seconds: float) -> None:
        """Count a health check."""
        self.probes[self.name(backend)].add(seconds)

    def name(self, name: str) -> str:
        """A label's value: the first thousand names as they are."""
        known = self._names.get(name)
        if known is None:
            if len(self._names) >= MOST_NAMES:
                return OTHER
            known = self._names[name] = clean(name, NAME_CHARS)
        return known

    # ---- what comes seldom

    def _cell(self, event: RequestFinished) -> Cell:
        key = (event.model, event.backend_id, event.status)
        model, backend = self.name(event.model), self.name(event.backend)
        if len(self.cells) >= MOST_CELLS or OTHER in (model, backend):
            model = backend = OTHER
            key = (OTHER, BackendId(OTHER), event.status)
            if key in self.cells:
                return self.cells[key]
        like = self._shared.get((model, backend))
        if like is None:
            like = Cell(
                model,
                backend,
                key[1],
                0,
                Histogram(DURATIONS_S),
                self._first_bytes[backend],
                Histogram(TOKENS),
                Histogram(TOKENS),
                self._counts(backend),
                [None] * (len(DURATIONS_S) + 1),
            )
            self._shared[model, backend] = like
        cell = self.cells[key] = Cell(
            model,
            backend,
            key[1],
            event.status,
            like.durations,
            like.first_bytes,
            like.prompt,
            like.completion,
            like.counts,
            like.examples,
        )
        return cell

    def _counts(self, label: str) -> BackendCounts:
        counts = self.backends.get(label)
        if counts is None:
            counts = self.backends[label] = BackendCounts(self._first_bytes[label])
            counts.note(self._minute_ends - MINUTE_S)
        return counts

    def _new_minute(self, at: float) -> None:
        self._minute_ends = at // MINUTE_S * MINUTE_S + MINUTE_S
        for counts in self.backends.values():
            counts.note(at)

    def _trouble(self, event: RequestFinished, cell: Cell) -> None:
        if event.status == LEFT:
            return
        failed = event.is_error
        if failed:
            cell.failed += 1
            self.error_types["timeout" if event.status == 504 else "backend_error", cell.model] += 1
        if len(event.failures) >= event.attempts:
            return  # the last attempt is among those that are counted below
        cell.counts.attempts += 1
        if failed and not 400 <= event.status < 500:
            cell.counts.failures += 1
            cell.counts.last_failure_at = event.at

    def _attempts_failed(self, event: RequestFinished) -> None:
        for each in event.failures:
            label = self.name(each.backend)
            self.failed_attempts[label] += 1
            counts = self._counts(label)
            counts.attempts += 1
            if not each.why.startswith("answered 4"):  # busy, or our key: not how well it answers
                counts.failures += 1
                counts.last_failure_at = event.at

    def _other_name(self, event: RequestFinished, cell: Cell) -> None:
        if event.why.startswith("fallback:") and event.status != LEFT and not event.is_error:
            self.fallbacks[self.name(event.requested), cell.model] += 1

    # ---- sums

    @property
    def success(self) -> int:
        """Requests that were answered well."""
        served = (cell for cell in self.cells.values() if cell.status != LEFT)
        return sum(cell.count - cell.failed for cell in served)

    @property
    def errors(self) -> int:
        """Requests whose client was told of an error, or got a broken answer."""
        return sum(cell.failed for cell in self.cells.values()) + sum(self.refused.values())

    @property
    def cancelled(self) -> int:
        """Requests whose client left before the end."""
        return sum(cell.count for cell in self.cells.values() if cell.status == LEFT)

    @property
    def total(self) -> int:
        """Every request that has ended."""
        return sum(cell.count for cell in self.cells.values()) + sum(self.refused.values())

    def requests(self) -> Mapping[tuple[str, str, str], int]:
        """By model, backend and status."""
        sums: dict[tuple[str, str, str], int] = defaultdict(int)
        for cell in self.cells.values():
            sums[cell.model, cell.backend, str(cell.status)] += cell.count
        for (model, status), count in self.refused.items():
            sums[model, "none", str(status)] += count
        return sums

    def pairs(self) -> Mapping[tuple[str, str], Cell]:
        """One cell for each model and backend: its histograms are those of all statuses."""
        return self._shared

    def first_bytes(self) -> Mapping[str, Histogram]:
        """Seconds to the first byte, by backend."""
        return self._first_bytes
