"""What a simulated server saw, counted for tests; and a way to wait for it without sleeping."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from nexus.simulator.wire import Request


@dataclass(slots=True)
class Seen:
    """Counters of one server since its start. Read them; only the server writes."""

    requests: int = 0
    by_path: Counter[str] = field(default_factory=Counter[str])
    active: int = 0
    """Generations that hold a slot."""
    waiting: int = 0
    """Generations in line for one."""
    finished: int = 0
    """Generations that came to their end."""
    cancelled: int = 0
    """Generations given up because their client left or the server stopped."""
    generated_tokens: int = 0
    sockets_opened: int = 0
    sockets_open: int = 0
    last: Request = field(default_factory=lambda: Request("", ""))
    """The newest request, whole."""
    crashes: list[Exception] = field(default_factory=list[Exception])
    """Bugs of the simulator; a test may assert that there are none."""
    _watchers: list[asyncio.Future[None]] = field(
        default_factory=list[asyncio.Future[None]], repr=False
    )

    @property
    def last_headers(self) -> Mapping[str, str]:
        """Headers of the newest request, names in lower case."""
        return self.last.headers

    @property
    def last_body(self) -> bytes:
        """Body of the newest request."""
        return self.last.body

    def note(self, request: Request) -> None:
        """Count a request."""
        self.requests += 1
        self.by_path[request.path] += 1
        self.last = request
        self.changed()

    def changed(self) -> None:
        """Wake those who wait in `until`."""
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)
        self._watchers.clear()

    async def until(self, reached: Callable[[Seen], bool]) -> None:
        """Return as soon as `reached(self)`. Put a timeout of your own around it."""
        while not reached(self):
            watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._watchers.append(watcher)
            await watcher
