"""What requests tell about a backend, as a pure machine."""

from __future__ import annotations

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendStatus
from nexus.health.traffic import (
    ASIDE_MAX_S,
    ASIDE_S,
    JITTER,
    LIMIT_MAX_S,
    WINDOW,
    Kind,
    Sign,
    Trouble,
    evidence,
    expire,
    step,
)

ASIDE = {
    BackendStatus.UNREACHABLE,
    BackendStatus.RATE_LIMITED,
    BackendStatus.AUTH_ERROR,
    BackendStatus.STALLED,
    BackendStatus.UNHEALTHY,
}
SERVED, FAILED, SILENT = Sign(Kind.SERVED), Sign(Kind.FAILED, "HTTP 500"), Sign(Kind.SILENT)
REFUSED = Sign(Kind.REFUSED, "connection refused")

signs = st.builds(
    Sign,
    st.sampled_from(Kind),
    st.just("why"),
    trial=st.booleans(),
    wait_s=st.none() | st.floats(0, 1e9),
    advice=st.just(""),
    spare=st.booleans(),
)
moments = st.lists(st.tuples(st.floats(0, 100), signs, st.floats(0, 0.999)), max_size=40)


def told(*signs: Sign, at: float = 0.0) -> Trouble:
    return reduce(lambda trouble, sign: step(trouble, sign, at, 0.5), signs, Trouble())


def lived(history: list[tuple[float, Sign, float]]) -> tuple[Trouble, float]:
    """The trouble after a life of pauses, signs and chances, and when that was."""
    trouble, now = Trouble(), 0.0
    for pause, sign, chance in history:
        now += pause
        trouble = step(expire(trouble, now), sign, now, chance)
    return trouble, now


def clock(moment: float) -> str:
    return f"{moment:g}"


def moment(at: float) -> float:
    return 1000.0 + at


def test_one_refused_connection_is_enough() -> None:
    assert told(REFUSED).status is BackendStatus.UNREACHABLE
    assert not told(REFUSED).spare


def test_a_check_that_gets_through_ends_it_and_one_that_does_not_prolongs_it() -> None:
    gone = told(REFUSED)
    assert step(gone, Sign(Kind.PROBED_WELL), 1.0, 0.5).status is None
    longer = step(expire(gone, 100.0), Sign(Kind.PROBED_BADLY), 100.0, 0.5)
    assert (longer.status, longer.trial) == (BackendStatus.UNREACHABLE, False)
    assert longer.ends > 100.0


@pytest.mark.parametrize("kind", [Kind.PROBED_WELL, Kind.PROBED_BADLY])
def test_checks_say_nothing_about_what_only_requests_can_know(kind: Kind) -> None:
    for trouble in (told(*[FAILED] * 5), told(SILENT, SILENT), told(Sign(Kind.DENIED))):
        assert step(trouble, Sign(kind), 1.0, 0.5) is trouble


@pytest.mark.parametrize(
    ("signs", "status"),
    [
        ([FAILED] * 4, None),
        ([FAILED] * 5, BackendStatus.UNHEALTHY),
        ([*[SERVED] * 11, FAILED, SERVED, FAILED, SERVED, FAILED, SERVED, FAILED], None),
        ([FAILED, SERVED, FAILED, SERVED, FAILED, SERVED, FAILED, SERVED, FAILED], "unhealthy"),
        ([*[FAILED] * 4, *[SERVED] * 17, FAILED], None),
        ([SILENT], None),
        ([SILENT, SERVED, SILENT], None),
        ([SILENT, FAILED, SILENT], None),
        ([SILENT, SILENT], BackendStatus.STALLED),
    ],
)
def test_how_much_it_takes(signs: list[Sign], status: BackendStatus | None) -> None:
    assert told(*signs).status == status


def test_the_time_aside_doubles_up_to_a_minute() -> None:
    trouble, now, pauses = told(*[FAILED] * 5), 0.0, list[float]()
    for _ in range(6):
        pauses.append(trouble.ends - now)
        now = trouble.ends
        trouble = step(expire(trouble, now), Sign(Kind.FAILED, trial=True), now, 0.5)
    assert pauses == pytest.approx([5, 10, 20, 40, 60, 60])  # pyright: ignore[reportUnknownMemberType]


def test_twenty_good_requests_make_its_past_forgotten() -> None:
    trouble = expire(told(*[FAILED] * 5), 100.0)
    trouble = step(trouble, Sign(Kind.SERVED, trial=True), 100.0, 0.5)
    assert (trouble.status, trouble.strikes) == (None, 1)
    for _ in range(WINDOW - 2):
        trouble = step(trouble, SERVED, 100.0, 0.5)
    assert not trouble.is_over
    assert step(trouble, SERVED, 100.0, 0.5).is_over


