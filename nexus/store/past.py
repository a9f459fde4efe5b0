"""Requests of the past, wherever they are: the last ones in memory, all others in the file.

Whatever takes long runs in a thread; what is asked for may be under way still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from nexus.domain.backend import Zone
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.history import Metric, Outcome, Point, Wanted
from nexus.domain.request import ANONYMOUS
from nexus.store.filters import Told, in_time
from nexus.store.store import Store
from nexus.telemetry.records import Record, Records

T = TypeVar("T")


class Past:
    """See the module.

    Args:
        records: the last requests, and those under way.
        store: those before them.
    """

    def __init__(self, records: Records, store: Store) -> None:
        self._records = records
        self._store = store

    async def one(self, request_id: str, tell: Callable[[Record], T]) -> T | None:
        """What is told of one request; None where nobody remembers it.

        What decisions work out about a picture is kept in it, so a record that is in memory is
        told of on the event loop, and one from the file where it was read.
        """
        found = self._records.get(request_id)
        if found is not None:
            return tell(found)
        if self._store.path is None:
            return None

        def read() -> T | None:
            record = self._store.record(request_id)
            return None if record is None else tell(record)

        return await asyncio.to_thread(read)

    async def requests(
        self, limit: int, wanted: Wanted, tell: Callable[[Record], T], before: str = ""
    ) -> list[T]:
        """What is told of the last requests, the newest first.

        Args:
            tell: must not decide again; those of the file come without what they were decided on.
            before: the id of the request to go on from.
        """
        ring = list(self._records)

        def read() -> list[T]:
            return [tell(each) for each in self._requests(ring, limit, wanted, before)]

        return await asyncio.to_thread(read)

    async def series(
        self, metric: Metric, since: float, step_s: int, *, backend: str = "", model: str = ""
    ) -> list[Point]:
        """Numbers over time, of one backend or model by name, or of all."""
        return await asyncio.to_thread(
            self._store.series, metric, since, step_s, backend=backend, model=model
        )

    def _requests(
        self, ring: list[Record], limit: int, wanted: Wanted, before: str
    ) -> list[Record]:
        """In a thread. Everything younger than the ring's oldest is in the ring."""
        oldest = ring[0].at if ring else None
        here = {each.request_id for each in ring}
        if before:
            place = next((n for n, each in enumerate(ring) if each.request_id == before), None)
            if place is not None:
                ring, before = ring[:place], ""
            else:
                ring = []
        found = _first(limit, reversed(ring), wanted)
        if len(found) < limit and wanted.outcome is not Outcome.RUNNING:
            if oldest is not None:
                ends = oldest if wanted.until is None else min(oldest, wanted.until)
                wanted = replace(wanted, until=ends)
            older = self._store.recent(limit - len(found), wanted, before)
            found += [each for each in older if each.request_id not in here]
        return found


def _first(limit: int, records: Iterable[Record], wanted: Wanted) -> list[Record]:
    found: list[Record] = []
    for record in records:
        if len(found) == limit:
            break
        if matches(record, wanted):
            found.append(record)
    return found


def matches(record: Record, wanted: Wanted) -> bool:
    """Whether a request in memory is meant."""
    ended = record.ended
    finished = ended if isinstance(ended, RequestFinished) else None
    told = Told(
        record.model,
        record.model if finished is None else finished.model,
        record.backend,
        ANONYMOUS if record.needs is None else record.needs.tenant,
        None if wanted.zone is None else _zone(record),
        record.status,
    )
    if not in_time(record.at, wanted) or not told.meant(wanted):
        return False
    took = 0.0 if finished is None else finished.duration_ms
    if wanted.min_duration_ms is not None and took < wanted.min_duration_ms:
        return False
    text = wanted.text
    if not text or told.says(text) or text in record.request_id:
        return True
    error = ""
    if ended is not None:
        error = ended.message if isinstance(ended, RequestRefused) else ended.error
    return text.lower() in error.lower()


def _zone(record: Record) -> Zone | None:
    """Where it went; None where it went nowhere yet."""
    ended = record.ended
    if not isinstance(ended, RequestFinished) or record.fleet is None:
        return None
    for candidate in record.fleet.by_model.get(ended.model, ()):
        if candidate.backend.id == ended.backend_id:
            return candidate.zone
    return None
