"""What dialogs and readers have in common: the page behind is seen through, dimmed.

Textual mixes the colours of every piece of the page anew for each layout of what stands before it;
pieces have few different styles, so here each is mixed once.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TypeVar

from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen

from tui.screens.base import Shown

T = TypeVar("T")


@lru_cache(2048)
def _dimmed(style: Style | None, color: Color) -> Style | None:
    """As Textual does it."""
    (segment,) = BackgroundScreen.process_segments([Segment(" ", style)], color)
    return segment.style


class Behind(BackgroundScreen):
    """The page behind."""

    @classmethod
    def process_segments(cls, segments: Iterable[Segment], color: Color) -> Iterable[Segment]:
        for segment in segments:
            text, style, control = segment
            yield segment if control else Segment(text, _dimmed(style, color))


class Over(Shown, ModalScreen[T]):
    """A screen before a page."""

    def render(self) -> RenderableType:
        seen = super().render()
        if isinstance(seen, BackgroundScreen):
            return Behind(seen.screen, seen.color)  # pyright: ignore[reportUnknownMemberType]
        return seen
