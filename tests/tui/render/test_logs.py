"""The log as rows: what is left out, found, said to be missed."""

from __future__ import annotations

from nexus.domain.logline import LogLevel, LogLine
from tui.render.logs import LINES, LOOK, LinesView, detail_lines, has, summary

AT = 1_800_000_000.25


def some(seq: int, **fields: str | int | None) -> LogLine:
    return LogLine(seq, AT, list(LogLevel)[seq % 5], "health", f"line {seq}", fields)


def view(*numbers: int) -> LinesView:
    made = LinesView()
    made.add(some(number) for number in numbers)
    made.update(0)
    return made


def test_lines_are_taken_once_and_in_order() -> None:
    lines = view(1, 2, 3)
    lines.add([some(2), some(3), some(4)])
    lines.update(0)
    assert list(lines.keys) == [1, 2, 3, 4]
    assert lines.missed == 0


def test_a_jump_is_a_row_of_its_own_even_where_its_neighbours_are_left_out() -> None:
    lines = view(5, 9)
    assert list(lines.keys) == [5, 8.5, 9]
    assert "3 lines missed" in lines.cells(8.5)[3].text
    assert lines.line(8.5) is None
    lines.least = LogLevel.ERROR  # 9 is one, 5 is not
    lines.update(0)
    assert list(lines.keys) == [8.5, 9]


def test_a_gateway_that_starts_again_counts_from_one_and_nothing_is_lost() -> None:
    lines = view(1, 2, 3)
    lines.start_again()
    lines.add([some(1), some(2)])
    lines.update(0)
    found = [lines.line(key) for key in lines.keys]
    assert [each.seq if each else None for each in found] == [1, 2, 3, None, 1, 2]
    assert "started again" in lines.cells(lines.keys[3])[3].text
    assert list(lines.keys) == sorted(lines.keys)
    assert lines.missed == 0
    lines.start_again()
    lines.add([some(4)])
    lines.update(0)
    assert lines.missed == 3


def test_old_lines_make_room() -> None:
    lines = LinesView()
    lines.add(some(number) for number in range(1, LINES + 101))
    lines.update(0)
    assert lines.total == LINES
    assert lines.missed == 0
    assert lines.keys[0] == 101


def test_search_goes_both_ways_round_the_end() -> None:
    lines = view(*range(1, 31))
    lines.words = "line 2"
    assert lines.find(None, -1) == 29
    assert lines.find(29, 1) == 2
    assert lines.find(2, -1) == 29
    assert lines.find(20, 1) == 21
    lines.words = "zebra"
    assert lines.find(4, 1) is None


def test_words_are_looked_for_in_fields_too() -> None:
    line = some(1, backend="gpu-01", status=503)
    assert has(line, "GPU-01 503")
    assert not has(line, "!gpu")
    assert has(line, "!zebra")


def test_every_level_has_its_mark() -> None:
    assert set(LOOK) == set(LogLevel)
    assert len({mark for mark, _ in LOOK.values()}) == len(LOOK)


def test_a_request_is_named_before_its_fields() -> None:
    line = some(1, backend="b", request_id="r1", model="m", status_code=200, ttft_ms=3)
    assert summary(line) == "line 1  r1  m → b  200  ttft_ms=3"


def test_where_room_is_short_a_request_begins_with_what_came_of_it() -> None:
    line = some(1, backend="b", request_id="r1", model="m", status_code=200, stream=True,
                latency_ms=1109)  # fmt: skip
    assert summary(line, narrow=True) == "line 1  m → b  200  1.1s  stream=True  id=r1"


def test_a_long_traceback_is_folded_to_its_end() -> None:
    line = some(4, exception="\n".join(f"at {n}" for n in range(20)), why=None)
    folded = ["".join(c.text for c in each) for each in detail_lines(line, 0, unfolded=False)]
    assert "  … 17 lines folded: space unfolds" in folded
    assert "  at 19" in folded
    assert "  at 0" not in folded
    assert "08:00:00.250" in folded[0]
    whole = ["".join(c.text for c in each) for each in detail_lines(line, 0, unfolded=True)]
    assert "  at 0" in whole
