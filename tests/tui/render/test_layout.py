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
    st.integers(0, 9),
    st.sampled_from([None, True, False]),
)
def test_panes_fill_the_screen_and_never_more(
    width: int,
    height: int,
    backends: int,
    models: int,
    focus: int,
    notes: int,
    charts: bool | None,
) -> None:
    got = plan(width, height, backends, models, focus, notes=notes, charts=charts)
    gap = 1 if got.spacers else 0
    lower = max(got.models, got.routing) if got.side_by_side else got.models + got.routing
    gaps = gap if got.side_by_side else 2 * gap
    margin = 2 if got.spacers else 0
    above = got.tiles + margin + got.attention + gap
    if got.charts:
        above += got.charts + gap
    assert 3 + above + got.backends + lower + gaps == height
    assert got.backends >= HEAD + 1
    assert got.models >= 1
    assert got.routing >= 1


def test_a_small_screen_opens_the_pane_that_has_the_focus() -> None:
    assert plan(80, 24, 6, 8, 1).models == 1
    assert plan(80, 24, 6, 8, 2).routing == 1
    assert plan(80, 24, 6, 8, 2).models >= HEAD + 3
    assert plan(80, 24, 6, 8, 3).routing >= HEAD + 3


def test_charts_show_where_there_is_room_and_where_they_were_asked_for() -> None:
    assert plan(80, 24, 6, 8, 1).charts == 0
    assert plan(80, 24, 6, 8, 1, charts=True).charts >= 6
    assert plan(120, 36, 6, 8, 1).charts >= 6
    assert plan(120, 36, 6, 8, 1, charts=False).charts == 0
    assert plan(60, 14, 6, 8, 1, charts=True).charts == 0


def test_a_tall_screen_does_not_move_when_the_first_trouble_comes() -> None:
    assert plan(120, 36, 6, 8, 1, notes=0) == plan(120, 36, 6, 8, 1, notes=1)
    assert plan(80, 24, 6, 8, 1, notes=0).attention == 0
    assert plan(80, 24, 6, 8, 1, notes=5).attention == 1


def test_a_usual_screen_shows_charts_and_the_matrix_and_the_log() -> None:
    got = plan(120, 36, 6, 8, 1)
    assert min(got.models, got.routing) >= HEAD + 4


def test_a_large_screen_shows_every_backend_of_a_small_fleet() -> None:
    assert plan(120, 36, 6, 8, 1).backends == HEAD + 6
