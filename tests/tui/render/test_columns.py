"""Columns fit every width, and the important ones stay longest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.render import backends, routing
from tui.render.columns import Column, fit_columns


@given(st.integers(40, 400), st.integers(1, 2))
def test_no_width_is_exceeded_and_growth_stops_at_the_widest(width: int, gap: int) -> None:
    for columns in (backends.COLUMNS, routing.COLUMNS):
        fitted = fit_columns(columns, width, gap)
        used = sum(f.width + (f.column.space(gap) if n else 0) for n, f in enumerate(fitted))
        assert used <= width
        for one in fitted:
            assert one.column.width <= one.width <= max(one.column.width, one.column.widest)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_a_wider_table_never_shows_less(width: int) -> None:
    shown = {f.column.title for f in fit_columns(backends.COLUMNS, width, 1)}
    wider = {f.column.title for f in fit_columns(backends.COLUMNS, width + 10, 1)}
    assert shown <= wider


def test_eighty_columns_show_status_name_load_latency_and_the_sparkline() -> None:
    shown = {f.column.title for f in fit_columns(backends.COLUMNS, 77, 1)}
    assert shown >= {"STATUS", "BACKEND", "INFL", "REQ/S", "ERR%", "P50", "P95", "TOK/S", "TRAFFIC"}


def test_what_may_never_leave_stays_even_when_it_does_not_fit() -> None:
    fitted = fit_columns((Column("A", 10), Column("B", 10, drop=1)), 5, 1)
    assert [f.column.title for f in fitted] == ["A"]
