"""The last events with numbers, so that a dashboard which lost its connection misses nothing.

One reader of the bus for all streams. It begins with the first stream, and outlives the last one by
`LINGER_S`, for whoever comes back. Events are numbered when somebody looks: no task runs here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Final

from nexus.domain.events import Event
from nexus.telemetry.bus import INBOX, Bus, Reader

LINGER_S: Final = 120.0
"""Seconds without a stream after which events are not kept any more."""


class Backlog:
    """See the module.

    Args:
        bus: where events come from.
        name: tells this backlog from the one of another process or another time.
        size: events kept.
    """

    def __init__(self, bus: Bus, name: Callable[[], str], size: int = INBOX) -> None:
        self._bus = bus
        self._name = name
        self._size = size
        self._events: deque[Event] = deque(maxlen=size)
        self._reader: Reader | None = None
        self._readers = 0
        self._ending: asyncio.TimerHandle | None = None
        self._epoch = ""
        self._end = 0

    def open(self) -> None:
        """A stream begins; `close` ends it."""
        self._readers += 1
        if self._ending is not None:
            self._ending.cancel()
            self._ending = None
        if self._reader is None or self._reader.closed:
            self._reader = self._bus.reader(self._size)
            self._begin_anew()

    def close(self) -> None:
        """A stream ended."""
        self._readers -= 1
        if not self._readers and not self.closed:
            loop = asyncio.get_running_loop()
            self._ending = loop.call_later(LINGER_S, self._forget)

    @property
    def closed(self) -> bool:
        """True when no event will come any more, because the gateway stops."""
        return self._reader is None or self._reader.closed

    def mark(self) -> str:
        """Where a reader stands that has seen everything until now."""
        self._pull()
        return f"{self._epoch}.{self._end}"

    def since(self, mark: str) -> tuple[list[Event], str] | None:
        """The events after a mark, and the mark after them.

        None when they are not all known any more: the reader needs a whole picture.
        """
        self._pull()
        epoch, _, number = mark.partition(".")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 18:
            return None
        first = int(number) - (self._end - len(self._events))
        if not 0 <= first <= len(self._events):
            return None
        return list(islice(self._events, first, None)), f"{self._epoch}.{self._end}"

    async def wait(self, mark: str) -> None:
        """Until there is something after `mark`, or there will be nothing any more."""
        reader = self._reader
        while reader is not None and not reader.closed and self.mark() == mark:
            await reader.wait()

    def _pull(self) -> None:
        if self._reader is None:
            return
        events, missed = self._reader.take()
        if missed:
            self._begin_anew()
        self._events.extend(events)
        self._end += len(events)

    def _begin_anew(self) -> None:
        self._events.clear()
        self._end = 0
        self._epoch = self._name()

    def _forget(self) -> None:
        self._ending = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._events.clear()
