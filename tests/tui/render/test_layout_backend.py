"""The page about one backend is shared out exactly, at every size and focus."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.render.layout import FRAME, HEAD, SMALLEST
from tui.render.layout_backend import PANES, SUMMARY, WIDE, plan_backend


@given(
    st.integers(SMALLEST[0], 400),
    st.integers(SMALLEST[1], 120),
    st.lists(st.integers(0, 60), min_size=4, max_size=4),
    st.sampled_from([*PANES, "pick", ""]),
)
def test_panes_fill_the_page_and_never_more(
    width: int, height: int, rows: list[int], focus: str
) -> None:
    got = plan_backend(width, height, dict(zip(PANES, rows, strict=True)), focus)
    room = height - FRAME - SUMMARY
    assert all(lines >= 1 for lines in got.tables.values())
    if width >= WIDE:
        assert got.charts + got.tables["models"] == room
        assert sum(got.tables[name] for name in PANES[1:]) == room
    else:
        assert got.charts + sum(got.tables.values()) == room
    assert got.charts >= 0
    assert got.list_width + got.left_width < width


@given(st.sampled_from(PANES), st.integers(1, 40))
def test_a_small_page_opens_the_table_that_has_the_focus(focus: str, rows: int) -> None:
    got = plan_backend(80, 24, dict.fromkeys(PANES, rows), focus)
    assert got.tables[focus] >= HEAD + 1


def test_a_small_page_shows_charts_and_titles_while_the_list_has_the_focus() -> None:
    got = plan_backend(80, 24, dict.fromkeys(PANES, 5), "pick")
    assert got.charts >= 9
    assert set(got.tables.values()) == {1}


def test_a_large_page_opens_everything() -> None:
    got = plan_backend(160, 50, dict.fromkeys(PANES, 5), "pick")
    assert all(lines >= HEAD + 5 for lines in got.tables.values())
    assert got.charts >= 12
