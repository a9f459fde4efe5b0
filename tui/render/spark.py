"""Bars in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


GAP = "·"


def spark(values: Sequence[int | None]) -> str:
    """One bar per value, scaled to the largest; a blank where nothing happened, a dot for None."""
    top = max((v for v in values if v is not None), default=0)
    # Small counts keep their proportions: one request among ones is not a full bar.
    scale = max(top, 4)
    return "".join(_bar(v, scale) for v in values)


def _bar(value: int | None, scale: int) -> str:
    if value is None:
        return GAP
    return " " if value <= 0 else BARS[min(7, (value * 8 - 1) // scale)]
