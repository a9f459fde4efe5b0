"""Times as people type them: `30m`, `24h`, `7d` ago, or a date. Quick to import."""

from __future__ import annotations

import re

from nexus.errors import BadRequest

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])")


def span_s(text: str) -> float:
    """`90s`, `1.5h`, `250ms` in seconds. Raises BadRequest."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise BadRequest(f"'{text}' is no span of time: write it like 500ms, 2s, 30m, 24h or 7d")
    number, unit = float(found[1]), found[2]
    return number / 1000 if unit == "ms" else number * _UNITS[unit]


def moment(text: str, now: float) -> float:
    """`24h` ago, or `2026-11-24`, or `2026-11-24T08:30` in local time, as Unix seconds.

    Raises BadRequest.
    """
    from datetime import datetime

    if _SPAN.fullmatch(text.strip().lower()):
        return now - span_s(text)
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise BadRequest(
            f"'{text}' is no time: write how long ago (30m, 24h, 7d) or a date (2026-11-24T08:30)"
        ) from None
