"""Sums and sketches by minute and by hour, so that a chart of a month reads a few thousand rows.

A sketch counts values in buckets whose bounds grow by a tenth: a percentile read from it is within
five percent of the truth, and any number of sketches can be added up.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from dataclasses import dataclass, field
from typing import Final

import msgspec

from nexus.domain.events import RequestFinished, RequestRefused
from nexus.errors import ModelUnknown
from nexus.store.facts import Facts

MINUTE_S: Final = 60
HOUR_S: Final = 3600
NOWHERE: Final = ""
"""The backend of a request that was refused."""

_PER_BUCKET = 1 / math.log(1.1)
_LEAST = 0.01


class Sketch(dict[int, int]):
    """Counts by bucket."""

    def add(self, value: float) -> None:
        """Count one value, 0 or more."""
        bucket = math.floor(math.log(max(value, _LEAST)) * _PER_BUCKET)
        self[bucket] = self.get(bucket, 0) + 1

    def join(self, counts: dict[int, int]) -> None:
        """Count everything that another one has counted."""
        for bucket, count in counts.items():
            self[bucket] = self.get(bucket, 0) + count

    def quantile(self, share: float) -> float | None:
        """The value that this share of all does not exceed; None of nothing."""
        left = share * sum(self.values())
        value: float | None = None
        for bucket, count in sorted(self.items()):
            value = math.exp((bucket + 0.5) / _PER_BUCKET)
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

    def see(self, ended: RequestFinished | RequestRefused) -> None:
        """Count the end of a request."""
        self.requests += 1
        if isinstance(ended, RequestRefused):
            self.errors += 1
            return
        if ended.status == 499:
            self.left += 1
        elif ended.is_error:
            self.errors += 1
        else:
            self.duration.add(ended.duration_ms)
        self.prompt += ended.prompt_tokens or 0
        self.completion += ended.completion_tokens or 0
        if ended.ttft_ms is not None:
            self.ttft.add(ended.ttft_ms)
        if ended.tokens_per_s is not None:
            self.speed.add(ended.tokens_per_s)

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

    def packed(self) -> bytes:
        """As it is written."""
        sketches = (dict(self.duration), dict(self.ttft), dict(self.speed))
        sums = (self.requests, self.errors, self.left, self.prompt, self.completion)
        return _encode((*sums, *sketches))


_Packed = tuple[int, int, int, int, int, dict[int, int], dict[int, int], dict[int, int]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


def unpacked(body: bytes) -> Cell:
    """A cell as it was written. Raises msgspec.DecodeError."""
    requests, errors, left, prompt, completion, duration, ttft, speed = _decode(body)
    sketches = (Sketch(duration), Sketch(ttft), Sketch(speed))
    return Cell(requests, errors, left, prompt, completion, *sketches)


_Place = tuple[int, int, int]
"""Begin in Unix seconds, backend, model: the primary key of both tables."""


class Rollup:
    """The cells of now, written within the caller's transaction; made anew after one that failed.

    Args:
        connection: the writer's.
        facts: gives names their numbers.
    """

    def __init__(self, connection: sqlite3.Connection, facts: Facts) -> None:
        self._connection = connection
        self._facts = facts
        self._fresh: dict[_Place, Cell] = {}
        self._cells: dict[str, dict[_Place, Cell]] = {"minutes": {}, "hours": {}}

    def see(self, ended: RequestFinished | RequestRefused) -> None:
        """Count the end of a request."""
        if isinstance(ended, RequestRefused):
            # Anybody may ask for names that nobody has, and each would be a row.
            asked = "" if ended.code == ModelUnknown.code else ended.requested
            backend, model = NOWHERE, asked
        else:
            backend, model = ended.backend, ended.model
        at = int(ended.at)
        place = (at - at % MINUTE_S, self._facts.word(backend), self._facts.word(model))
        cell = self._fresh.get(place)
        if cell is None:
            cell = self._fresh[place] = Cell()
        cell.see(ended)

    def write(self) -> None:
        """Add what was seen since the last time to its minutes and hours."""
        for table, length in (("minutes", MINUTE_S), ("hours", HOUR_S)):
            changed: dict[_Place, Cell] = {}
            for (at, backend, model), fresh in self._fresh.items():
                place = (at - at % length, backend, model)
                changed[place] = self._cell(table, place)
                changed[place].join(fresh)
            self._connection.executemany(
                f"INSERT OR REPLACE INTO {table} (at, backend, model, body) VALUES (?, ?, ?, ?)",
                [(*place, cell.packed()) for place, cell in changed.items()],
            )
            if changed:  # those of the past are read again should somebody be late
                newest = max(at for at, *_ in changed)
                now = {place: c for place, c in self._cells[table].items() if place[0] == newest}
                self._cells[table] = now
        self._fresh.clear()

    def _cell(self, table: str, place: _Place) -> Cell:
        cell = self._cells[table].get(place)
        if cell is None:
            found = self._connection.execute(
                f"SELECT body FROM {table} WHERE at = ? AND backend = ? AND model = ?", place
            ).fetchone()
            cell = Cell()
            if found is not None:
                with contextlib.suppress(msgspec.DecodeError):
                    cell = unpacked(found[0])
            self._cells[table][place] = cell
        return cell
