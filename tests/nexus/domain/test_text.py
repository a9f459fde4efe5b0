import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.text import LIMIT, clean, width


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("llama3:8b", "llama3:8b"),
        ("\x1b[31mred\x1b[0m", "�[31mred�[0m"),
        ("\x9b31mred", "�31mred"),
        ("a\nb\tc\u2028d", "a b c d"),
        ("gpu\u202e1-upg", "gpu�1-upg"),
        ("zero\u200b\u200b\u200bwidth", "zero�width"),
        ("cafe\u0301", "café"),
        ("z\u0300\u0301\u0302a", "za"),
        ("\ud800lone", "�lone"),
        ("模型", "模型"),
    ],
)
def test_hostile_text_becomes_one_harmless_line(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert clean("x" * 10_000) == "x" * (LIMIT - 1) + "…"
    assert clean("\x1b\x1b" * 10_000, 5) == "�"


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_nothing_that_acts_on_a_terminal_survives(text: str) -> None:
    shown = clean(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    shown.encode("utf-8")
    assert clean(shown) == shown


def test_wide_letters_take_two_columns() -> None:
    assert width("模型 a") == 6
