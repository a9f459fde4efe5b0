"""The health state machine, as a pure function over small values (contract 5.2).

| from | result | needed in a row | to |
|---|---|---|---|
| unknown, loading | good / bad | 1 | healthy / unhealthy |
| healthy | bad | `failure_threshold` | unhealthy |
| unhealthy | good | `recovery_threshold` | healthy |
| any | loading | 1 | loading |

A result of the other kind starts the count anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from nexus.domain.backend import BackendStatus


class Result(Enum):
    """What one check found."""

    GOOD = "good"
    BAD = "bad"
    LOADING = "loading"


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
    """The pulse after one more result. Total; never says DRAINING."""
    if result is Result.LOADING:
        return Pulse(BackendStatus.LOADING)
    good = pulse.good + 1 if result is Result.GOOD else 0
    bad = pulse.bad + 1 if result is Result.BAD else 0
    status = pulse.status
    if result is Result.GOOD:
        needed = thresholds.recovery if status is BackendStatus.UNHEALTHY else 1
        if good >= needed:
            status = BackendStatus.HEALTHY
    else:
        needed = thresholds.failure if status is BackendStatus.HEALTHY else 1
        if bad >= needed:
            status = BackendStatus.UNHEALTHY
    return Pulse(status, good, bad)
