"""How well each backend answered of late: in the last hour, and in the last day.

Totals only ever grow, so a window is the difference between now and what they were when it began.
They are noted at the first request of each minute, which costs other requests one comparison.
A window is right to the minute for an hour and to the hour for a day.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from nexus.telemetry.histogram import Histogram

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S


class Totals(NamedTuple):
    """Since the start."""

    at: float
    """Unix seconds: whole minutes or hours."""
    attempts: int
    failures: int
    ttft_s: float
    ttfts: int


class Quality(NamedTuple):
    """What a front end or a rule wants to know."""

    error_rate_1h: float
    """0 to 1; 0 without requests."""
    avg_ttft_ms: float
    """Mean time to first byte in the last hour; 0 without one."""
    success_rate_24h: float
    """0 to 1; 1 without requests."""
    request_count_1h: int
    last_failure_at: float | None
    """Unix seconds."""


@dataclass(slots=True)
class BackendCounts:
    """One backend's attempts. Written by `Metrics`."""

    first_bytes: Histogram
    attempts: int = 0
    """Requests sent there that ended well or by its fault; not those whose client left."""
    failures: int = 0
    """Those that it failed: no answer, a broken one, or 5xx. A client's own mistake is none."""
    last_failure_at: float | None = None
    _minutes: deque[Totals] = field(default_factory=lambda: deque[Totals](maxlen=62))
    _hours: deque[Totals] = field(default_factory=lambda: deque[Totals](maxlen=26))

    def note(self, at: float) -> None:
        """Remember the totals before the first request of a new minute. Unix seconds."""
        minute, hour = at // MINUTE_S * MINUTE_S, at // HOUR_S * HOUR_S
        if not self._minutes or self._minutes[-1].at < minute:
            self._minutes.append(self._totals(minute))
        if not self._hours or self._hours[-1].at < hour:
            self._hours.append(self._totals(hour))

    def quality(self, now: float) -> Quality:
        """Both windows as of now. Unix seconds."""
        hour = self._since(self._minutes, now - HOUR_S)
        day = self._since(self._hours, now - DAY_S)
        attempts = self.attempts - hour.attempts
        ttfts = self.first_bytes.count - hour.ttfts
        of_day = self.attempts - day.attempts
        return Quality(
            (self.failures - hour.failures) / attempts if attempts else 0.0,
            (self.first_bytes.sum - hour.ttft_s) * 1000 / ttfts if ttfts else 0.0,
            1 - (self.failures - day.failures) / of_day if of_day else 1.0,
            attempts,
            self.last_failure_at,
        )

    def _since(self, noted: deque[Totals], begin: float) -> Totals:
        """The totals at the beginning of a window: those noted first within it.

        What was noted last before it says nothing: requests may have followed in that minute.
        """
        for totals in noted:
            if totals.at >= begin:
                return totals
        return self._totals(begin)

    def _totals(self, at: float) -> Totals:
        seen = self.first_bytes
        return Totals(at, self.attempts, self.failures, seen.sum, seen.count)
