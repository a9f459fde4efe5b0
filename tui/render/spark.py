"""Bars in one line of text."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[int]) -> str:
    """One bar per value, scaled to the largest; a blank where nothing happened."""
    top = max(values, default=0)
    if top <= 0:
        return " " * len(values)
    # Small counts keep their proportions: one request among ones is not a full bar.
    scale = max(top, 4)
    return "".join(" " if v <= 0 else BARS[min(7, (v * 8 - 1) // scale)] for v in values)
