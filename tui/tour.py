"""Three hints for whoever sees the dashboard for the first time, one after another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

HINTS = (
    ("Digits go to pages", "1 to 7. Arrows move the cursor, enter opens what is under it."),
    ("? shows the keys of where you are", "ctrl+p finds every action, backend, model, request."),
    ("Why did it go there?", "Enter on a line of the routing log tells the whole story."),
)
"""Title and sentence of each."""
SHOWN_S = 9.0
"""Seconds that a hint stays."""
ENDS = "esc ends these hints"
"""How to be rid of them."""
SEEN = "dashboard-seen"
"""File that says that there was a first time."""


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
