"""Sums and sketches by minute and by hour, so that a chart of a month reads a few thousand rows.

A sketch counts values in buckets whose bounds grow by a tenth: a percentile read from it is within
five percent of the truth, and any number of sketches can be added up.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp2, floor, log2
from typing import Any, Final

import msgspec

from nexus.domain.events import RequestFinished, RequestRefused
from nexus.errors import ModelUnknown
from nexus.store.facts import Facts

MINUTE_S: Final = 60
HOUR_S: Final = 3600
NOWHERE: Final = ""
"""The backend of a request that was refused."""

SEEN: Final = 250
"""Requests added up at once: some 0.3 ms."""

_PER_BUCKET = 1 / log2(1.1)
_LEAST = 0.01


class Sketch(Counter[int]):
    """Counts by bucket."""

    def add(self, values: Sequence[float]) -> None:
        """Count values, each 0 or more."""
        if not values:
            return
        if min(values) < _LEAST:
            values = [max(_LEAST, value) for value in values]
        self.update([floor(log2(value) * _PER_BUCKET) for value in values])

    def join(self, counts: Mapping[int, int]) -> None:
        """Count everything that another one has counted."""
        for bucket, count in counts.items():
            self[bucket] = self.get(bucket, 0) + count

    def quantile(self, share: float) -> float | None:
        """The value that this share of all does not exceed; None of nothing."""
        left = share * sum(self.values())
        value: float | None = None
        for bucket, count in sorted(self.items()):
            value = exp2((bucket + 0.5) / _PER_BUCKET)
            left -= count
            if left <= 0:
                break
        return value


@dataclass(slots=True)
class Cell:
    """What happened in one minute, or hour, on one backend with one model."""

    requests: int = 0
    errors: int = 0
    left: int = 0
    """Requests whose client left before the end."""
    prompt: int = 0
    completion: int = 0
    """Tokens."""
    duration: Sketch = field(default_factory=Sketch)
    """Milliseconds; of requests that went well."""
    ttft: Sketch = field(default_factory=Sketch)
    """Milliseconds."""
    speed: Sketch = field(default_factory=Sketch)
    """Tokens a second."""

    def see(self, ends: Sequence[RequestFinished | RequestRefused]) -> None:
        """Count the ends of requests."""
        self.requests += len(ends)
        went = [end for end in ends if isinstance(end, RequestFinished)]
        self.errors += len(ends) - len(went)
        good = [end for end in went if end.status < 400 and not end.error]
        if len(good) < len(went):
            left = sum([end.status == 499 for end in went])
            self.left += left
            self.errors += len(went) - len(good) - left
        self.duration.add([end.duration_ms for end in good])
        self.prompt += sum([end.prompt_tokens or 0 for end in went])
        self.completion += sum([end.completion_tokens or 0 for end in went])
        self.ttft.add([ms for end in went if (ms := end.ttft_ms) is not None])
        self.speed.add([pace for end in went if (pace := end.tokens_per_s) is not None])

    def join(self, other: Cell) -> None:
        """Add what another one has counted."""
        self.requests += other.requests
        self.errors += other.errors
        self.left += other.left
        self.prompt += other.prompt
        self.completion += other.completion
        self.duration.join(other.duration)
        self.ttft.join(other.ttft)
        self.speed.join(other.speed)

    def row(self) -> tuple[object, ...]:
        """The values of `COLUMNS`."""
        sums = (self.requests, self.errors, self.left, self.prompt, self.completion)
        return (*sums, _encode(self.duration), _encode(self.ttft), _encode(self.speed))


COLUMNS: Final = "requests, errors, gone, prompt, completion, duration, ttft, speed"
"""What a cell is written as."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode


def sketch(body: bytes) -> Sketch:
    """As it was written; empty where another version wrote it."""
    try:
        return Sketch(_decode(body))
    except msgspec.DecodeError:
        return Sketch()


def cell(row: Sequence[Any]) -> Cell:
    """From the values of `COLUMNS`."""
    requests, errors, left, prompt, completion, duration, ttft, speed = row
    sketches = (sketch(duration), sketch(ttft), sketch(speed))
    return Cell(requests, errors, left, prompt, completion, *sketches)


ALL: Final = 0
"""Stands for every backend, or every model: what is asked of all together is one row a step."""

_Place = tuple[int, int, int]
"""Backend, model, begin in Unix seconds: the primary key of both tables."""


_Named = tuple[str, str, int]
"""Backend, model, begin of the minute."""


class Fresh:
    """What has been seen and is not in the file yet."""

    def __init__(self) -> None:
        self.cells: dict[_Named, Cell] = {}

    def see(
        self,
        ends: Iterable[RequestFinished | RequestRefused],
        breathe: Callable[[], object] = lambda: None,
    ) -> None:
        """Count the ends of requests.

        Args:
            breathe: called between every few of them.
        """
        found: defaultdict[tuple[str, str, float], list[RequestFinished | RequestRefused]]
        found = defaultdict(list)
        for end in ends:
            if isinstance(end, RequestFinished):
                found[end.backend, end.model, end.at // MINUTE_S].append(end)
            else:
                # Anybody may ask for names that nobody has, and each would be a row.
                asked = "" if end.code == ModelUnknown.code else end.requested
                found[NOWHERE, asked, end.at // MINUTE_S].append(end)
        since = 0
        for (backend, model, minute), those in found.items():
            place = (backend, model, int(minute) * MINUTE_S)
            cell = self.cells.get(place)
            if cell is None:
                cell = self.cells[place] = Cell()
            cell.see(those)
            since += len(those)
            if since > SEEN:
                breathe()
                since = 0


class Rollup:
    """The cells of now, written within the caller's transaction; made anew after one that failed.

    Args:
        connection: the writer's.
        facts: gives names their numbers.
    """

    def __init__(self, connection: sqlite3.Connection, facts: Facts) -> None:
        self._connection = connection
        self._facts = facts
        self._cells: dict[str, dict[_Place, Cell]] = {"minutes": {}, "hours": {}}

    def write(self, seen: Fresh) -> None:
        """Add what was seen to its minutes and hours."""
        marks = ", ".join("?" * (3 + COLUMNS.count(",") + 1))
        word = self._facts.word
        for table, length in (("minutes", MINUTE_S), ("hours", HOUR_S)):
            changed: dict[_Place, Cell] = {}
            for (backend, model, at), fresh in seen.cells.items():
                begin = at - at % length
                its, of = word(backend), word(model)
                for which in ((its, of), (its, ALL), (ALL, of), (ALL, ALL)):
                    place = (*which, begin)
                    if place not in changed:
                        changed[place] = self._cell(table, place)
                    changed[place].join(fresh)
            self._connection.executemany(
                f"INSERT OR REPLACE INTO {table} (backend, model, at, {COLUMNS}) VALUES ({marks})",
                ((*place, *each.row()) for place, each in changed.items()),
            )
            if changed:  # those of the past are read again should somebody be late
                newest = max(at for *_, at in changed)
                now = {place: c for place, c in self._cells[table].items() if place[2] == newest}
                self._cells[table] = now

    def _cell(self, table: str, place: _Place) -> Cell:
        known = self._cells[table].get(place)
        if known is None:
            found = self._connection.execute(
                f"SELECT {COLUMNS} FROM {table} WHERE backend = ? AND model = ? AND at = ?", place
            ).fetchone()
            known = self._cells[table][place] = Cell() if found is None else cell(found)
        return known
