"""How good a candidate is: 0..100, in integers, so that a score can be checked by hand.

```text
priority = 100 - min(priority, 100)
load     = 100 - min(pending, 100)
latency  = 100 - min(delay_ms // 10, 100)        nothing known counts as 0 ms
score    = (priority x wp + load x wl + latency x wt) // 100
```

The delay is how long a client waits for the first words: the first byte of this model on this
backend by its last requests, and the time of `FIRST_WORDS` tokens at the speed it had there. Where
this model has not been asked there yet it is the first byte of the backend's last requests; where
nobody has been answered there yet, how far away a check found it to be.
"""

from __future__ import annotations

from typing import Final

from nexus.domain.fleet import Candidate, LoadView
from nexus.domain.policy import Weights

FIRST_WORDS: Final = 10
"""Tokens that a client waits for beside the first byte: 100 tokens/s are 100 ms."""

NEAR_MS: Final = 100.0
"""A check's round trip below this says how busy somebody's machine was, and not how far it is."""


def score(priority: int, pending: int, latency_ms: float | None, weights: Weights) -> int:
    """The smart score. Never rises with priority's number, with load or with latency.

    Args:
        priority: lower is preferred, 0..100; beyond is taken as the nearest end.
        pending: requests in flight, >= 0.
        latency_ms: the delay; None before the first sample.
        weights: percent, summing to 100.
    """
    delay = 0 if latency_ms is None else int(latency_ms) // 10
    # Comparisons, not min() and max(): five times cheaper.
    if not 0 <= priority <= 100:
        priority = 0 if priority < 0 else 100
    if pending > 100:
        pending = 100
    if delay > 100:
        delay = 100
    return (
        weights.priority * (100 - priority)
        + weights.load * (100 - pending)
        + weights.latency * (100 - delay)
    ) // 100


def points_of(candidate: Candidate, load: LoadView | None, weights: Weights) -> int:
    """The smart score of one candidate. A backend without a load is idle."""
    priority = candidate.backend.face.priority
    pending = 0 if load is None else load.pending
    return score(priority, pending, delay_ms(candidate, load), weights)


def delay_ms(candidate: Candidate, load: LoadView | None) -> float | None:
    """How long a client waits there for the first words of this model; None if nothing is known."""
    latency = None if load is None else load.latency_ms
    if load is not None and load.speeds is not None:
        speed = load.speeds.get(candidate.model.id)
        if speed is not None:
            first = latency if speed.ttft_ms is None else speed.ttft_ms
            pace = speed.tokens_per_s
            return (first or 0.0) + (FIRST_WORDS * 1000 / pace if pace else 0.0)
    if latency is None:
        away = candidate.backend.probe_ms
        return away if away is not None and away >= NEAR_MS else None
    return latency
