"""How a screen reaches the dashboard it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.screen import Screen

if TYPE_CHECKING:
    from tui.app import NexusDashboard


def dashboard(screen: Screen[Any]) -> NexusDashboard:
    """The app of `screen`, with its type."""
    return cast("NexusDashboard", screen.app)  # pyright: ignore[reportUnknownMemberType]
