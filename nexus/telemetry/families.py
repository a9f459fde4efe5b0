"""A metric with its values of one moment, and how it becomes text piece by piece.

The formats are prometheus_client's duty, which takes 9 µs a line: 26 ms for a fleet of 20 backends
with 3 models each. So values are copied first, which takes a hundredth of that, and text is made in
pieces, between which requests are served. The library is imported at the first scrape (1 MB).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from nexus.domain.events import RequestFinished
from nexus.telemetry.histogram import Histogram, cumulative

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Exemplar

    Bucket = tuple[str, float] | tuple[str, float, Exemplar]

T = TypeVar("T")
Labels = tuple[str, ...]
Examples = Mapping[Labels, Sequence[RequestFinished | None]]

LINES_AT_ONCE = 60
"""Lines of a piece: half a millisecond."""

EOF = b"# EOF\n"


class Counted(NamedTuple):
    """A histogram at one moment."""

    bounds: Sequence[float]
    counts: tuple[int, ...]
    sum: float
    examples: tuple[RequestFinished | None, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric. Names are written as they are seen: `requests_total`, without `nexus_`."""

    kind: str
    """`counter`, `gauge` or `histogram`."""
    name: str
    help: str
    """A sentence without its stop."""
    labels: Labels
    rows: tuple[tuple[Labels, float | Counted], ...]

    def pieces(self) -> Iterator[Metric]:
        """The family in parts of some lines; one part where it has no values."""
        first = self.rows[0][1] if self.rows else 0
        lines = len(first.counts) + 2 if isinstance(first, Counted) else 1
        step = max(1, LINES_AT_ONCE // lines)
        for begin in range(0, max(1, len(self.rows)), step):
            yield _metric(self, self.rows[begin : begin + step])


def counter(name: str, help: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """A family of counters."""
    return Family("counter", name, help, labels, tuple(values.items()))


def gauge(name: str, help: str, labels: Labels, values: Mapping[Labels, float]) -> Family:
    """A family of gauges."""
    return Family("gauge", name, help, labels, tuple(values.items()))


def histogram(
    name: str,
    help: str,
    labels: Labels,
    values: Mapping[Labels, Histogram],
    examples: Examples | None = None,
) -> Family:
    """A family of histograms. Those without a value are left out, if labels tell them apart.

    Args:
        examples: the last request in each bucket; OpenMetrics shows its id.
    """
    rows: list[tuple[Labels, Counted]] = []
    for key, each in values.items():
        counts = tuple(each.counts)
        if any(counts) or not labels:
            known = tuple(examples[key]) if examples is not None else ()
            rows.append((key, Counted(each.bounds, counts, each.sum, known)))
    return Family("histogram", name, help, labels, tuple(rows))


def by_one(values: Mapping[str, T]) -> dict[Labels, T]:
    """Values by a single label."""
    return {(name,): each for name, each in values.items()}


def render(families: Iterable[Family], accept: str) -> tuple[str, Iterator[bytes]]:
    """Content type, and the page in pieces, in the format that an `Accept` header asks for."""
    from prometheus_client.exposition import choose_encoder  # late: see the module

    try:
        encode, content_type = choose_encoder(accept)
    except (TypeError, ValueError):  # of a version that is no number
        encode, content_type = choose_encoder("")

    def pieces() -> Iterator[bytes]:
        ends = False
        for family in families:
            for number, metric in enumerate(family.pieces()):
                text = encode(_Only(metric))  # type: ignore[arg-type]
                ends = text.endswith(EOF)
                text = text.removesuffix(EOF)
                while number and text.startswith(b"# "):  # HELP and TYPE are said once
                    text = text.partition(b"\n")[2]
                yield text
        if ends:
            yield EOF

    return content_type, pieces()


class _Only:
    """A registry of one metric, as far as an encoder looks at it."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def _metric(family: Family, rows: Iterable[tuple[Labels, float | Counted]]) -> Metric:
    """A family of prometheus_client with these values."""
    from prometheus_client import metrics_core

    about = (f"nexus_{family.name}", f"{family.help}.")
    if family.kind == "histogram":
        made = metrics_core.HistogramMetricFamily(*about, labels=family.labels)
        for key, value in rows:
            if isinstance(value, Counted):
                made.add_metric(key, _buckets(value), value.sum)
        return made
    kind = metrics_core.CounterMetricFamily
    if family.kind == "gauge":
        kind = metrics_core.GaugeMetricFamily
    simple = kind(*about, labels=family.labels)
    for key, value in rows:
        if not isinstance(value, Counted):
            simple.add_metric(key, value)
    return simple


def _buckets(value: Counted) -> list[Bucket]:
    from prometheus_client.samples import Exemplar

    buckets: list[Bucket] = []
    examples = value.examples or (None,) * len(value.counts)
    for bucket, event in zip(cumulative(value.bounds, value.counts), examples, strict=True):
        if event is None:
            buckets.append(bucket)
            continue
        about = {"request_id": event.request_id}
        buckets.append((*bucket, Exemplar(about, event.duration_ms / 1000, event.at)))
    return buckets
