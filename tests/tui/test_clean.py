"""The sanitiser: nothing that moves a cursor, turns text round or hides gets through."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.clean import LIMIT, clean, fit, width

BIDI = {
    "\u061c",
    "\u200e",
    "\u200f",
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
}
anything = st.text(st.characters(), max_size=80)
nasty = st.text(st.sampled_from("\x1b\x9b\x07\x00\x7f\x85\u202e\u2066\u200b\u0301\ufe0f[]a]0;m漢"))


@given(st.one_of(anything, nasty))
def test_no_control_bidi_or_invisible_character_survives(text: str) -> None:
    result = clean(text)
    for char in result:
        assert unicodedata.category(char) not in {"Cc", "Cs", "Cn", "Mn", "Me", "Zl", "Zp"}
        assert char not in BIDI
        assert char not in "\u200b\u200c\u200d\u2060\ufeff\u00ad"
    result.encode("utf-8")


@given(st.one_of(anything, nasty))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.one_of(anything, nasty), st.integers(0, 60), st.booleans())
def test_a_fitted_text_takes_exactly_its_columns(text: str, columns: int, right: bool) -> None:
    assert cell_len(fit(text, columns, right=right)) == columns


@given(st.one_of(anything, nasty))
def test_width_is_what_rich_paints(text: str) -> None:
    assert width(clean(text)) == cell_len(clean(text))


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("gpu-01", "gpu-01"),
        ("a\nb\tc", "a b c"),
        ("x\x1b]0;owned\x07y", "x�]0;owned�y"),
        ("x\x9b31my", "x�31my"),
        ("ab\u202ecd", "ab�cd"),
        ("gpu\u200b-01", "gpu�-01"),
        ("Zu\u0308rich", "Zürich"),
        ("z\u0300\u0301\u0302\u0303a", "za"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469�\U0001f4bb"),
        ("\U0001f1e9\U0001f1ea", "�"),
        ("[/b][@click=app.quit]x", "[/b][@click=app.quit]x"),
        ("\ud800", "�"),
    ],
)
def test_known_tricks_become_visible_text(raw: str, safe: str) -> None:
    assert clean(raw) == safe


def test_names_that_differ_in_an_invisible_character_do_not_look_alike() -> None:
    assert clean("gpu-01") != clean("gpu-01\u200b")


def test_an_absurd_length_is_cut_cheaply() -> None:
    assert len(clean("x" * 10_000_000)) == LIMIT
    assert clean("é" * 1_000_000).endswith("…")


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    assert fit("mac-studio", 6) == "mac-s…"
    assert fit("漢字漢字", 5) == "漢字…"
    assert fit("7", 3, right=True) == "  7"
