"""Numbers: short, steady in width, and never a guess."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.render import numbers


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "-"), (0.4, "0ms"), (412.3, "412ms"), (999.4, "999ms"), (999.6, "1.0s"),
        (2140, "2.1s"), (9949, "9.9s"), (9951, "10s"), (45_000, "45s"), (200_000, "3m20"),
    ],
)  # fmt: skip
def test_milliseconds_carry_their_unit(ms: float | None, text: str) -> None:
    assert numbers.millis(ms) == text


@given(st.floats(0, 1e7))
def test_every_duration_and_rate_fits_its_column(value: float) -> None:
    assert len(numbers.millis(value)) <= 6
    assert len(numbers.rate(value)) <= 6
    assert len(numbers.count(int(value))) <= 6


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (None, "-"), (512, "512"), (4096, "4k"), (8192, "8k"), (32768, "32k"), (40_960, "40k"),
        (128_000, "128k"), (131_072, "128k"), (200_000, "200k"), (1_048_576, "1M"),
        (1_000_000, "1M"),
    ],
)  # fmt: skip
def test_context_lengths_read_as_they_are_spoken(tokens: int | None, text: str) -> None:
    assert numbers.context(tokens) == text


def test_spans_and_clocks() -> None:
    assert [numbers.span(s) for s in (None, 0, 59, 61, 7500, 273_600)] == [
        "-", "0s", "59s", "1m", "2h05", "3d04h",
    ]  # fmt: skip
    assert numbers.uptime(753) == "00:12:33"
    assert numbers.uptime(90_000) == "1d 01:00:00"
    assert numbers.clock(3600 * 14 + 20 * 60 + 31, 0) == "14:20:31"
    assert numbers.clock(0, -3600) == "23:00:00"


def test_plurals() -> None:
    assert numbers.plural(1, "address") == "1 address"
    assert numbers.plural(2, "address") == "2 addresses"
    assert numbers.plural(0, "request") == "0 requests"
