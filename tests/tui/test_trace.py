"""Fifteen minutes in steps: bounded, honest about what was not seen, right to a few percent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.trace import KEPT_S, STEP_S, Trace, rates_of, times_of


def filled(*ends: tuple[float, float], error: bool = False) -> Trace:
    """A trace of requests that ended at a time after so many milliseconds."""
    trace = Trace()
    for at, ms in ends:
        trace = trace.add(at, error=error, took_ms=None if error else ms)
    return trace


@given(st.lists(st.floats(1, 500_000), min_size=1, max_size=60))
def test_a_percentile_is_within_a_tenth_of_the_true_one(times: list[float]) -> None:
    trace = filled(*((1000.0, ms) for ms in times))
    (found,) = times_of(trace, 1000.0 + STEP_S, STEP_S, 50)
    true = sorted(times)[-(-len(times) * 50 // 100) - 1]
    assert found is not None
    assert true * 0.9 <= found <= true * 1.1


@given(st.lists(st.floats(0, 100_000), max_size=200))
def test_no_trace_grows_beyond_its_time(ends: list[float]) -> None:
    trace = filled(*((at, 5.0) for at in sorted(ends)))
    assert len(trace.closed) <= KEPT_S // STEP_S
    assert all(a.number < b.number for a, b in zip(trace.closed, trace.closed[1:], strict=False))


def test_a_quiet_step_between_two_busy_ones_is_zero_and_before_the_first_nothing_is_known() -> None:
    trace = filled((1000.0, 5.0), (1000.0, 5.0), (1010.0, 5.0))
    requests, errors = rates_of(trace, 1015.0, 30)
    assert requests == (None, None, None, 2 / STEP_S, 0.0, 1 / STEP_S)
    assert errors[3:] == (0.0, 0.0, 0.0)
    assert times_of(trace, 1015.0, 15, 95)[1] is None


def test_failures_count_and_leave_the_times_alone() -> None:
    trace = filled((1000.0, 0.0), error=True).add(1001.0, error=False, took_ms=100.0)
    requests, errors = rates_of(trace, 1005.0, STEP_S)
    assert (requests, errors) == ((2 / STEP_S,), (1 / STEP_S,))
    (middle,) = times_of(trace, 1005.0, STEP_S, 50)
    assert middle is not None
    assert 90 < middle < 110


def test_a_late_end_counts_in_the_newest_step() -> None:
    trace = filled((1000.0, 5.0), (990.0, 5.0))
    assert trace.open.requests == 2
    assert trace.closed == ()


def test_the_mark_changes_exactly_when_a_whole_step_does() -> None:
    trace = filled((1000.0, 5.0))
    same = trace.add(1004.0, error=False, took_ms=5.0)
    assert same.mark(1004.9) == trace.mark(1003.0)
    assert same.mark(1005.0) != trace.mark(1004.9)
    late = same.add(1004.5, error=True)
    assert late.mark(1006.0) != same.mark(1006.0)


def test_a_gap_is_not_known_and_not_zero() -> None:
    trace = filled((100.0, 5.0), (131.0, 5.0))
    requests, _ = rates_of(trace, 140.0, 50, [(110.0, 124.0)])
    assert requests == (None, None, 0.2, 0.0, None, None, None, 0.0, 0.2, 0.0)
