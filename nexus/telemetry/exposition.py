"""`/metrics`: which numbers there are, for Prometheus and OpenMetrics.

What is rendered is made from our own counts when somebody asks: prometheus_client's own counters
would take four times as long on the way of every request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nexus.domain.fleet import Fleet, Loads
from nexus.domain.text import clean
from nexus.telemetry.families import Family, by_one, counter, gauge, histogram, render
from nexus.telemetry.metrics import NAME_CHARS, Metrics
from nexus.telemetry.quality import Quality


class Exposition:
    """Renders the numbers of this moment.

    Args:
        metrics: what was counted.
        fleet: the picture of this moment.
        loads: requests in flight by backend.
        unix: Unix seconds.
    """

    def __init__(
        self,
        metrics: Metrics,
        fleet: Callable[[], Fleet],
        loads: Callable[[], Loads],
        unix: Callable[[], float],
    ) -> None:
        self._metrics = metrics
        self._fleet = fleet
        self._loads = loads
        self._unix = unix

    def page(self, accept: str = "") -> tuple[str, Iterator[bytes]]:
        """Content type, and the page in pieces: all of this moment, whenever they are taken.

        Args:
            accept: the header, which asks for a format.
        """
        return render(self.families(), accept)

    def families(self) -> list[Family]:
        """Every metric with its values."""
        return [*self._requests(), *self._backends(), *self._decisions(), *self._zones()]

    def _requests(self) -> Iterator[Family]:
        metrics, pairs = self._metrics, self._metrics.pairs()
        yield counter(
            "requests_total",
            "Requests that ended, 499 where the client left",
            ("model", "backend", "status"),
            metrics.requests(),
        )
        yield counter(
            "errors_total",
            "Requests that ended in an error",
            ("error_type", "model"),
            metrics.error_types,
        )
        yield counter(
            "fallbacks_total",
            "Requests that a fallback model served",
            ("from_model", "to_model"),
            metrics.fallbacks,
        )
        yield counter(
            "attempts_failed_total",
            "Attempts that brought no answer",
            ("backend",),
            by_one(metrics.failed_attempts),
        )
        yield histogram(
            "request_duration_seconds",
            "Whole requests",
            ("model", "backend"),
            {key: cell.durations for key, cell in pairs.items()},
            {key: cell.examples for key, cell in pairs.items()},
        )
        yield histogram(
            "agent_ttft_seconds",
            "From the request's last byte to the answer's first",
            ("agent_id",),
            by_one(metrics.first_bytes()),
        )
        tokens = {(*key, "prompt"): cell.prompt for key, cell in pairs.items()}
        tokens |= {(*key, "completion"): cell.completion for key, cell in pairs.items()}
        yield histogram(
            "tokens_total",
            "Tokens of one request, as the backend counted them",
            ("model", "backend", "type"),
            tokens,
        )

    def _backends(self) -> Iterator[Family]:
        metrics, fleet, loads = self._metrics, self._fleet(), self._loads()
        backends = fleet.backends.values()
        healthy = sum(backend.is_routable for backend in backends)
        models = len(fleet.by_model) - len(fleet.implied)
        yield gauge("backends_total", "Backends known", (), {(): len(fleet.backends)})
        yield gauge("backends_healthy", "Backends that take work", (), {(): healthy})
        yield gauge("models_available", "Model names listed", (), {(): models})
        yield gauge(
            "pending_requests",
            "Requests in flight",
            ("backend",),
            {
                (clean(backend.name, NAME_CHARS),): loads[backend.id].pending
                for backend in backends
                if backend.id in loads
            },
        )
        yield histogram(
            "backend_latency_seconds",
            "Health checks that were answered",
            ("backend",),
            by_one(metrics.probes),
        )
        now = self._unix()
        quality = {name: counts.quality(now) for name, counts in metrics.backends.items()}
        for name, help, read in _QUALITY:
            found = {(backend,): read(each) for backend, each in quality.items()}
            yield gauge(name, help, ("agent_id",), found)

    def _decisions(self) -> Iterator[Family]:
        metrics = self._metrics
        yield histogram(
            "pipeline_duration_seconds",
            "Deciding where a request goes, measured on some",
            (),
            {(): metrics.decisions},
        )
        yield histogram(
            "reconciler_duration_seconds",
            "One rule of a decision, measured on some",
            ("reconciler",),
            by_one(metrics.rules),
        )
        yield counter(
            "reconciler_exclusions_total",
            "Candidates that a rule was the first to exclude, estimated where many",
            ("reconciler",),
            by_one(metrics.exclusions),
        )

    def _zones(self) -> Iterator[Family]:
        sockets = self._metrics.sockets
        if sockets is None:
            return
        yield counter(
            "sockets_opened_total",
            "Connections opened to backends, by the privacy zone they lead to",
            ("zone",),
            {(zone.value,): count for zone, count in sockets.opened.items()},
        )
        yield counter(
            "zone_breaches_total",
            "Connections refused since they would have left a request's privacy zone",
            (),
            {(): sockets.breaches},
        )


_QUALITY: tuple[tuple[str, str, Callable[[Quality], float]], ...] = (
    (
        "agent_error_rate",
        "Share of attempts that failed in the last hour",
        lambda q: q.error_rate_1h,
    ),
    (
        "agent_success_rate_24h",
        "Share of attempts that did not fail in the last day",
        lambda q: q.success_rate_24h,
    ),
    ("agent_request_count_1h", "Attempts in the last hour", lambda q: q.request_count_1h),
)
