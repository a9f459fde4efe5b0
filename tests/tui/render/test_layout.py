"""The rows of the screen are shared out exactly, at every size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.render.layout import HEAD, SMALLEST, plan


@given(
    st.integers(SMALLEST[0], 400),
    st.integers(SMALLEST[1], 120),
    st.integers(0, 60),
    st.integers(0, 200),
    st.integers(1, 3),
)
def test_panes_fill_the_screen_and_never_more(
    width: int, height: int, backends: int, models: int, focus: int
) -> None:
    got = plan(width, height, backends, models, focus)
    gap = 1 if got.spacers else 0
    lower = max(got.models, got.routing) if got.side_by_side else got.models + got.routing
    gaps = gap if got.side_by_side else 2 * gap
    margin = 2 if got.tiles > 1 else 0
    assert 3 + got.tiles + margin + got.backends + lower + gaps == height
    assert got.backends >= HEAD + 1
    assert got.models >= 1
    assert got.routing >= 1


def test_a_small_screen_opens_the_pane_that_has_the_focus() -> None:
    assert plan(80, 24, 6, 8, 1).models == 1
    assert plan(80, 24, 6, 8, 2).routing == 1
    assert plan(80, 24, 6, 8, 2).models >= HEAD + 3
    assert plan(80, 24, 6, 8, 3).routing >= HEAD + 3


def test_a_large_screen_shows_every_backend_of_a_small_fleet() -> None:
    assert plan(120, 36, 6, 8, 1).backends == HEAD + 6
