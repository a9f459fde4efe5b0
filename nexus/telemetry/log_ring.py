"""The last lines of the log, in memory, for whoever asks.

A line is kept as what it is made from and made when it is read: without a reader nothing is
formatted. Bounded; safe to use from every thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from threading import Lock

from nexus.domain.logline import LogLevel, LogLine

RING_LINES = 1000
"""Lines kept; about a megabyte at most."""

Make = Callable[[int], LogLine]
"""Makes a line with the number it is given."""


class LogRing:
    """Lines by number. A reader keeps the number of the last line it has seen."""

    def __init__(self, size: int = RING_LINES) -> None:
        self._makes: deque[Make] = deque(maxlen=size)
        self._lock = Lock()
        self._newest = 0

    @property
    def newest(self) -> int:
        """The number of the last line; 0 before the first."""
        return self._newest

    def extend(self, makes: Sequence[Make]) -> None:
        """Keep these lines. Numbers follow one another."""
        with self._lock:
            self._makes.extend(makes)
            self._newest += len(makes)

    def read(
        self,
        after: int = 0,
        limit: int = RING_LINES,
        *,
        level: LogLevel = LogLevel.TRACE,
        component: str | None = None,
        text: str = "",
    ) -> list[LogLine]:
        """Lines in the order in which they were said.

        Args:
            after: only those with a higher number.
            limit: the last so many of them.
            level: at least this.
            component: of this part only.
            text: found in the message or in a field, in any case.
        """
        with self._lock:
            first = self._newest - len(self._makes) + 1
            skip = max(0, after - first + 1)
            makes = list(islice(self._makes, skip, None))
        text = text.lower()
        found: list[LogLine] = []
        for number in range(first + skip + len(makes) - 1, first + skip - 1, -1):
            if len(found) >= limit:
                break
            line = makes[number - first - skip](number)
            if (
                line.level.rank >= level.rank
                and component in (None, line.component)
                and (not text or _says(line, text))
            ):
                found.append(line)
        return found[::-1]


def _says(line: LogLine, text: str) -> bool:
    return text in line.message.lower() or any(
        text in f"{key}={value}".lower() for key, value in line.fields.items()
    )
