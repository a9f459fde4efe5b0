"""Three hints for whoever sees the dashboard for the first time, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

HINTS = (
    ("Digits go to pages", "1 to 7. Arrows move the cursor, enter opens what is under it."),
    ("? shows the keys of where you are", "ctrl+p finds every action, backend, model, request."),
    ("Why did it go there?", "Enter on a line of the routing log tells the whole story."),
)
"""Title and sentence of each."""
SHOWN_S = 9.0
"""Seconds that a hint stays."""
SEEN = "dashboard-seen"
"""File that says that there was a first time."""


class Tour:
    """The hints, and what keys do while they are shown.

    Args:
        show: puts up a hint: its title and its text.
        clear: takes down what `show` has put up.
    """

    def __init__(self, show: Callable[[str, str], None], clear: Callable[[], None]) -> None:
        self._show = show
        self._clear = clear
        self._go_on = asyncio.Event()
        self._number = 0
        """Of the hint that is shown, from 1; 0 for none."""
        self._ended = False

    async def run(self, seconds: float = SHOWN_S) -> None:
        """Show one after another, each for so long or until a key goes on."""
        try:
            for self._number, (title, text) in enumerate(HINTS, 1):
                last = self._number == len(HINTS)
                self._go_on.clear()
                self._clear()
                keys = "any key closes" if last else "enter next   esc ends these hints"
                self._show(f"{self._number} of {len(HINTS)}: {title}", f"{text}\n{keys}")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._go_on.wait(), seconds)
                if self._ended:
                    break
        finally:
            self._number = 0
            self._clear()

    def typed(self, key: str) -> bool:
        """Whether a key is for the hints, and not for what is behind them."""
        if not self._number:
            return False
        mine = key in ("enter", "escape")
        if mine or self._number == len(HINTS):
            self._ended = key == "escape"
            self._go_on.set()
        return mine


def is_first(folder: Path) -> bool:
    """True once per folder: makes a note that the tour was given.

    Where no note can be made there is no tour, rather than one at every start.
    """
    mark = folder / SEEN
    try:
        if mark.exists():
            return False
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch()
    except OSError:
        return False
    return True


def wanted(environ: Mapping[str, str], folder: Path) -> bool:
    """Whether to give the tour: `NEXUS_TOUR=1` always, `0` never, else the first time."""
    said = environ.get("NEXUS_TOUR", "")
    return said == "1" if said in ("0", "1") else is_first(folder)
