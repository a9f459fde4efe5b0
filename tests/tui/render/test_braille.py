"""Charts of dots: exact in size, lines where values are, gaps where they are not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.render.braille import Series, chart, top_of
from tui.render.cells import Line, Role
from tui.render.numbers import millis, rate

values = st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=300)


def text(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]


def dots(lines: list[str]) -> str:
    return "".join(char for line in lines for char in line if "\u2800" < char <= "\u28ff")


@given(values, values, st.integers(20, 200), st.integers(2, 40))
def test_a_chart_is_as_large_as_it_was_asked_to_be(
    one: list[float | None], two: list[float | None], width: int, height: int
) -> None:
    series = (Series("p95", one, Role.WARN), Series("p50", two, Role.OK))
    lines = text(chart(series, width, height, millis, ("-5m", "now")))
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)


@given(values)
def test_no_value_lies_above_the_scale(found: list[float | None]) -> None:
    top = top_of(found)
    assert all(value <= top * 1.0011 for value in found if value is not None)


def test_a_chart_without_room_is_nothing() -> None:
    assert chart((Series("all", (1.0,), Role.INFO),), 10, 5, rate, ("", "")) == ()


def test_a_steady_line_is_flat_and_a_rise_goes_up() -> None:
    flat = text(chart((Series("all", (8.0,) * 50, Role.INFO),), 40, 6, rate, ("", "")))
    assert "⠉" in flat[0] or "⠒" in flat[0] or "⡀" not in flat[4]
    assert not dots(flat[1:])
    rising = text(chart((Series("all", (0.0, 8.0), Role.INFO),), 40, 6, rate, ("", "")))
    assert dots(rising[0:1])
    assert dots(rising[4:5])
    assert rising[0].index(dots(rising[0:1])[0]) > rising[4].index(dots(rising[4:5])[0])


def test_what_is_not_known_leaves_a_gap() -> None:
    whole = text(chart((Series("all", (8.0,) * 9, Role.INFO),), 40, 3, rate, ("", "")))
    gap = (8.0,) * 3 + (None,) * 3 + (8.0,) * 3
    broken = text(chart((Series("all", gap, Role.INFO),), 40, 3, rate, ("", "")))
    assert len(dots(broken)) < len(dots(whole)) - 4


def test_a_line_may_cross_a_short_gap_but_not_a_long_one() -> None:
    def lit(gap: int) -> int:
        values = (*(8.0,) * 5, *(None,) * gap, *(8.0,) * 5)
        return len(dots(text(chart((Series("p", values, Role.OK, 2),), 60, 3, rate, ("", "")))))

    assert lit(2) == lit(0)
    assert lit(3) < lit(0)


def test_one_value_alone_is_one_dot() -> None:
    lone = text(chart((Series("all", (None, 4.0, None), Role.INFO),), 40, 3, rate, ("", "")))
    assert len(dots(lone)) == 1


def test_each_line_bears_its_name_the_higher_one_above() -> None:
    series = (
        Series("p50", (1.0, 1.0), Role.OK),
        Series("p99", (8.0, 8.0), Role.BAD),
        Series("p95", (7.9, 7.9), Role.WARN),
    )
    lines = text(chart(series, 60, 7, millis, ("-5m", "now")))
    named = [
        next(i for i, line in enumerate(lines) if name in line) for name in ("p99", "p95", "p50")
    ]
    assert named == sorted(named)
    assert len(set(named)) == 3


def test_the_scale_names_its_top_and_the_axis_its_times() -> None:
    lines = text(chart((Series("p95", (380.0, 120.0), Role.WARN),), 60, 7, millis, ("-5m", "now")))
    assert lines[0].startswith(" 400ms┤")
    assert lines[-1].startswith("   0ms└-5m")
    assert lines[-1].rstrip().endswith("now")
