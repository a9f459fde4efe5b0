"""The loads that a decision saw, as bytes: each an `ENTRY`, followed by its speeds.

Loads are values, and two decisions in a row saw the same ones but for two or three. Only those are
packed, and only those are written: of a request in a chunk, what changed since the one before it
with the same picture. The first is written whole, after `WHOLE`. Numbers have four bytes, as exact
as anybody looks.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Reversible, Sequence
from itertools import compress
from math import nan
from operator import is_not
from typing import Final

from nexus.domain.backend import BackendId, Speed
from nexus.domain.fleet import LoadView
from nexus.telemetry.records import Then

ENTRY: Final = struct.Struct("<HHfH")
"""A load: place of its backend in the picture, pending, first byte in ms, number of speeds."""
SPEED: Final = struct.Struct("<HHff")
"""A speed: place of its model among the backend's, samples, first byte in ms, tokens a second. The
last two as they counted: of the last minutes, where enough requests told, else averages."""
AGED: Final = 0x8000
"""Added to the number of speeds where the load is followed by its quiet minutes in one byte, and
each speed by a `LATELY`. Rows of older versions are without."""
LATELY: Final = struct.Struct("<BBB")
"""Of a speed: a place of `SPANS`; failed of a hundred; quiet minutes. Where there is a span, the
samples are the requests of that time."""
SPANS: Final = (0, 60, 300)
_SPAN: Final = {seconds: place for place, seconds in enumerate(SPANS)}
OF_WINDOW: Final = 4
"""Added to the place of the span where it is the span of first byte or speed too."""

WHOLE: Final = b"\xff\xff"
"""Before loads that say nothing of those before them; no place in a picture is that far back."""

_head = struct.Struct(ENTRY.format + "B").pack
_whole = struct.Struct(SPEED.format + "BBB").pack

MOST: Final = 65_535
"""Requests in flight, and samples: what two bytes hold."""

_NEVER: Final = object()
_NO_SPEEDS: Final = (_NEVER, b"", 0)


class PackedLoads:
    """Packs the loads of one picture of the fleet, and remembers the last ones.

    Args:
        slots: the place of each backend in the picture.
        models: of each backend those that are candidates, in the order of the picture.
    """

    __slots__ = (
        *("_chunk", "_ids", "_last", "_models", "_parts", "_places", "_slots", "_speeds"),
        "__weakref__",
    )

    def __init__(
        self, slots: Mapping[BackendId, int], models: Mapping[BackendId, tuple[str, ...]]
    ) -> None:
        self._slots = slots
        self._models = models
        self._chunk = 0
        """The one that the last loads were told in; 0 where they were told otherwise."""
        self._ids: Sequence[BackendId] = ()
        self._last: Sequence[LoadView | object] = ()
        self._parts: list[bytes] = []
        self._places = range(0)
        self._speeds: list[tuple[object, bytes, int]] = []
        """Of each backend the speeds of its last load, packed, and their number."""

    def pack(self, loads: Collection[tuple[BackendId, LoadView]]) -> bytes:
        """The loads of one decision."""
        told = self.since(loads, -1)
        self._chunk = 0
        return told.removeprefix(WHOLE)

    def since(self, loads: Collection[tuple[BackendId, LoadView]], chunk: int) -> bytes:
        """The same as far as it is news in this chunk, whose number is 1 or more."""
        then = loads if isinstance(loads, Then) else Then.of(loads)
        ids, now = then.ids, then.loads
        if ids is not self._ids and ids != self._ids:
            self._last = [_NEVER] * len(ids)
            self._parts = [b""] * len(ids)
            self._speeds = [_NO_SPEEDS] * len(ids)
            self._places = range(len(ids))
            self._ids = ids
            self._chunk = 0
        parts, news = self._parts, b""
        for place in compress(self._places, map(is_not, now, self._last)):
            load = now[place]
            seen, packed, count = self._speeds[place]
            speeds = load.speeds
            if seen is not speeds:  # they outlive a load: a request that begins changes none
                packed, count = _packed(speeds or {}, self._models[ids[place]])
                self._speeds[place] = speeds, packed, count
            pending, latency = load.pending, load.latency_ms
            if pending > MOST:
                pending = MOST
            if latency is None:
                latency = nan
            head = _head(self._slots[ids[place]], pending, latency, count, load.quiet_min)
            part = parts[place] = head + packed
            news = news + part if news else part  # most often there is one
        self._last = now
        if chunk == self._chunk:
            return news
        self._chunk = chunk
        return WHOLE + b"".join(parts)


def _packed(speeds: Mapping[str, Speed], models: Sequence[str]) -> tuple[bytes, int]:
    if len(models) == 1:
        only = speeds.get(models[0])
        return (b"", AGED) if only is None else (_speed(0, only), 1 | AGED)
    parts = [
        _speed(place, speed)
        for place, name in enumerate(models)
        if (speed := speeds.get(name)) is not None
    ]
    return b"".join(parts), len(parts) | AGED


def _speed(place: int, speed: Speed) -> bytes:
    first, pace, samples = speed.ttft_ms, speed.tokens_per_s, speed.samples
    recent, span, failed = speed.recent, 0, 0
    if recent is not None:
        samples, failed, span = recent.requests, recent.failed, _SPAN[recent.span_s]
        if recent.ttft_ms is not None:
            first, span = recent.ttft_ms, span | OF_WINDOW
        if recent.tokens_per_s is not None:
            pace, span = recent.tokens_per_s, span | OF_WINDOW
    if samples > MOST:
        samples = MOST
    if first is None:
        first = nan
    if pace is None:
        pace = nan
    return _whole(place, samples, first, pace, span, failed, speed.quiet_min)


def replayed(told: Reversible[bytes]) -> bytes:
    """The loads of the last of some requests, as `PackedLoads.pack` packs them.

    Args:
        told: those of one chunk and picture up to that request, as `PackedLoads.since` told them.
    """
    news: list[bytes] = []
    for each in reversed(told):
        news.append(each)
        if each.startswith(WHOLE):
            break
    entries: dict[int, bytes] = {}
    for each in reversed(news):
        entries.update(_entries(each))
    return b"".join(entries.values())


class Thinned:
    """Tells loads anew, as of one chunk, that were told in several, and whole in each."""

    def __init__(self) -> None:
        self._seen: dict[int, dict[int, bytes]] = {}
        """The last ones by picture, each by the place of its backend."""

    def since(self, picture: int, told: bytes) -> bytes:
        """As `PackedLoads.since` would have told the next ones.

        Args:
            picture: the number of the one that they belong to.
            told: as they were told.
        """
        before, now = self._seen.get(picture), _entries(told)
        if before is None or (told.startswith(WHOLE) and list(now) != list(before)):
            self._seen[picture] = now
            return told
        news = [entry for place, entry in now.items() if before.get(place) != entry]
        before.update(now)
        return b"".join(news)


def _entries(told: bytes) -> dict[int, bytes]:
    """Loads, each with its speeds, by the place of their backend."""
    found: dict[int, bytes] = {}
    at = len(WHOLE) if told.startswith(WHOLE) else 0
    while at + ENTRY.size <= len(told):
        slot, _, _, count = ENTRY.unpack_from(told, at)
        end = at + ENTRY.size
        if count & AGED:
            end += 1 + (count & ~AGED) * (SPEED.size + LATELY.size)
        else:
            end += count * SPEED.size
        found[slot] = told[at:end]
        at = end
    return found
