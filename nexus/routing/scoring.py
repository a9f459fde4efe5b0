"""How good a candidate is: 0..100, in integers, so that a score can be checked by hand.

```text
priority = 100 - min(priority, 100)
load     = 100 - min(pending, 100)               how many it works on at once is not known
         = 100 - 80 x pending // places          known, and one is free
         = 20 x places // pending                known, and all are taken
latency  = 100 - min(delay_ms // 10, 100)        nothing known counts as 0 ms
score    = (priority x wp + load x wl + latency x wt) // 100
```

Where the places are known, what counts is the share of them that is taken: four requests fill a
server of four, and a server of sixty-four hardly feels them. A fifth of the points is kept for what
comes after: there requests wait, and who has twice as many of them for its places gets half the
points, so that servers that are all full still share by their size.

The delay is how long a client waits for the first words: the first byte of this model on this
backend, and the time of `FIRST_WORDS` tokens at the speed it has there. Both are means of the last
minute, or of the last five, where enough requests were measured; else moving averages. Where this
model has not been asked there yet it is the backend's average over all models; where nobody has
been answered there yet, how far away a check found it to be.

An average that nobody renews is believed less and less: after five minutes without a request it
halves with every five more. So it goes to what is said of a backend that was never asked, and a
server that was slow once gets a request now and then, and may show that it no longer is.

Of a hundred requests of the last minutes, each one that the backend failed adds 10 ms. Backends
that fail much are set aside (`nexus.health.traffic`); this ranks those that fail a little, and
keeps a server from being liked for how soon it says no.
"""

from __future__ import annotations

from typing import Final

from nexus.domain.backend import Speed
from nexus.domain.fleet import Candidate, LoadView
from nexus.domain.policy import Weights

FIRST_WORDS: Final = 10
"""Tokens that a client waits for beside the first byte: 100 tokens/s are 100 ms."""

NEAR_MS: Final = 100.0
"""A check's round trip below this says how busy somebody's machine was, and not how far it is."""

FULL: Final = 20
"""Points of load that are left when the last place is taken."""

FAILED_MS: Final = 10.0
"""Delay for each failed request of a hundred: one point of latency."""

HALF_LIFE_MIN: Final = 5
"""Minutes that an average holds unrenewed, and that halve it from then on."""


def score(
    priority: int,
    pending: int,
    latency_ms: float | None,
    weights: Weights,
    places: int | None = None,
) -> int:
    """The smart score. Never rises with priority's number, with load or with latency.

    Args:
        priority: lower is preferred, 0..100; beyond is taken as the nearest end.
        pending: requests in flight, >= 0.
        latency_ms: the delay; None before the first sample.
        weights: percent, summing to 100.
        places: requests that it works on at once, where that is known; more never lower the score.
    """
    return (
        weights.priority * priority_points(priority)
        + weights.load * load_points(pending, places)
        + weights.latency * latency_points(latency_ms)
    ) // 100


def priority_points(priority: int) -> int:
    """The priority part, 0..100."""
    return 100 - min(100, max(0, priority))


def latency_points(delay_ms: float | None) -> int:
    """The latency part, 0..100."""
    if delay_ms is None:
        return 100
    return 100 - int(delay_ms) // 10 if delay_ms < 1000 else 0


def load_points(pending: int, places: int | None) -> int:
    """The load part, 0..100."""
    if not places:
        return 100 - pending if pending < 100 else 0
    if pending <= places:
        return 100 - (100 - FULL) * pending // places
    return FULL * places // pending


def points_of(candidate: Candidate, load: LoadView | None, weights: Weights) -> int:
    """The smart score of one candidate. A backend without a load is idle."""
    backend = candidate.backend
    pending = 0 if load is None else load.pending
    delay = delay_ms(candidate, load)
    return score(backend.face.priority, pending, delay, weights, backend.places)


def delay_ms(candidate: Candidate, load: LoadView | None) -> float | None:
    """What counts as the wait for the first words of this model there; None if nothing is known."""
    speed, quiet = None, 0
    if load is not None and load.speeds is not None:
        speed = load.speeds.get(candidate.model.id)
    waited = _first_words_ms(candidate, load, speed)
    if speed is not None:
        if speed.recent is not None:
            failed = speed.recent.failed
            return waited if not failed else (waited or 0.0) + FAILED_MS * failed
        quiet = speed.quiet_min
    elif load is not None and load.latency_ms is not None:
        quiet = load.quiet_min
    if waited is None or quiet <= HALF_LIFE_MIN:
        return waited
    return waited * 0.5 ** ((quiet - HALF_LIFE_MIN) / HALF_LIFE_MIN)


def first_words_ms(candidate: Candidate, load: LoadView | None) -> float | None:
    """The wait as it was measured, before what age and failures make of it."""
    speeds = None if load is None else load.speeds
    speed = None if speeds is None else speeds.get(candidate.model.id)
    return _first_words_ms(candidate, load, speed)


def _first_words_ms(
    candidate: Candidate, load: LoadView | None, speed: Speed | None
) -> float | None:
    first = pace = None
    if load is not None:
        first = load.latency_ms
        if speed is not None:
            recent, pace = speed.recent, speed.tokens_per_s
            if speed.ttft_ms is not None:
                first = speed.ttft_ms
            if recent is not None:
                if recent.ttft_ms is not None:
                    first = recent.ttft_ms
                if recent.tokens_per_s is not None:
                    pace = recent.tokens_per_s
    if pace:
        return (first or 0.0) + FIRST_WORDS * 1000 / pace
    if first is None:
        away = candidate.backend.probe_ms
        return away if away is not None and away >= NEAR_MS else None
    return first
