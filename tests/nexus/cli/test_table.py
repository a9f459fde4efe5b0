from hypothesis import given
from hypothesis import strategies as st

from nexus.cli.table import Column, render, wrap
from nexus.domain.text import clean, width

COLUMNS = (Column("Name"), Column("Models", right=True), Column("Reason"))


def test_numbers_stand_on_the_right_and_lines_have_no_trailing_blanks() -> None:
    text = render(COLUMNS, [("a", "7", ""), ("bb", "1200", "slow")])
    assert text.splitlines() == [
        "Name  Models  Reason",
        "a          7",
        "bb      1200  slow",
    ]


def test_a_narrow_terminal_wraps_the_widest_column() -> None:
    text = render(COLUMNS, [("gpu-1", "1", "connection refused by peer")], 32)
    assert text.splitlines() == [
        "Name   Models  Reason",
        "gpu-1       1  connection",
        "               refused by peer",
    ]


def test_short_columns_give_room_last() -> None:
    columns = (Column("Model"), Column("Context", short=True))
    assert render(columns, [("llama3.3:70b-instruct", "32768")], 20).splitlines() == [
        "Model        Context",
        "llama3.3:    32768",
        "70b-",
        "instruct",
    ]


def test_a_cell_is_cut_at_blanks_before_punctuation_before_anywhere() -> None:
    assert wrap("gpu-box, studio-mac", 18) == ["gpu-box,", "studio-mac"]
    assert wrap("http://127.0.0.1:34007", 20) == ["http://127.0.0.1:", "34007"]
    assert wrap("abcdefgh", 3) == ["abc", "def", "gh"]


def test_a_pipe_gets_whole_lines() -> None:
    assert len(render(COLUMNS, [("a" * 300, "1", "b" * 300)]).splitlines()) == 2


def test_colour_does_not_move_columns() -> None:
    columns = (Column("S", paint=lambda text: f"\x1b[32m{text}\x1b[0m"), Column("T"))
    assert render(columns, [("ok", "x")]).splitlines() == ["S   T", "\x1b[32mok\x1b[0m  x"]


@given(
    st.lists(st.tuples(*[st.text(max_size=40).map(clean)] * 3), max_size=5),
    st.integers(22, 120),
)
def test_no_line_is_wider_than_the_terminal(rows: list[tuple[str, ...]], wide: int) -> None:
    assert all(width(line) <= wide for line in render(COLUMNS, rows, wide).splitlines())


@given(st.text(max_size=60).map(clean), st.integers(2, 20))
def test_wrapping_loses_nothing_but_blanks(cell: str, size: int) -> None:
    pieces = wrap(cell, size)
    assert "".join(pieces).replace(" ", "") == cell.replace(" ", "")
    assert all(width(piece) <= size for piece in pieces)
