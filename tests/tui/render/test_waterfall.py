"""Attempts stand where they were in time, at any width."""

from __future__ import annotations

import pytest

from tui.clean import width
from tui.render.waterfall import Attempt, ticks, waterfall

FAILED = Attempt("gpu-02", 0.0, 200.0, None, "connection refused", failed=True)
SERVED = Attempt("gpu-01", 200.0, 1000.0, 600.0, "answered 200", failed=False)
RUNS = Attempt("gpu-01", 0.0, None, None, "under way", failed=False)


def texts(*attempts: Attempt, until: float = 1000.0, columns: int = 100) -> list[str]:
    return ["".join(cell.text for cell in each) for each in waterfall(attempts, until, columns)]


def test_waiting_answering_and_failing_take_their_share_of_the_axis() -> None:
    head, first, second = texts(FAILED, SERVED)
    assert head.split()[0] == "0ms"
    assert head.split()[-1] == "1.0s"
    assert first.count("░") + 1 == pytest.approx(second.count("░") / 2, abs=1)
    assert second.count("█") == pytest.approx(second.count("░"), abs=1)
    assert "✖" in first
    assert "200ms connection refused" in first
    # The second begins where the first one ends.
    assert second.index("░") == first.index("✖") + 1


def test_what_goes_on_reaches_the_end() -> None:
    _, row = texts(RUNS)
    assert row.count("░") > 40
    assert "▶" in row


@pytest.mark.parametrize("columns", [0, 10, 30, 40, 80, 120, 300])
@pytest.mark.parametrize("until", [0.0, 0.4, 1000.0, 1e9])
def test_no_row_is_wider_than_it_may_be(columns: int, until: float) -> None:
    odd = Attempt("n" * 500, 5000.0, 4000.0, 9e9, "x\x1b[2J" * 50, failed=False)
    rows = texts(FAILED, SERVED, RUNS, odd, until=until, columns=columns)
    assert len(rows) in (4, 5)
    if len(rows) == 5:
        assert all(width(row) <= columns for row in rows)


def test_labels_of_the_axis_stay_inside() -> None:
    for columns in range(8, 130):
        assert len(ticks(1234.0, columns)) == columns
        assert ticks(1234.0, columns).rstrip().endswith("1.2s")
