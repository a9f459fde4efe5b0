"""The status follows from what each writer says, and no writer touches another's word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, BackendStatus, Evidence, Model
from nexus.domain.events import BackendChanged, Event
from nexus.registry.registry import Registry
from tests.fakes.gateway import face

A = BackendId("a")
HEALTHS = [
    status
    for status in BackendStatus
    if status not in (BackendStatus.DRAINING, BackendStatus.BUSY, BackendStatus.RATE_LIMITED)
]
TOLD = [
    BackendStatus.UNREACHABLE,
    BackendStatus.RATE_LIMITED,
    BackendStatus.AUTH_ERROR,
    BackendStatus.STALLED,
    BackendStatus.UNHEALTHY,
]
evidences = st.none() | st.builds(
    Evidence, st.sampled_from(TOLD), st.just("why"), st.just("next"), st.booleans(), st.booleans()
)
words = st.lists(
    st.tuples(st.just("health"), st.sampled_from(HEALTHS))
    | st.tuples(st.just("traffic"), evidences)
    | st.tuples(st.just("draining"), st.booleans()),
    max_size=25,
)


def made() -> tuple[Registry, list[Event]]:
    events: list[Event] = []
    registry = Registry(events.append, lambda: 100.0)
    registry.add(face("a", "http://a"))
    return registry, events


@given(words)
def test_the_last_word_of_each_writer_decides(said: list[tuple[str, object]]) -> None:
    registry, events = made()
    health, told, draining = BackendStatus.UNKNOWN, None, False
    for writer, word in said:
        if isinstance(word, BackendStatus):
            health = word
            registry.set_health(A, health, reason="checked")
        elif isinstance(word, bool):
            draining = word
            registry.set_draining(A, draining)
        else:
            assert writer == "traffic"
            assert word is None or isinstance(word, Evidence)
            told = word
            registry.set_traffic(A, told)
    seen = registry.fleet().backends[A]
    well = health in (BackendStatus.HEALTHY, BackendStatus.SLEEPING, BackendStatus.UNKNOWN)
    if draining:
        assert seen.status is BackendStatus.DRAINING
        assert not seen.is_routable
        assert not seen.is_spare
        assert registry.lease(A, True) is None
    elif told is not None and (well or not (told.trial or told.spare)):
        assert (seen.status, seen.reason, seen.next) == (told.status, "why", "next")
        assert seen.is_routable is told.trial
    else:
        assert seen.status is health
    last = events[-1]
    assert isinstance(last, BackendChanged)
    assert last.backend == seen


def test_since_is_the_moment_the_status_changed_and_nothing_else() -> None:
    now = [0.0]
    registry = Registry(lambda event: None, lambda: now[0])
    registry.add(face("a", "http://a"))

    def since(at: float) -> float | None:
        now[0] = at
        return registry.fleet().backends[A].since

    now[0] = 1.0
    registry.set_health(A, BackendStatus.UNHEALTHY, reason="one")
    now[0] = 2.0
    registry.set_health(A, BackendStatus.UNHEALTHY, reason="two")
    assert since(3.0) == 1.0
    registry.set_draining(A, True)
    now[0] = 4.0
    registry.set_health(A, BackendStatus.HEALTHY)
    assert since(5.0) == 3.0
    registry.set_draining(A, False)
    assert since(6.0) == 5.0


@pytest.mark.parametrize(
    ("slots", "running", "waiting", "status"),
    [
        (None, None, None, BackendStatus.HEALTHY),
        (4, 3, 0, BackendStatus.HEALTHY),
        (4, 4, 0, BackendStatus.BUSY),
        (4, 4, None, BackendStatus.BUSY),
        (None, 9, 0, BackendStatus.HEALTHY),
        (None, 9, 1, BackendStatus.BUSY),
    ],
)
def test_a_full_server_is_busy_and_routable(
    slots: int | None, running: int | None, waiting: int | None, status: BackendStatus
) -> None:
    registry, _ = made()
    registry.set_health(A, BackendStatus.HEALTHY, slots=slots, running=running, waiting=waiting)
    seen = registry.fleet().backends[A]
    assert (seen.status, seen.is_routable) == (status, True)
    assert bool(seen.reason) is (status is BackendStatus.BUSY)


def test_our_own_requests_make_it_busy_in_what_people_see() -> None:
    registry, _ = made()
    registry.set_health(A, BackendStatus.HEALTHY, slots=2)
    seen = registry.fleet().backends[A]
    assert seen.seen_with(1) is BackendStatus.HEALTHY
    assert seen.seen_with(2) is BackendStatus.BUSY


def test_an_old_list_is_kept_and_marked() -> None:
    registry, _ = made()
    registry.set_health(A, BackendStatus.UNREACHABLE, models_stale=True)
    assert not registry.fleet().backends[A].models_stale  # there is no list
    registry.set_health(A, BackendStatus.HEALTHY, models=(Model("m"),))
    registry.set_health(A, BackendStatus.UNREACHABLE, models_stale=True)
    seen = registry.fleet().backends[A]
    assert (seen.models, seen.models_stale) == ((Model("m"),), True)
    registry.set_health(A, BackendStatus.HEALTHY, models=(Model("m"),))
    assert not registry.fleet().backends[A].models_stale
