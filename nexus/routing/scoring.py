"""How good a candidate is: 0..100, in integers, so that a score can be checked by hand.

```text
priority = 100 - min(priority, 100)
load     = 100 - min(pending, 100)
latency  = 100 - min(latency_ms // 10, 100)        no sample yet counts as 0 ms
score    = (priority x wp + load x wl + latency x wt) // 100
```
"""

from __future__ import annotations

from nexus.domain.policy import Weights


def score(priority: int, pending: int, latency_ms: float | None, weights: Weights) -> int:
    """The smart score. Never rises with priority's number, with load or with latency.

    Args:
        priority: lower is preferred, 0..100; beyond is taken as the nearest end.
        pending: requests in flight, >= 0.
        latency_ms: time to first byte; None before the first sample.
        weights: percent, summing to 100.
    """
    delay = 0 if latency_ms is None else int(latency_ms) // 10
    # Comparisons, not min() and max(): this runs for every candidate of every request.
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
