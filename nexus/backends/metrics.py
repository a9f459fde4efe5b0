"""Single gauges out of a Prometheus text, without reading the rest of it."""

from __future__ import annotations

import re

from nexus.domain.http import HttpReply

_MAX_LINES = 256
"""Lines of one gauge that are added up: one for each engine or model."""
_LONGEST = 1024
"""Bytes of a line."""
_MAX = 1_000_000
"""Requests; a larger number is nonsense."""
_REST = re.compile(rb"(?:\{[^\n]*\})?[ \t]+([0-9]{1,9}(?:\.[0-9]+)?(?:e\+?[0-9]{1,2})?)[ \t]*\r?$")


def gauge(reply: HttpReply, name: str) -> int | None:
    """The sum of a gauge over its labels (one line an engine); None where it is not there."""
    if reply.status != 200:
        return None
    body, word = reply.body, name.encode()
    found: list[float] = []
    at = body.find(word)
    for _ in range(_MAX_LINES):
        if at < 0:
            break
        start = at + len(word)
        end = body.find(b"\n", start, start + _LONGEST)
        line = body[start : end if end >= 0 else start + _LONGEST]
        if (at == 0 or body[at - 1 : at] == b"\n") and (match := _REST.match(line)):
            found.append(float(match[1]))
        at = body.find(word, start)
    total = sum(found)
    return int(total) if found and total <= _MAX else None
