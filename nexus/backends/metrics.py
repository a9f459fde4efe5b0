"""Single gauges out of a Prometheus text, without reading the rest of it."""

from __future__ import annotations

import re
from functools import lru_cache

from nexus.domain.http import HttpReply

_MAX = 1_000_000
"""Requests; a larger number is nonsense."""


@lru_cache(maxsize=32)
def _line(name: str) -> re.Pattern[bytes]:
    number = rb"([0-9]{1,9}(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)"
    return re.compile(
        rb"^" + re.escape(name.encode()) + rb"(?:\{[^\n]*\})?[ \t]+" + number + rb"[ \t]*\r?$",
        re.MULTILINE,
    )


def gauge(reply: HttpReply, name: str) -> int | None:
    """The sum of a gauge over its labels (one line an engine); None where it is not there."""
    if reply.status != 200:
        return None
    found = [float(value) for value in _line(name).findall(reply.body)]
    total = sum(found)
    return int(total) if found and total <= _MAX else None
