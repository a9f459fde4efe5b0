"""Says that a backend is slow once that has lasted, and until it has been well for a while.

What is found at one moment comes and goes with every request. A finding must last `HOLD_S`, with no
gap over `GAP_S`; it stays until there was none for `CLEAR_S`; and its words change no more often
than `WORDS_S`, so that a person can read them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from nexus.domain.backend import BackendId
from tui.render.slow import Finding, Judge
from tui.state import DashboardState, Link, Slow

HOLD_S = 10.0
GAP_S = 3.0
CLEAR_S = 20.0
WORDS_S = 5.0
SHARE = 100
"""Backends judged in one look: a larger fleet takes several seconds for a round."""


@dataclass(slots=True)
class _Seen:
    first: float
    last: float
    slow: Slow | None = None
    written: float = 0.0


class SlowWatch:
    """One per dashboard; its verdicts are part of the state, so that the film has them too."""

    def __init__(self, judge: Callable[[DashboardState, float], Judge] = Judge) -> None:
        self._judge = judge
        self._seen: dict[BackendId, _Seen] = {}
        self._turn = 0
        self._at = 0

    def look(self, state: DashboardState, now: float) -> DashboardState:
        """`state` with who is slow now; the same object while that does not change.

        Looks once a second, and not at a picture that has become old.
        """
        if int(now) == self._at or state.link is not Link.LIVE:
            return state
        self._at = int(now)
        everyone = tuple(state.backends.values())
        turns = max(1, -(-len(everyone) // SHARE))
        self._turn = (self._turn + 1) % turns
        judge = self._judge(state, now)
        for backend in everyone[self._turn :: turns]:
            self._note(backend.id, judge.find(backend), now, GAP_S * turns)
        for id in [id for id in self._seen if id not in state.backends]:
            del self._seen[id]
        slow = {id: seen.slow for id, seen in self._seen.items() if seen.slow is not None}
        return state if slow == state.slow else replace(state, slow=slow)

    def _note(self, id: BackendId, found: Finding | None, now: float, gap: float) -> None:
        seen = self._seen.get(id)
        if found is None:
            if seen and now - seen.last >= (CLEAR_S if seen.slow else gap):
                del self._seen[id]
            return
        if seen is None or now < seen.last:
            seen = self._seen[id] = _Seen(now, now)
        seen.last = now
        if now - seen.first >= HOLD_S and now - seen.written >= WORDS_S:
            seen.slow = Slow(seen.first, found.why, found.what)
            seen.written = now
