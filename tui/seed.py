"""What a dashboard starts with: the gateway's last requests, counted once.

They are asked for beside the first updates, so the first paint waits for nothing. What is told live
meanwhile is kept aside: it comes after what was before, and nothing is counted twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from nexus.domain.events import RequestFinished, RequestRefused, Update
from nexus.domain.gateway import Lately
from tui.state import DashboardState, Entry, ended_before, reduce, seeded

SLICE = 32
"""Requests counted before the loop goes round: half a millisecond."""
MOST_EARLY = 20_000
"""Live requests kept aside; after more the seed comes too late."""

Key = tuple[str, float]


def key_of(entry: Entry) -> Key:
    """Tells one end of a request from all others: clients choose ids, the way rounds times."""
    return entry.request_id, round(entry.at, 3)


class Seed:
    """Stands between updates and state until the past is known."""

    def __init__(self) -> None:
        self._early: list[Entry] | None = []
        self._known: set[Key] = set()

    def fold(self, state: DashboardState, update: Update) -> DashboardState:
        """`state` after `update`, as `reduce`, but for what the seed has counted."""
        if isinstance(update, (RequestFinished, RequestRefused)):
            if self._known and (key := key_of(update)) in self._known:
                self._known.discard(key)
                return ended_before(state, update)
            if self._early is not None:
                self._early.append(update)
                if len(self._early) > MOST_EARLY:
                    self._early = None
        return reduce(state, update)

    async def past(self, lately: Lately, now: DashboardState) -> DashboardState | None:
        """The traffic of before this dashboard looked, counted in slices.

        None where it comes too late.
        """
        if self._early is None:
            return None
        told = set(map(key_of, self._early))
        before = [entry for entry in lately.ended if key_of(entry) not in told]
        self._known = set(map(key_of, before))
        state = DashboardState(backends=now.backends, since=lately.since)
        for start in range(0, len(before), SLICE):
            state = _counted(state, before[start : start + SLICE])
            await asyncio.sleep(0)
        return state

    def planted(self, state: DashboardState, past: DashboardState) -> DashboardState:
        """`state` with the past in front of what was told live."""
        early, self._early = self._early, None
        if early is None:
            return state
        return seeded(state, _counted(replace(past, backends=state.backends), early))

    def fails(self, state: DashboardState, since: float) -> DashboardState:
        """Nothing is known of before `since`, Unix seconds."""
        self._early = None
        return replace(state, since=since)


def _counted(state: DashboardState, entries: Sequence[Entry]) -> DashboardState:
    for entry in entries:
        state = reduce(state, entry)
    return state
