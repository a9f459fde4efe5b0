"""The health state machine, as a pure function over small values (contract 5.2).

| from | result | needed in a row | to |
|---|---|---|---|
| up | bad, silent, unreachable | `failure_threshold` | unhealthy, stalled, unreachable |
| down | good | `recovery_threshold` | healthy |
| down | another kind of bad | 1 | that kind |
| any other | good or bad | 1 | that |
| any | loading, sleeping, denied | 1 | that: the server itself said so |

Up is healthy; down is unhealthy, stalled or unreachable. A good and a bad result each start the
count of the other anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from nexus.domain.backend import BackendStatus


class Result(Enum):
    """What one check found."""

    GOOD = "good"
    BAD = "bad"
    """Answers, but badly."""
    SILENT = "silent"
    """Takes the connection and does not answer."""
    UNREACHABLE = "unreachable"
    LOADING = "loading"
    SLEEPING = "sleeping"
    DENIED = "denied"

    @property
    def is_failure(self) -> bool:
        """True where it counts towards being down."""
        return self in _DOWN


_SAID: Final = {
    Result.LOADING: BackendStatus.LOADING,
    Result.SLEEPING: BackendStatus.SLEEPING,
    Result.DENIED: BackendStatus.AUTH_ERROR,
}
_DOWN: Final = {
    Result.BAD: BackendStatus.UNHEALTHY,
    Result.SILENT: BackendStatus.STALLED,
    Result.UNREACHABLE: BackendStatus.UNREACHABLE,
}
DOWN: Final = frozenset(_DOWN.values())
"""What it takes several good checks to leave."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Results in a row that change a settled mind; at least 1 each."""

    failure: int = 3
    recovery: int = 2


@dataclass(frozen=True, slots=True)
class Pulse:
    """Where a backend stands, and how far it is from standing elsewhere."""

    status: BackendStatus = BackendStatus.UNKNOWN
    good: int = 0
    """Good results in a row."""
    bad: int = 0
    """Bad results in a row."""


def step(pulse: Pulse, result: Result, thresholds: Thresholds) -> Pulse:
    """The pulse after one more result. Total; never says DRAINING, BUSY or RATE_LIMITED."""
    if result in _SAID:
        return Pulse(_SAID[result])
    status = pulse.status
    if result is Result.GOOD:
        good = pulse.good + 1
        if status not in DOWN or good >= thresholds.recovery:
            status = BackendStatus.HEALTHY
        return Pulse(status, good, 0)
    bad = pulse.bad + 1
    if status is not BackendStatus.HEALTHY or bad >= thresholds.failure:
        status = _DOWN[result]
    return Pulse(status, 0, bad)
