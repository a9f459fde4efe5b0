"""A request that is being carried, for whoever may end it."""

from __future__ import annotations

import msgspec

from nexus.errors import NexusError
from nexus.proxy.exchange import Exchange
from nexus.proxy.passage import Passage
from nexus.proxy.story import Story


class Running(msgspec.Struct, eq=False):
    """What it takes to end a request from outside."""

    story: Story
    exchange: Exchange
    passage: Passage | None = None
    """The answer that comes, while one does."""
    ended: NexusError | None = None
    """Why somebody ended it."""

    def end(self, error: NexusError) -> None:
        """Let its backend go, and let it end with this error. Idempotent."""
        if self.ended is not None:
            return
        self.ended = error
        if self.passage is not None:
            self.passage.abort()
            self.passage.on_failed(error)
        elif self.exchange.task is not None:
            self.exchange.task.cancel()

    def ended_by_cancelling(self) -> None:
        """The task goes on: it was cancelled only to be woken."""
        if self.exchange.task is not None:
            self.exchange.task.uncancel()
