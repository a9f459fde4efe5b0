"""Keys in their order: the next one is looked at when the one before has done all it does.

Textual hands every key at once to whoever has the focus at that moment, while what a key does (a
field that opens, a dialog, another page) happens some messages later. Typed quickly, or sent at
once over a slow link, the letters of `/llama` would be commands of the table: `d` drains. So a key
waits until the one before has climbed from its widget to the app and what it set off has come the
same way, and until the screen it opened stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Key, Paste
from textual.timer import Timer

PASSES = 2
"""Once for the key itself, once for the messages and the focus that its action has sent."""
PATIENCE_S = 0.3
"""A widget that is gone never answers; after this the next key goes on without it."""
LOOK_S = 0.005
"""Between two looks whether a new screen stands, seconds."""
LOOKS = 200


class Ahead:
    """Holds what was typed ahead.

    Args:
        app: whose keys they are.
        handle: does what Textual does with one.
    """

    def __init__(self, app: App[Any], handle: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app = app
        self._handle = handle
        self._waiting: deque[Key | Paste] = deque()
        self._number = 0
        self._under_way = False
        self._looks = 0
        self._patience: Timer | None = None

    async def typed(self, event: Key | Paste) -> None:
        """Take a key; it is handled at once where none is under way."""
        self._waiting.append(event)
        if not self._under_way:
            await self._next()

    async def _next(self) -> None:
        self._under_way = bool(self._waiting)
        if not self._waiting:
            return
        app = self._app
        if not app.screen.is_mounted and self._looks < LOOKS:
            self._looks += 1
            app.set_timer(LOOK_S, self._next)
            return
        self._looks = 0
        self._number += 1
        path = (app.focused or app.screen).ancestors_with_self
        await self._handle(self._waiting.popleft())
        self._patience = app.set_timer(PATIENCE_S, partial(self._settled, self._number))
        way = [node for _ in range(PASSES) for node in path]
        self._follow(iter(way), self._number)

    def _follow(self, way: Any, number: int) -> None:
        """Send a mark the way the key goes: where it comes by, the key has been."""
        node: DOMNode
        for node in way:
            if node.call_later(self._follow, way, number):
                return
        self._app.call_later(self._settled, number)

    async def _settled(self, number: int) -> None:
        if number != self._number or not self._under_way:
            return
        self._number += 1  # what else comes of this key is late
        if self._patience is not None:
            self._patience.stop()
        await self._next()
