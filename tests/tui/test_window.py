"""Rolling windows: bounded, and honest about what they do not know."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished
from tui.window import ERRORS, SLOTS, Window, history, latency, rates


def done(at: float, ms: float = 100.0, status: int = 200, tokens: int = 10) -> RequestFinished:
    return RequestFinished(
        "r", at, "m", "m", BackendId("a"), "a", BackendType.VLLM, RouteReason.CAPABILITY_MATCH,
        "only_healthy_backend", True, status, ttft_ms=ms / 2, duration_ms=ms,
        completion_tokens=tokens,
    )  # fmt: skip


def window(*events: RequestFinished) -> Window:
    result = Window()
    for event in events:
        result = result.add(event)
    return result


@given(st.lists(st.floats(0, 10_000), min_size=1, max_size=400))
def test_a_window_stays_small_and_counts_what_it_keeps(times: list[float]) -> None:
    filled = window(*(done(at, status=500 if at > 5000 else 200) for at in sorted(times)))
    assert len(filled.slots) <= SLOTS
    assert len(filled.samples) <= filled.keep
    assert len(filled.errors) <= ERRORS
    numbers = [slot.number for slot in filled.slots]
    assert numbers == sorted(set(numbers))


@given(st.lists(st.floats(1, 60_000), min_size=1, max_size=128))
def test_percentiles_are_values_that_happened_in_order(durations: list[float]) -> None:
    found = latency(window(*(done(1.0, ms) for ms in durations)), 2.0)
    assert found.p50 in durations
    assert found.p50 is not None
    assert found.p95 is not None
    assert found.p50 <= found.p95 <= max(durations)
    assert found.p50 == statistics.median_low(durations)


def test_a_steady_stream_has_its_true_rate() -> None:
    stream = [done(100 + number * 0.1) for number in range(400)]
    found = rates(window(*stream), 140.0)
    assert 9.0 <= found.requests_per_s <= 11.0
    assert 90 <= found.tokens_per_s <= 110


def test_a_rate_falls_to_zero_when_nothing_comes() -> None:
    assert rates(window(done(100.0)), 130.0).requests_per_s == 0


def test_a_young_process_is_not_averaged_over_time_it_did_not_live() -> None:
    stream = [done(1000 + number * 0.1) for number in range(30)]
    assert rates(window(*stream), 1003.0, since=1000.0).requests_per_s == 10.0


def test_nothing_finished_is_unknown_and_not_zero() -> None:
    assert rates(Window(), 5.0).error_percent is None
    assert latency(Window(), 5.0).p95 is None


def test_old_samples_stop_counting_as_latency() -> None:
    assert latency(window(done(100.0)), 100.0 + 301).p50 is None


def test_failures_and_clients_that_left_do_not_make_latency_look_good() -> None:
    found = latency(window(done(1.0, 5.0, 502), done(1.0, 5.0, 499), done(1.0, 900.0)), 2.0)
    assert found.p50 == 900.0


def test_a_client_that_left_is_no_error() -> None:
    assert rates(window(done(1.0, status=499)), 2.0).errors == 0


def test_history_counts_complete_slots_up_to_now() -> None:
    filled = window(done(100.0), done(100.5), done(104.0))
    assert history(filled, 106.0, 4) == (0, 2, 0, 1)
    assert history(filled, 500.0, 4) == (0, 0, 0, 0)


def test_history_knows_what_was_not_seen_from_what_did_not_happen() -> None:
    filled = window(done(101.0), done(105.0))
    assert history(filled, 110.0, 6, [(0.0, 100.0)]) == (None, 1, 0, 1, 0, 0)
    assert history(filled, 110.0, 6, [(100.0, 104.5)]) == (0, 1, None, 1, 0, 0)
    assert history(filled, 110.0, 6, [(104.0, 500.0)]) == (0, 1, 0, 1, None, None)


def test_an_event_that_comes_late_is_not_lost() -> None:
    assert rates(window(done(110.0), done(100.0)), 111.0).requests == 2