def test_what_was_on_its_way_neither_returns_nor_condemns_it() -> None:
    aside = told(*[FAILED] * 5)
    assert step(aside, SERVED, 1.0, 0.5).status is BackendStatus.UNHEALTHY
    assert step(aside, FAILED, 1.0, 0.5).ends == aside.ends


def test_a_rate_limit_ends_when_the_server_said() -> None:
    limited = told(Sign(Kind.LIMITED, wait_s=30.0))
    assert expire(limited, 29.9) is limited
    assert expire(limited, 30.0).status is None
    seen = evidence(limited, clock, moment)
    assert seen is not None
    assert (seen.next, seen.spare, seen.until) == ("rate limited until 30", False, 1030.0)


def test_more_refusals_of_requests_on_their_way_only_lengthen_a_rate_limit() -> None:
    limited = told(Sign(Kind.LIMITED, wait_s=30.0))
    assert step(limited, Sign(Kind.LIMITED, wait_s=10.0), 1.0, 0.5) is limited
    assert step(limited, Sign(Kind.LIMITED), 1.0, 0.5) is limited
    assert step(limited, Sign(Kind.LIMITED, wait_s=60.0), 1.0, 0.5).ends == 61.0


def test_a_spent_quota_does_not_heal_by_waiting() -> None:
    spent = told(Sign(Kind.SPENT))
    later = expire(spent, 10_000.0)
    assert (later.status, later.trial) == (BackendStatus.RATE_LIMITED, True)
    seen = evidence(later, clock, moment)
    assert seen is not None
    assert "waiting does not help" in seen.next
    assert seen.until is None


def test_a_refused_key_says_what_to_do() -> None:
    seen = evidence(told(Sign(Kind.DENIED, "HTTP 401", advice="set OPENAI_API_KEY")), clock, moment)
    assert seen is not None
    assert (seen.status, seen.next) == (BackendStatus.AUTH_ERROR, "set OPENAI_API_KEY")


def test_the_operator_gets_a_trial_at_once() -> None:
    assert step(told(*[FAILED] * 5), Sign(Kind.RETRY), 1.0, 0.5).trial
    assert told(Sign(Kind.RETRY)) == Trouble()


@given(moments)
def test_whatever_happens_the_state_is_a_sane_one(history: list[tuple[float, Sign, float]]) -> None:
    trouble, now = lived(history)
    assert trouble.status in ASIDE | {None}
    assert 0 <= trouble.window < 1 << WINDOW
    if trouble.status is None:
        assert not trouble.trial
        assert evidence(trouble, clock, moment) is None
        return
    longest = ASIDE_MAX_S * (1 + JITTER)
    if trouble.status is BackendStatus.RATE_LIMITED:
        longest = LIMIT_MAX_S
    assert trouble.ends - now <= longest + 1e-6
    seen = evidence(trouble, clock, moment)
    assert seen is not None
    assert seen.next
    # Refused connections and answers that name a time are not for the last member to overrule.
    if seen.status is BackendStatus.UNREACHABLE:
        assert not seen.spare


@given(moments)
def test_nothing_is_held_against_a_backend_for_ever(
    history: list[tuple[float, Sign, float]],
) -> None:
    trouble, now = lived(history)
    later = expire(trouble, now + LIMIT_MAX_S + 1)
    assert later.status is None or later.trial
    assert step(later, Sign(Kind.SERVED, trial=True), now, 0.5).status is None


@given(moments)
def test_a_failed_trial_sets_it_aside_again(history: list[tuple[float, Sign, float]]) -> None:
    trouble, now = lived(history)
    now += LIMIT_MAX_S + 1
    later = expire(trouble, now)
    if later.trial:
        again = step(later, Sign(Kind.FAILED, trial=True), now, 0.5)
        assert (again.status, again.trial) == (BackendStatus.UNHEALTHY, False)
        assert again.ends >= now + ASIDE_S * (1 - JITTER)


@given(moments)
def test_a_calm_backend_is_forgotten(history: list[tuple[float, Sign, float]]) -> None:
    trouble, now = lived(history)
    later = expire(trouble, now + LIMIT_MAX_S + 1)
    for _ in range(WINDOW + 1):
        later = step(later, Sign(Kind.SERVED, trial=True), now, 0.5)
    assert later.is_over
    assert later.strikes == 0
