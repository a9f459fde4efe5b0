"""How the rows of the main screen are shared out. Pure, so that every size can be tested."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST = (60, 14)
"""Below this width or height the dashboard says so instead of painting nonsense."""
HEAD = 2
"""Lines of a pane above its rows: title and column heads."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Heights in lines; 0 hides a pane, 1 shows its title only."""

    tiles: int
    backends: int
    models: int
    routing: int
    side_by_side: bool
    """Models and routing share their lines, models on the left."""
    models_width: int
    spacers: bool
    """A blank line between panes."""


def plan(width: int, height: int, backends: int, models: int, focus: int) -> Layout:
    """Share `height` lines among panes holding that many rows; `focus` is pane 1, 2 or 3."""
    tall = height >= 28
    spacers = height >= 34
    gap = 1 if spacers else 0
    tiles = 3 if tall else 1
    # Header, tabs and footer are always there; tall screens have a blank line around the tiles.
    rest = height - 3 - tiles - (2 if tall else 0) - gap
    want = HEAD + max(1, backends)
    side = width >= 190 and height >= 28
    if side:
        top = min(want, max(HEAD + 3, rest // 2))
        low = rest - top
        return Layout(tiles, top, low, low, True, min(width // 2, 100), spacers)
    if not tall:
        # One of models and routing is open, the other shows its title.
        cap = rest - 1 - (HEAD + 3)
        top = max(HEAD + 1, min(want, cap if focus == 1 else max(HEAD + 3, rest // 2)))
        low = rest - top - 1
        if focus == 2:
            return Layout(tiles, top, low, 1, False, width, spacers)
        return Layout(tiles, top, 1, low, False, width, spacers)
    rest -= gap
    top = min(want, max(HEAD + 3, rest * 4 // 10))
    middle = min(HEAD + max(1, models), max(HEAD + 3, (rest - top) // 2))
    return Layout(tiles, top, middle, rest - top - middle, False, width, spacers)
