"""What a window says is what was, by enough requests, and then nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Recent
from nexus.registry.window import BUCKET_S, ENOUGH, LONG, SHORT, Window


def asked(window: Window, at: float, count: int, first_ms: float = 100.0) -> Recent | None:
    for _ in range(count):
        window.add(at, first_ms, 50.0, False)
    return window.recent(at)


def test_too_few_requests_say_nothing() -> None:
    window = Window(0.0)

    assert asked(window, 0.0, ENOUGH - 1) is None
    assert asked(window, 0.0, 1) == Recent(60, ENOUGH, 0, 100.0, 50.0)


def test_the_last_minute_speaks_while_it_has_enough_and_then_the_last_five() -> None:
    window = Window(0.0)
    asked(window, 0.0, 10, 900.0)

    assert asked(window, 70.0, 4, 100.0) == Recent(300, 14, 0, 9400 / 14, 50.0)
    assert asked(window, 75.0, 1, 100.0) == Recent(60, 5, 0, 100.0, 50.0)
    assert window.recent(299.0) == Recent(300, 15, 0, 9500 / 15, 50.0)
    assert window.recent(70.0 + LONG * BUCKET_S) is None


def test_failures_are_a_share_and_tell_of_no_speed() -> None:
    window = Window(0.0)
    for number in range(8):
        window.add(0.0, 100.0, 50.0, failed=number % 4 == 0)

    assert window.recent(0.0) == Recent(60, 8, 25, 100.0, 50.0)


def test_a_speed_is_by_the_time_of_a_token_so_that_an_odd_one_counts_little() -> None:
    window = Window(0.0)
    for pace in (10.0, 10.0, 10.0, 10.0, 1_000_000.0):
        window.add(0.0, None, pace, False)

    told = window.recent(0.0)
    assert told is not None
    assert told.ttft_ms is None
    assert told.tokens_per_s == pytest.approx(12.5, rel=1e-4)


def test_a_clock_that_is_set_back_begins_anew() -> None:
    window = Window(10_000.0)
    asked(window, 10_000.0, 9, 900.0)

    assert window.recent(100.0) is None
    assert asked(window, 100.0, 5, 100.0) == Recent(60, 5, 0, 100.0, 50.0)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(1, 900), st.booleans()), max_size=60))
def test_a_window_is_the_requests_of_its_time(steps: list[tuple[int, int, bool]]) -> None:
    window, done, at = Window(0.0), list[tuple[int, int, bool]](), 0
    for wait_s, first_ms, failed in steps:
        at += wait_s
        window.add(at, None if failed else first_ms, None, failed)
        done.append((at // BUCKET_S, first_ms, failed))
        told = window.recent(at)
        expected = None
        for buckets in (SHORT, LONG):
            those = [each for each in done if each[0] > at // BUCKET_S - buckets]
            if len(those) >= ENOUGH:
                firsts = [first for _, first, bad in those if not bad]
                expected = Recent(
                    buckets * BUCKET_S,
                    len(those),
                    round(100 * (len(those) - len(firsts)) / len(those)),
                    pytest.approx(sum(firsts) / len(firsts)) if len(firsts) >= ENOUGH else None,  # type: ignore[arg-type]
                )
                break
        assert told == expected
