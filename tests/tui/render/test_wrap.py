"""Folded lines lose no word and stay inside their width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.clean import width
from tui.render.cells import Cell, Role
from tui.render.wrap import wrap

words = st.lists(st.text("abcé漢", min_size=1, max_size=9), min_size=1, max_size=30)


@given(words, st.integers(30, 90))
def test_no_word_is_lost_and_no_line_is_too_long(texts: list[str], columns: int) -> None:
    line = (Cell("label".ljust(13), Role.DIM), Cell(" ".join(texts)))
    folded = wrap(line, columns, 13)
    assert " ".join(texts).split() == [
        word
        for number, pieces in enumerate(folded)
        for word in "".join(cell.text for cell in pieces).split()[number == 0 :]
    ]
    assert all(sum(width(cell.text) for cell in pieces) <= columns for pieces in folded)
    assert all(pieces[0].text == " " * 13 for pieces in folded[1:])


def test_a_line_that_fits_is_left_alone() -> None:
    line = (Cell("a "), Cell("b", Role.OK))
    assert wrap(line, 40, 13) == (line,)
