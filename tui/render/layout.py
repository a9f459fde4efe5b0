"""How the rows of the fleet's page are shared out. Pure, so that every size can be tested."""

from __future__ import annotations

from dataclasses import dataclass

SMALLEST = (60, 14)
"""Below this width or height the dashboard says so instead of painting nonsense."""
HEAD = 2
"""Lines of a pane above its rows: title and column heads."""
FRAME = 3
"""Lines that are always there: header, tabs, footer."""
CHARTED = 34
"""From this height charts show by themselves."""
ROOMY = 44
"""From this height blank lines stand between panes. Below it rows are worth more."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Heights in lines; 0 hides a pane, 1 shows its title only."""

    tiles: int
    attention: int
    charts: int
    backends: int
    models: int
    routing: int
    side_by_side: bool
    """Models and routing share their lines, models on the left."""
    models_width: int
    spacers: bool
    """A blank line between panes."""


def plan(
    width: int,
    height: int,
    backends: int,
    models: int,
    focus: int,
    *,
    notes: int = 0,
    charts: bool | None = None,
) -> Layout:
    """Share `height` lines among panes holding that many rows.

    Args:
        focus: pane 1, 2 or 3.
        notes: things that need a look.
        charts: whether they were asked for; None is by the height.
    """
    tall, spacers = height >= 28, height >= ROOMY
    gap = 1 if spacers else 0
    tiles = 3 if tall else 1
    strip = min(notes, 3 if spacers else 2 if tall else 1)
    if height >= CHARTED:
        strip = max(1, strip)  # so that nothing moves when the first trouble comes
    # Roomy screens have a blank line around the tiles.
    rest = height - FRAME - tiles - strip - (3 if spacers else 0)
    chart = 0
    if height >= CHARTED if charts is None else charts:
        chart = max(6, min(11, rest // 4))
        if rest - chart - gap < HEAD + 1 + 1 + HEAD + 1 + gap * 2:
            chart = 0
        else:
            rest -= chart + gap
    want = HEAD + max(1, backends)

    def shared(top: int, middle: int, low: int, *, side: bool = False) -> Layout:
        across = min(width // 2, 100) if side else width
        return Layout(tiles, strip, chart, top, middle, low, side, across, spacers)

    if width >= 190 and tall:
        rest -= gap
        top = min(want, max(HEAD + 3, rest // 2))
        return shared(top, rest - top, rest - top, side=True)
    rest -= 2 * gap
    top = min(want, max(HEAD + 3, rest * 5 // 10))
    if tall and rest - top >= 2 * (HEAD + 4):
        middle = min(HEAD + max(1, models), max(HEAD + 3, (rest - top) // 2))
        return shared(top, middle, rest - top - middle)
    # One of models and routing is open, the other shows its title.
    cap = rest - 1 - (HEAD + 3)
    top = max(HEAD + 1, min(want, cap if focus == 1 else max(HEAD + 3, rest // 2)))
    low = rest - top - 1
    return shared(top, low, 1) if focus == 2 else shared(top, 1, low)
