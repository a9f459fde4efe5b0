"""The conventions' histograms: of Nexus as a server, and of Nexus as a client of its backends.

Counted here and handed to the SDK's exporter whole: its own instruments take 60 µs a request, these
six.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    HistogramDataPoint,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
)
from opentelemetry.sdk.metrics.export import Histogram as Points
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.request import Endpoint
from nexus.telemetry.histogram import Histogram
from nexus.telemetry.metrics import UNKNOWN
from nexus.telemetry.otel import words
from nexus.telemetry.otel.words import Attributes, Value

MOST_SERIES = 2000
"""Series of one metric, as the SDK allows; what comes after them is counted together."""
OVERFLOW: Final = (("otel.metric.overflow", True),)

DURATIONS_S = tuple(0.01 * 2.0**power for power in range(14))
FIRST_TOKEN_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1),
    *(0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)
PER_TOKEN_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = tuple(4.0**power for power in range(14))
"""Upper bounds that the conventions ask for."""

Key = tuple[tuple[str, Value], ...]


class _Family(NamedTuple):
    """One metric."""

    name: str
    unit: str
    said: str
    bounds: tuple[float, ...]
    series: dict[Key, Histogram]

    def add(self, key: Key, value: float) -> None:
        histogram = self.series.get(key)
        if histogram is None:
            if len(self.series) >= MOST_SERIES:
                key = OVERFLOW
            histogram = self.series.setdefault(key, Histogram(self.bounds))
        histogram.add(value)


class Measured:
    """Counts what became of requests.

    Args:
        resource: what this process is called.
        scope: who measures.
        name: bounds a name that servers or clients choose.
        place: host and port of a backend, by its name.
    """

    def __init__(
        self,
        resource: Resource,
        scope: InstrumentationScope,
        name: Callable[[str], str],
        place: Callable[[str], Attributes],
    ) -> None:
        self._resource = resource
        self._scope = scope
        self._name = name
        self._place = place
        self._began = time.time_ns()
        self._served = _Family(
            "gen_ai.server.request.duration", "s", "Requests, as clients see them", DURATIONS_S, {}
        )
        self._first = _Family(
            "gen_ai.server.time_to_first_token",
            "s",
            "From a request to its first token",
            FIRST_TOKEN_S,
            {},
        )
        self._each = _Family(
            "gen_ai.server.time_per_output_token",
            "s",
            "Between tokens after the first",
            PER_TOKEN_S,
            {},
        )
        self._asked = _Family(
            "gen_ai.client.operation.duration",
            "s",
            "Attempts, as backends answer them",
            DURATIONS_S,
            {},
        )
        self._tokens = _Family(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens of a request, as its backend counted them",
            TOKENS,
            {},
        )

    def finished(self, event: RequestFinished, endpoint: Endpoint) -> None:
        """A request that a backend got."""
        common: Key = (
            (words.OPERATION, words.operation(endpoint)),
            (words.REQUEST_MODEL, self._name(event.requested)),
        )
        whole: Key = (
            *common,
            (words.PROVIDER, words.provider(event.backend_type)),
            (words.RESPONSE_MODEL, self._name(event.model)),
        )
        error: Key = ()
        if event.is_error or event.status == 499:
            kind = str(event.status) if event.status >= 400 else "broken"
            error = ((words.ERROR_TYPE, kind),)
        self._served.add((*whole, *error), event.duration_ms / 1000)
        if event.stream and event.ttft_ms is not None and not error:
            self._first.add(whole, event.ttft_ms / 1000)
            tokens = event.completion_tokens or 0
            if tokens > 1:
                rest = (event.duration_ms - event.ttft_ms) / 1000
                self._each.add(whole, rest / (tokens - 1))
        began = 0.0
        for failed in event.failures:
            place = self._place(failed.backend).items()
            lost = (*common, *place, (words.ERROR_TYPE, "attempt_failed"))
            self._asked.add(lost, (failed.after_ms - began) / 1000)
            began = failed.after_ms
        if len(event.failures) < event.attempts:
            asked = (*whole, *self._place(event.backend).items())
            self._asked.add((*asked, *error), (event.duration_ms - began) / 1000)
            if event.prompt_tokens is not None:
                self._tokens.add((*asked, (words.TOKEN_TYPE, "input")), event.prompt_tokens)
            if event.completion_tokens is not None:
                self._tokens.add((*asked, (words.TOKEN_TYPE, "output")), event.completion_tokens)

    def refused(self, event: RequestRefused, endpoint: Endpoint) -> None:
        """A request that no backend was asked about; the client chose the model's name."""
        said: Key = (
            (words.OPERATION, words.operation(endpoint)),
            (words.REQUEST_MODEL, UNKNOWN),
            (words.ERROR_TYPE, event.code),
        )
        self._served.add(said, 0.0)

    def data(self) -> MetricsData:
        """Everything since the start, for the exporter. May be asked for from another thread."""
        now = time.time_ns()
        metrics: list[Metric] = []
        for family in (self._served, self._first, self._each, self._asked, self._tokens):
            points = [self._point(key, each, now) for key, each in list(family.series.items())]
            if points:
                told = Points(points, AggregationTemporality.CUMULATIVE)
                metrics.append(Metric(family.name, family.said, family.unit, told))
        scope = ScopeMetrics(self._scope, metrics, "")
        return MetricsData([ResourceMetrics(self._resource, [scope], "")])

    def _point(self, key: Key, histogram: Histogram, now: int) -> HistogramDataPoint:
        counts = tuple(histogram.counts)
        return HistogramDataPoint(
            dict(key),
            self._began,
            now,
            sum(counts),
            histogram.sum,
            counts,
            histogram.bounds,
            None,  # type: ignore[arg-type]  # the least and the most are not kept
            None,  # type: ignore[arg-type]
        )
