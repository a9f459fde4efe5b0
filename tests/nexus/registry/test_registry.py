"""The fleet's owner: who is in, what is known, and that its pictures never change underneath."""

from __future__ import annotations

import dataclasses

from nexus.domain.backend import BackendId, BackendStatus, Model
from nexus.domain.events import BackendChanged, BackendRemoved, Event
from nexus.registry.registry import Registry
from tests.fakes.gateway import face

A, B = BackendId("a"), BackendId("b")
HEALTHY, UNHEALTHY = BackendStatus.HEALTHY, BackendStatus.UNHEALTHY
DRAINING = BackendStatus.DRAINING


class Clock:
    """Turned by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def registry(*names: str) -> tuple[Registry, list[Event], Clock]:
    """A registry with these backends healthy, the events from now on, and its clock."""
    events: list[Event] = []
    clock = Clock()
    made = Registry(events.append, clock)
    for name in names:
        made.add(face(name, f"http://{name}"))
        made.set_health(BackendId(name), HEALTHY, models=(Model("m"),))
    events.clear()
    return made, events, clock


def status(made: Registry, id: BackendId = A) -> BackendStatus:
    return made.fleet().backends[id].status


# ---- coming and going


def test_a_backend_is_added_once_by_its_id_and_once_by_its_url() -> None:
    made, events, _ = registry("a")

    assert not made.add(face("a", "http://other"))
    assert not made.add(face("b", "http://a"))
    assert events == []
    assert list(made.fleet().backends) == [A]


def test_a_new_backend_is_unknown_and_told_of_as_new() -> None:
    made, events, clock = registry()
    made.add(face("a", "http://a"))

    (event,) = events
    assert isinstance(event, BackendChanged)
    assert event.was is None
    assert event.backend.status is BackendStatus.UNKNOWN
    assert event.backend.since == clock.now


def test_a_removed_backend_is_gone_from_every_view() -> None:
    made, events, _ = registry("a", "b")

    assert made.remove(A)
    assert not made.remove(A)
    assert A not in made.fleet().backends
    assert A not in made.loads()
    assert A not in made.seen().loads
    assert made.resolve("a") is None
    assert [c.backend.id for c in made.fleet().by_model["m"]] == [B]
    assert events == [BackendRemoved(made.fleet().version, A, "a")]


def test_a_request_in_flight_outlives_its_backend() -> None:
    made, _, _ = registry("a")
    lease = made.lease(A)
    assert lease is not None
    made.remove(A)
    made.add(face("a", "http://a"))
    lease.finish(failed=True)

    assert made.loads()[A].pending == 0  # the new backend owes nothing for the old one
    assert made.seen().loads[A].errors == 0


def test_a_name_or_an_id_finds_a_backend() -> None:
    made, _, _ = registry()
    made.add(dataclasses.replace(face("gpu-1", "http://a"), name="GPU 1"))

    found = made.resolve("GPU 1")
    assert found is not None
    assert found.id == "gpu-1"
    assert made.resolve("gpu-1") == found
    assert made.resolve("gpu") is None


def test_a_changed_face_keeps_health_and_models() -> None:
    made, events, _ = registry("a")
    told = dataclasses.replace(face("a", "http://a"), priority=1)

    assert made.set_face(told)
    assert made.set_face(told)  # the second says nothing new
    assert len(events) == 1
    assert made.fleet().backends[A].face.priority == 1
    assert status(made) is HEALTHY
    assert not made.set_face(face("b", "http://b"))


# ---- health


def test_health_of_a_removed_backend_is_ignored() -> None:
    made, events, _ = registry("a")
    made.remove(A)
    events.clear()
    made.set_health(A, HEALTHY, models=(Model("m"),))

    assert events == []
    assert made.fleet().backends == {}


def test_a_list_of_models_is_replaced_as_a_whole() -> None:
    made, _, _ = registry("a")
    before = made.fleet()
    made.set_health(A, HEALTHY, models=(Model("x"), Model("y")))

    assert sorted(made.fleet().by_model) == ["x", "y"]
    assert sorted(before.by_model) == ["m"]  # a picture in somebody's hands never changes


def test_models_are_kept_when_a_check_says_nothing_about_them() -> None:
    made, _, _ = registry("a")
    made.set_health(A, UNHEALTHY, reason="connection refused")

    assert [m.id for m in made.fleet().backends[A].models] == ["m"]
    assert made.fleet().backends[A].reason == "connection refused"


def test_since_tells_when_the_status_changed_and_not_when_it_was_checked() -> None:
    made, _, clock = registry("a")
    clock.now = 200.0
    made.set_health(A, HEALTHY)
    first = made.resolve("a")
    clock.now = 300.0
    made.set_health(A, UNHEALTHY)
    second = made.resolve("a")

    assert first is not None
    assert second is not None
    assert (first.since, first.checked_at) == (100.0, 200.0)
    assert (second.since, second.checked_at) == (300.0, 300.0)


def test_a_check_that_finds_nothing_new_keeps_the_picture() -> None:
    made, events, _ = registry("a")
    before = made.fleet()
    made.set_health(A, HEALTHY, probe_ms=2.0)

    assert made.fleet() is before
    assert len(events) == 1  # but a watcher sees that it was checked


def test_who_looks_sees_the_last_check_though_decisions_keep_their_picture() -> None:
    made, _, clock = registry("a", "b")
    kept = made.fleet()
    clock.now = 160.0
    made.set_health(A, HEALTHY, probe_ms=2.0)

    for seen in (made.shown(), made.seen().fleet):
        assert (seen.backends[A].checked_at, seen.backends[A].probe_ms) == (160.0, 2.0)
        assert seen.backends[B].checked_at == 100.0
        assert seen.version == kept.version
        assert seen.by_model["m"][0].backend is seen.backends[A]
    assert made.shown() is made.shown()
    clock.now = 170.0
    made.set_health(A, HEALTHY, probe_ms=3.0)
    assert made.shown().backends[A].checked_at == 170.0
    made.remove(A)
    assert list(made.shown().backends) == [B]
    assert made.fleet() is made.shown()


def test_the_picture_is_built_once_per_change() -> None:
    made, _, _ = registry("a")

    assert made.fleet() is made.fleet()
    before = made.fleet()
    made.set_health(A, UNHEALTHY)
    assert made.fleet() is not before
    assert made.fleet().version == before.version + 1


# ---- draining


def test_draining_survives_a_good_probe() -> None:
    made, _, _ = registry("a")
    made.set_draining(A, True)
    made.set_health(A, HEALTHY, models=(Model("m"),))

    assert status(made) is DRAINING
    assert not made.fleet().backends[A].is_routable


def test_undraining_shows_the_health_that_was_found_meanwhile() -> None:
    made, _, _ = registry("a")
    made.set_draining(A, True)
    made.set_health(A, UNHEALTHY)
    made.set_draining(A, False)

    assert status(made) is UNHEALTHY


def test_draining_twice_is_told_once() -> None:
    made, events, _ = registry("a")
    made.set_draining(A, True)
    made.set_draining(A, True)

    (event,) = events
    assert isinstance(event, BackendChanged)
    assert (event.was, event.backend.status) == (HEALTHY, DRAINING)
    assert not made.set_draining(B, True)


def test_a_draining_backend_gives_no_new_lease_and_keeps_the_old() -> None:
    made, _, _ = registry("a")
    running = made.lease(A)
    made.set_draining(A, True)

    assert made.lease(A) is None
    assert made.loads()[A].pending == 1
    assert running is not None
    running.finish()
    assert made.loads()[A].pending == 0


def test_there_is_no_lease_on_a_backend_that_left() -> None:
    made, _, _ = registry("a")
    made.remove(A)

    assert made.lease(A) is None


def test_a_check_lets_old_measurements_fade() -> None:
    made, _, clock = registry("a")
    lease = made.lease(A)
    assert lease is not None
    lease.finish(ttft_ms=900.0, model="m")
    fresh = made.load(A)
    clock.now += 600
    made.set_health(A, HEALTHY)

    assert fresh.quiet_min == 0
    assert made.load(A).quiet_min == 10
    assert made.load(A).latency_ms == 900.0
