"""The loads that a decision saw, as bytes: each an `ENTRY`, followed by its speeds.

Loads are values, and two decisions in a row saw the same ones but for two or three: only those are
packed anew. Numbers have four bytes, as exact as anybody looks.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping, Sequence
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
OF_WINDOW: Final = 4
"""Added to the place of the span where it is the span of first byte or speed too."""

_HEAD: Final = struct.Struct(ENTRY.format + "B")
_WHOLE: Final = struct.Struct(SPEED.format + "BBB")

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

    __slots__ = ("_ids", "_last", "_models", "_parts", "_places", "_slots", "_speeds")

    def __init__(
        self, slots: Mapping[BackendId, int], models: Mapping[BackendId, tuple[str, ...]]
    ) -> None:
        self._slots = slots
        self._models = models
        self._ids: Sequence[BackendId] = ()
        self._last: Sequence[LoadView | object] = ()
        self._parts: list[bytes] = []
        self._places = range(0)
        self._speeds: list[tuple[object, bytes, int]] = []
        """Of each backend the speeds of its last load, packed, and their number."""

    def pack(self, loads: Collection[tuple[BackendId, LoadView]]) -> bytes:
        """The loads of one decision."""
        then = loads if isinstance(loads, Then) else Then.of(loads)
        ids, now = then.ids, then.loads
        if ids is not self._ids:
            if ids != self._ids:
                self._last = [_NEVER] * len(ids)
                self._parts = [b""] * len(ids)
                self._speeds = [_NO_SPEEDS] * len(ids)
                self._places = range(len(ids))
            self._ids = ids
        for place in compress(self._places, map(is_not, now, self._last)):
            self._parts[place] = self._entry(place, ids[place], now[place])
        self._last = now
        return b"".join(self._parts)

    def _entry(self, place: int, id_: BackendId, load: LoadView) -> bytes:
        seen, packed, count = self._speeds[place]
        speeds = load.speeds
        if seen is not speeds:  # they outlive a load: a request that begins changes none
            packed, count = _packed(speeds or {}, self._models[id_])
            self._speeds[place] = speeds, packed, count
        pending, latency = load.pending, load.latency_ms
        if pending > MOST:
            pending = MOST
        known = nan if latency is None else latency
        return _HEAD.pack(self._slots[id_], pending, known, count, load.quiet_min) + packed


def _packed(speeds: Mapping[str, Speed], models: Sequence[str]) -> tuple[bytes, int]:
    parts: list[bytes] = []
    for place, name in enumerate(models):
        speed = speeds.get(name)
        if speed is None:
            continue
        first, pace, samples = speed.ttft_ms, speed.tokens_per_s, speed.samples
        recent, span, failed = speed.recent, 0, 0
        if recent is not None:
            samples, failed, span = recent.requests, recent.failed, SPANS.index(recent.span_s)
            if recent.ttft_ms is not None:
                first, span = recent.ttft_ms, span | OF_WINDOW
            if recent.tokens_per_s is not None:
                pace, span = recent.tokens_per_s, span | OF_WINDOW
        if samples > MOST:
            samples = MOST
        known = (nan if first is None else first, nan if pace is None else pace)
        parts.append(_WHOLE.pack(place, samples, *known, span, failed, speed.quiet_min))
    return b"".join(parts), len(parts) | AGED
