"""The last minutes of one model on one backend, as sums over small buckets of time.

A moving average forgets nothing while nobody asks, and one odd request moves it by a fifth. A
window says what was, and then is empty. Kept are at most fifteen buckets, and a request adds to one
of them: what is complete is summed up once a bucket. Time is Unix seconds; where a clock is set
back, the window begins anew.
"""

from __future__ import annotations

from typing import Final

from nexus.domain.backend import Recent

BUCKET_S: Final = 20
SHORT: Final = 3
"""Buckets of the last minute, the one of now included."""
LONG: Final = 15
"""Buckets of the last five minutes."""
ENOUGH: Final = 5
"""Requests that say more than the moving average: one of five weighs there what it weighs here."""

FRESH_S: Final = 0.1
"""For so long means are not worked out again: that costs more than all else about a request."""

_SHORT_S: Final = SHORT * BUCKET_S
_LONG_S: Final = LONG * BUCKET_S


class Window:
    """Its one owner is the `LiveLoad` of the backend.

    Sums are lists: requests, failed, first bytes, their ms, speeds, their ms a token. Time a token
    is what adds up, so a few words that came at once do not make a model look fast.
    """

    __slots__ = ("_long", "_now", "_past", "_short", "_told", "_told_at", "measured_at", "number")

    def __init__(self, at: float) -> None:
        self.number = int(at) // BUCKET_S
        """Of the bucket of now."""
        self.measured_at = at
        """When a request last told how fast it is here. Unix seconds."""
        self._now: list[float] = [0, 0, 0, 0.0, 0, 0.0]
        self._past: list[tuple[int, list[float]]] = []
        self._short = self._long = _NOTHING
        self._told: Recent | None = None
        self._told_at = at

    def add(
        self, at: float, first_ms: float | None, tokens_per_s: float | None, failed: bool
    ) -> Recent | None:
        """Count a request that has ended, and say what `recent` would, or did a moment ago.

        Args:
            at: Unix seconds.
            first_ms: to the first byte; None where it tells nothing.
            tokens_per_s: None where that is not known.
            failed: the backend is to blame; then it tells nothing else.
        """
        number = int(at) // BUCKET_S
        if number != self.number:
            self._turn(number)
        now = self._now
        now[0] += 1
        if failed:
            now[1] += 1
        else:
            self.measured_at = at
            if first_ms is not None:
                now[2] += 1
                now[3] += first_ms
            if tokens_per_s:
                now[4] += 1
                now[5] += 1000 / tokens_per_s
        if self._told is None or at - self._told_at >= FRESH_S:
            self._told, self._told_at = self._recent(now), at
        return self._told

    def recent(self, at: float) -> Recent | None:
        """The last minute, else the last five, whichever has enough requests; None where none."""
        number = int(at) // BUCKET_S
        if number != self.number:
            self._turn(number)
        self._told, self._told_at = self._recent(self._now), at
        return self._told

    def _recent(self, now: list[float]) -> Recent | None:
        count, failed, firsts, first_ms, paces, token_ms = self._short
        span_s, requests = _SHORT_S, now[0] + count
        if requests < ENOUGH:
            count, failed, firsts, first_ms, paces, token_ms = self._long
            span_s, requests = _LONG_S, now[0] + count
            if requests < ENOUGH:
                return None
        failed += now[1]
        firsts += now[2]
        paces += now[4]
        return Recent(
            span_s,
            int(requests),
            round(100 * failed / requests) if failed else 0,
            (first_ms + now[3]) / firsts if firsts >= ENOUGH else None,
            1000 * paces / (token_ms + now[5]) if paces >= ENOUGH else None,
        )

    def _turn(self, number: int) -> None:
        """Begin another bucket."""
        self._told = None
        past = self._past
        if number < self.number:
            past.clear()
        elif self._now[0]:
            past.append((self.number, self._now))
        self._now = [0, 0, 0, 0.0, 0, 0.0]
        self.number = number
        while past and past[0][0] <= number - LONG:
            del past[0]
        self._long = _sum([each for _, each in past])
        self._short = _sum([each for began, each in past if began > number - SHORT])


_NOTHING: Final[list[float]] = [0, 0, 0, 0.0, 0, 0.0]


def _sum(buckets: list[list[float]]) -> list[float]:
    return [sum(column) for column in zip(*buckets, strict=True)] if buckets else _NOTHING
