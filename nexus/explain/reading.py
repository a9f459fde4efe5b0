"""The past as it was read last, so that the next question reads only what is new since.

Who asks what would be asks again with another answer in mind, or types an edit and looks at what it
would do. Reading takes longer than deciding, so what was read is kept for a while.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nexus.domain.history import Columns, joined

SLACK = 0.01
"""How much further back an answer may reach than was asked for, as a part of that time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    since: float
    until: float
    columns: Columns


class Reading:
    """See the module. Called in a thread; of two at once the later one is kept.

    Args:
        read: everything from one time until another, Unix seconds.
    """

    def __init__(self, read: Callable[[float, float | None], Columns]) -> None:
        self._read = read
        self._kept: _Kept | None = None

    def columns(self, since: float, until: float) -> Columns:
        """Everything from one time until another, Unix seconds."""
        kept = self._kept
        slack = SLACK * (until - since)
        if kept is None or not kept.since <= since <= kept.since + slack or kept.until > until:
            kept = _Kept(since, until, self._read(since, until))
        elif kept.until < until:
            more = self._read(kept.until, until)
            kept = _Kept(kept.since, until, joined(kept.columns, more))
        self._kept = kept
        return kept.columns

    def forget(self) -> None:
        """Give the memory back."""
        self._kept = None
