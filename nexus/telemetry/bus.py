"""Events from where they happen to whoever watches.

Publishing is synchronous, bounded and never blocks: each reader has its own inbox, the oldest
events fall out of a full one, and the reader is told how many it missed. Without readers a publish
costs one truth test.
"""

from __future__ import annotations

import asyncio
from collections import deque

from nexus.domain.events import Event

INBOX = 8192
"""Events a reader may lag behind: some seconds of a busy gateway, a few MB at most."""


class Reader:
    """One watcher's inbox."""

    def __init__(self, bus: Bus, size: int, live: bool) -> None:
        self.live = live
        self._bus = bus
        self._inbox: deque[Event] = deque(maxlen=size)
        self._wake: asyncio.Event = asyncio.Event()
        self._missed = 0
        self.closed = False

    def take(self) -> tuple[list[Event], int]:
        """Everything that is waiting, oldest first, and how many were lost before it."""
        events = list(self._inbox)
        missed = self._missed
        self._inbox.clear()
        self._missed = 0
        self._wake.clear()
        return events, missed

    async def wait(self) -> None:
        """Until something waits or the bus has closed."""
        await self._wake.wait()

    def put(self, event: Event) -> None:
        """Called by the bus only."""
        if len(self._inbox) == self._inbox.maxlen:
            self._missed += 1
        self._inbox.append(event)
        if not self._wake.is_set():
            self._wake.set()

    def close(self) -> None:
        """Stop receiving. Idempotent."""
        self._bus.forget(self)
        self.closed = True
        self._wake.set()


class Bus:
    """Fans events out to its readers."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []
        self.live = False
        """False when nobody follows requests as they happen, so that no such event need be made.
        Asked three times a request, so no property."""
        self._closed = False

    def publish(self, event: Event) -> None:
        """Hand an event to every reader. Never raises, never waits."""
        for reader in self._readers:
            reader.put(event)

    def publish_live(self, event: Event) -> None:
        """Hand an event to the readers that follow requests as they happen."""
        for reader in self._readers:
            if reader.live:
                reader.put(event)

    def reader(self, size: int = INBOX, *, live: bool = True) -> Reader:
        """A new watcher; it sees what is published from now on.

        Args:
            size: events it may lag behind.
            live: also wants the events of requests that have only begun, and every change of load.
        """
        reader = Reader(self, size, live)
        if self._closed:
            reader.close()
            return reader
        self._readers.append(reader)
        self.live = self.live or live
        return reader

    def forget(self, reader: Reader) -> None:
        """Take a reader off. Idempotent."""
        if reader in self._readers:
            self._readers.remove(reader)
            self.live = any(other.live for other in self._readers)

    def close(self) -> None:
        """End every reader's wait, which is how streams of events stop before the server does.

        Readers that come later find themselves closed.
        """
        self._closed = True
        for reader in list(self._readers):
            reader.close()
