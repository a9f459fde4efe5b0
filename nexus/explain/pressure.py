"""How many requests are in flight at once, from when each began and ended. Pure.

An estimate: a request counts as in flight from its decision for as long as it took then, also where
it would have gone elsewhere. A faster backend would carry less than is said, a slower one more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import lt, sub


@dataclass(frozen=True, slots=True)
class Pressure:
    """One backend before and after."""

    backend: str
    places: int | None
    """Requests that it takes at once, where that is known."""
    requests_before: int
    requests_after: int
    peak_before: int
    peak_after: int
    over_before_s: float = 0.0
    """Seconds with more in flight than it has places for."""
    over_after_s: float = 0.0

    @property
    def overloads(self) -> bool:
        """Whether it would be beyond its places for longer than it was."""
        return self.over_after_s > self.over_before_s


def peak(begins: Sequence[float], ends: Sequence[float]) -> int:
    """The most at once. Both sorted, in seconds; an end and a begin at once do not overlap.

    There are more than `n` at once where number `i + n` begins before number `i` ends. That holds
    for every smaller `n` too, so the greatest one is searched for by halves.
    """
    low, high = 0, 1
    while _more_than(high, begins, ends):
        low, high = high, high * 2
    if not begins or not _more_than(low, begins, ends):
        return 0
    while high - low > 1:
        middle = (low + high) // 2
        if _more_than(middle, begins, ends):
            low = middle
        else:
            high = middle
    return high


def _more_than(number: int, begins: Sequence[float], ends: Sequence[float]) -> bool:
    return any(map(lt, islice(begins, number, None), ends))


def over(begins: Sequence[float], ends: Sequence[float], places: int) -> float:
    """Seconds with more than `places` at once.

    There are more between the begin of number `n + places` and the end of number `n`, where the
    one comes before the other; what two such spans share is counted once.
    """
    from_then_on = map(max, begins[places:], chain((0.0,), ends))
    return sum(span for span in map(sub, ends, from_then_on) if span > 0)
