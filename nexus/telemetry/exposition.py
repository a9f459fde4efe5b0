"""The numbers as pages: `/metrics` (Prometheus text 0.0.4), `/v1/stats`, `/v1/history`. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.text import clean
from nexus.telemetry.metrics import MESSAGE_CHARS, NAME_CHARS, Histogram, Metrics

CONTENT_TYPE = b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n"


def prometheus(metrics: Metrics, fleet: Fleet, loads: Loads) -> bytes:
    """The page that Prometheus reads."""
    backends = fleet.backends.values()
    lines: list[str] = []
    lines += _numbers(
        "requests_total",
        "counter",
        "Requests that ended, 499 where the client left",
        ("model", "backend", "status"),
        metrics.requests,
    )
    lines += _numbers(
        "errors_total",
        "counter",
        "Requests that ended in an error",
        ("error_type", "model"),
        metrics.error_types,
    )
    lines += _numbers(
        "fallbacks_total",
        "counter",
        "Requests that a fallback model served",
        ("from_model", "to_model"),
        metrics.fallbacks,
    )
    lines += _numbers(
        "attempts_failed_total",
        "counter",
        "Attempts that brought no answer",
        ("backend",),
        {(name,): count for name, count in metrics.failed_attempts.items()},
    )
    lines += _histograms(
        "request_duration_seconds", "Whole requests", ("model", "backend"), metrics.durations
    )
    lines += _histograms(
        "agent_ttft_seconds",
        "From the request's last byte to the answer's first",
        ("agent_id",),
        {(name,): each for name, each in metrics.first_bytes.items()},
    )
    lines += _histograms(
        "tokens_total",
        "Tokens of one request, as the backend counted them",
        ("model", "backend", "type"),
        metrics.tokens,
    )
    lines += _numbers("backends_total", "gauge", "Backends known", (), {(): len(fleet.backends)})
    healthy = sum(backend.is_routable for backend in backends)
    lines += _numbers("backends_healthy", "gauge", "Backends that take work", (), {(): healthy})
    models = len(fleet.by_model) - len(fleet.implied)
    lines += _numbers("models_available", "gauge", "Model names listed", (), {(): models})
    lines += _numbers(
        "pending_requests",
        "gauge",
        "Requests in flight",
        ("backend",),
        {
            (clean(backend.name, NAME_CHARS),): loads[backend.id].pending
            for backend in backends
            if backend.id in loads
        },
    )
    return ("\n".join(lines) + "\n").encode()


def stats(metrics: Metrics, fleet: Fleet, loads: Loads, uptime_s: float) -> dict[str, Any]:
    """`/v1/stats`: backends by id, models by requests."""
    ids = sorted({*fleet.backends, *metrics.by_backend})
    backends: list[dict[str, Any]] = []
    for id in ids:
        sums = metrics.by_backend.get(id)
        backend, load = fleet.backends.get(id), loads.get(id)
        name = backend.name if backend is not None else sums.name if sums is not None else id
        backends.append(
            {
                "id": clean(id),
                "name": clean(name),
                "requests": sums.count if sums is not None else 0,
                "average_latency_ms": sums.mean_ms if sums is not None else 0.0,
                "pending": load.pending if load is not None else 0,
            }
        )
    models = sorted(metrics.by_model.items(), key=lambda item: (-item[1].count, item[0]))
    return {
        "uptime_seconds": int(uptime_s),
        "requests": {
            "total": metrics.total,
            "success": metrics.success,
            "errors": metrics.errors,
            "cancelled": metrics.cancelled,
        },
        "backends": backends,
        "models": [
            {"name": name, "requests": sums.count, "average_duration_ms": sums.mean_ms}
            for name, sums in models
        ],
    }


def history(metrics: Metrics) -> list[dict[str, Any]]:
    """`/v1/history`: the last requests, oldest first."""
    return [_entry(event) for event in metrics.history]


def _entry(event: RequestFinished | RequestRefused) -> dict[str, Any]:
    entry: dict[str, Any] = {"timestamp": int(event.at), "request_id": event.request_id}
    if isinstance(event, RequestRefused):
        return entry | {
            "model": clean(event.requested, NAME_CHARS),
            "backend_id": "none",
            "duration_ms": 0,
            "status": "error",
            "error_message": clean(event.message, MESSAGE_CHARS),
        }
    entry |= {
        "model": clean(event.model, NAME_CHARS),
        "backend_id": clean(event.backend_id),
        "duration_ms": round(event.duration_ms),
        "status": "cancelled" if event.status == 499 else "error" if event.is_error else "success",
    }
    return entry | ({"error_message": clean(event.error, MESSAGE_CHARS)} if event.error else {})


def _numbers(
    name: str,
    kind: str,
    help: str,
    labels: tuple[str, ...],
    values: Mapping[tuple[str, ...], int],
) -> Iterable[str]:
    yield f"# HELP nexus_{name} {help}."
    yield f"# TYPE nexus_{name} {kind}"
    for key, value in values.items():
        yield f"nexus_{name}{_labels(labels, key)} {value}"


def _histograms(
    name: str,
    help: str,
    labels: tuple[str, ...],
    values: Mapping[tuple[str, ...], Histogram],
) -> Iterable[str]:
    yield f"# HELP nexus_{name} {help}."
    yield f"# TYPE nexus_{name} histogram"
    for key, histogram in values.items():
        reached = 0
        for bound, count in zip((*histogram.bounds, "+Inf"), histogram.counts, strict=True):
            reached += count
            yield f"nexus_{name}_bucket{_labels((*labels, 'le'), (*key, str(bound)))} {reached}"
        yield f"nexus_{name}_sum{_labels(labels, key)} {histogram.sum:.6f}"
        yield f"nexus_{name}_count{_labels(labels, key)} {histogram.count}"


def _labels(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    if not names:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(names, values, strict=True)]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
