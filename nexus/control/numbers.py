"""Counters since the start, for people and for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from nexus.control.view import View
from nexus.registry.registry import Registry
from nexus.telemetry import stats
from nexus.telemetry.exposition import Exposition
from nexus.telemetry.metrics import Metrics


class Numbers:
    """See the module.

    Args:
        metrics: what was counted.
        registry: whose traffic is told with it.
        view: the fleet, and since when.
        unix: Unix seconds.
    """

    def __init__(
        self, metrics: Metrics, registry: Registry, view: View, unix: Callable[[], float]
    ) -> None:
        self._metrics = metrics
        self._registry = registry
        self._view = view
        self._unix = unix

    def stats(self) -> dict[str, Any]:
        """Requests since the start, by backend and by model."""
        fleet, loads = self._view.fleet(), self._registry.loads()
        return stats.stats(self._metrics, fleet, loads, self._view.uptime_s(), self._unix())

    def history(self) -> list[dict[str, Any]]:
        """The last hundred requests, oldest first."""
        return stats.history(self._metrics)

    def prometheus(self, accept: str = "") -> tuple[str, Iterator[bytes]]:
        """Content type, and the numbers as Prometheus reads them, in pieces.

        Args:
            accept: the header, which asks for a format.
        """
        fleet, loads = self._view.fleet, self._registry.loads
        return Exposition(self._metrics, fleet, loads, self._unix).page(accept)
