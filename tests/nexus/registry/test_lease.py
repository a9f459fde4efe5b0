"""Counted in once, counted out once."""

from __future__ import annotations

from itertools import count

import pytest

from nexus.domain.backend import BackendId, Load, Recent, Speed
from nexus.registry.lease import Lease
from nexus.registry.record import MOST_SPEEDS, LiveLoad

ID = BackendId("a")


def lease(load: LiveLoad, told: list[Load] | None = None) -> Lease:
    told = [] if told is None else told
    return Lease(ID, load, lambda _, live: told.append(live.seen()))


def test_a_lease_counts_once_however_often_it_is_finished() -> None:
    load = LiveLoad()
    held = lease(load)
    held.finish()
    held.finish(failed=True, ttft_ms=5.0)

    assert load.seen() == Load(pending=0, total=1)


def test_the_first_word_about_a_request_stands() -> None:
    load = LiveLoad()
    held = lease(load)
    held.finish(failed=True)
    held.finish()

    assert load.errors == 1


def test_both_ends_of_a_request_are_told() -> None:
    told: list[Load] = []
    lease(LiveLoad(), told).finish()

    assert [(each.pending, each.total) for each in told] == [(1, 0), (0, 1)]


def test_the_first_sample_is_the_average_and_the_next_weigh_a_fifth() -> None:
    load = LiveLoad()
    lease(load).finish(ttft_ms=100.0, tokens_per_s=10.0)
    first = (load.latency_ms, load.tokens_per_s)
    lease(load).finish(ttft_ms=200.0, tokens_per_s=20.0)

    assert first == (100.0, 10.0)
    assert (load.latency_ms, load.tokens_per_s) == pytest.approx((120.0, 12.0))


def test_a_request_without_a_first_byte_leaves_the_averages_alone() -> None:
    load = LiveLoad()
    lease(load).finish(ttft_ms=100.0)
    lease(load).finish(failed=True)

    assert load.latency_ms == 100.0
    assert load.tokens_per_s is None


def test_each_model_has_a_speed_of_its_own() -> None:
    load = LiveLoad()
    lease(load).finish(ttft_ms=100.0, tokens_per_s=10.0, model="big")
    before = load.seen()
    lease(load).finish(ttft_ms=200.0, tokens_per_s=20.0, model="big")
    lease(load).finish(ttft_ms=5.0, model="small")
    lease(load).finish(failed=True, model="small")

    assert before.speeds == {"big": Speed(100.0, 10.0, 1)}  # a value stays what it was
    assert load.seen().speeds == {"big": Speed(120.0, 12.0, 2), "small": Speed(5.0, None, 1)}


def test_the_first_byte_of_an_answer_in_one_piece_says_nothing_of_the_model() -> None:
    load = LiveLoad()
    lease(load).finish(ttft_ms=900.0, tokens_per_s=10.0, model="big", streamed=False)

    assert load.latency_ms == 900.0
    assert load.seen().speeds == {"big": Speed(None, 10.0, 1)}


def test_the_speeds_of_the_models_measured_last_are_kept() -> None:
    load = LiveLoad()
    for number in [*range(MOST_SPEEDS), 0, MOST_SPEEDS]:
        lease(load).finish(ttft_ms=1.0, model=f"m{number}")

    speeds = load.seen().speeds
    assert speeds is not None
    assert len(speeds) == MOST_SPEEDS
    assert "m0" in speeds
    assert "m1" not in speeds


def test_enough_requests_make_a_window_and_failures_a_share_of_it() -> None:
    seconds = count()
    load = LiveLoad(lambda: float(next(seconds)))
    for _ in range(8):
        lease(load).finish(ttft_ms=100.0, tokens_per_s=20.0, model="big")
    for _ in range(2):
        lease(load).finish(failed=True, ttft_ms=9000.0, model="big")
    speeds = load.seen().speeds

    assert speeds == {"big": Speed(100.0, 20.0, 8, Recent(60, 10, 20, 100.0, 20.0))}


def test_what_nobody_asks_for_grows_old_by_the_minute_and_not_for_ever() -> None:
    now = [0.0]
    load = LiveLoad(lambda: now[0])
    for now[0] in range(6):
        lease(load).finish(ttft_ms=100.0, model="big")
    before = load.seen()

    def aged(at: float) -> tuple[bool, Load]:
        now[0] = at
        return load.age(), load.seen()

    assert aged(30.0) == (False, before)
    changed, old = aged(430.0)
    assert changed
    assert (old.quiet_min, old.latency_ms) == (7, 100.0)
    assert old.speeds == {"big": Speed(100.0, None, 6, None, 7)}  # the average stays to be seen
    assert aged(1e6)[0]
    assert not aged(2e6)[0]
    lease(load).finish(ttft_ms=50.0, model="big")
    assert load.seen().speeds == {"big": Speed(90.0, None, 7)}
    assert load.seen().quiet_min == 0
