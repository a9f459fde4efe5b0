"""How a screen reaches the dashboard it belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from textual.events import ScreenResume
from textual.screen import Screen

if TYPE_CHECKING:
    from tui.app import NexusDashboard


class Shown:
    """For screens: being shown again is no reason to find their styles again.

    They have them since they were made, and a new theme is seen to where it comes. It took a
    quarter of the time that opening a dialog took.
    """

    def _on_screen_resume(self, event: ScreenResume) -> None:
        event.refresh_styles = False


def dashboard(screen: Screen[Any]) -> NexusDashboard:
    """The app of `screen`, with its type."""
    return cast("NexusDashboard", screen.app)  # pyright: ignore[reportUnknownMemberType]
