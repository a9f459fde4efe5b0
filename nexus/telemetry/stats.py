"""The numbers as JSON: `/v1/stats` and `/v1/history` (contract 2.9, 2.10). Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from nexus.domain.backend import BackendId
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.text import clean
from nexus.telemetry.metrics import MESSAGE_CHARS, NAME_CHARS, Cell, Metrics


@dataclass(slots=True)
class _Sum:
    """Requests and what they took together."""

    name: str = ""
    count: int = 0
    ms: float = 0.0

    def add(self, cell: Cell) -> None:
        self.name = cell.backend
        self.count += cell.count
        self.ms += cell.ms

    @property
    def mean_ms(self) -> float:
        return round(self.ms / self.count, 1) if self.count else 0.0


def stats(
    metrics: Metrics, fleet: Fleet, loads: Loads, uptime_s: float, now: float
) -> dict[str, Any]:
    """`/v1/stats`: backends by id, models by requests.

    Args:
        uptime_s: seconds since the start.
        now: Unix seconds.
    """
    by_backend: dict[BackendId, _Sum] = defaultdict(_Sum)
    by_model: dict[str, _Sum] = defaultdict(_Sum)
    for cell in metrics.cells.values():
        by_backend[cell.backend_id].add(cell)
        by_model[cell.model].add(cell)
    backends: list[dict[str, Any]] = []
    for id in sorted({*fleet.backends, *by_backend}):
        backend, load = fleet.backends.get(id), loads.get(id)
        sums = by_backend[id]
        name = clean(backend.name if backend is not None else sums.name or id)
        told: dict[str, Any] = {
            "id": clean(id),
            "name": name,
            "requests": sums.count,
            "average_latency_ms": sums.mean_ms,
            "pending": load.pending if load is not None else 0,
        }
        counts = metrics.backends.get(clean(name, NAME_CHARS))
        quality = counts.quality(now) if counts is not None else None
        if quality is not None and (quality.request_count_1h or quality.last_failure_at):
            told |= {
                "error_rate_1h": round(quality.error_rate_1h, 4),
                "avg_ttft_ms": round(quality.avg_ttft_ms, 1),
                "success_rate_24h": round(quality.success_rate_24h, 4),
            }
        backends.append(told)
    models = sorted(by_model.items(), key=lambda item: (-item[1].count, item[0]))
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
