"""How a dashboard ended, for whoever runs the gateway beside it."""

from __future__ import annotations

from enum import Enum


class Leave(Enum):
    """What the end of the dashboard means for the gateway."""

    STOP = "stop"
    """The operator, or a signal, wants Nexus to end."""
    CRASHED = "crashed"
    """The dashboard failed; the gateway should go on without it."""
    TERMINAL_LOST = "terminal lost"
    """The terminal went away (closed window, dropped connection); go on without it."""
