"""What is left out of a batch changes nothing of what it adds up to."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.api.deltas import batched
from nexus.domain.backend import BackendId, BackendStatus, Load, Recent, Speed
from nexus.domain.events import (
    BackendChanged,
    FleetSeen,
    LoadChanged,
    PortProbed,
    RequestFinished,
    Update,
)
from tui.sources.story import Story
from tui.state import DashboardState, reduce

NOW = 1_800_000_000.0
ONE = BackendId("gpu-01")


def told(seconds: float = 5, per_second: float = 20) -> tuple[FleetSeen, list[Update]]:
    story = Story(NOW)
    return story.opening(), list(story.tell(seconds, per_second))


def test_speeds_are_told_as_exactly_as_a_screen_shows_them() -> None:
    speed = Speed(1 / 3, 2 / 3, 7, Recent(60, 7, 14, 100 / 3, None), 2)
    (told,) = batched([LoadChanged(ONE, Load(speeds={"m": speed}))])

    rounded = Speed(0.3, 0.7, 7, Recent(60, 7, 14, 33.3, None), 2)
    assert told == LoadChanged(ONE, Load(speeds={"m": rounded}))


def test_only_the_last_load_of_a_backend_is_told() -> None:
    loads: list[Update] = [LoadChanged(ONE, Load(n, latency_ms=100.123)) for n in (1, 2, 3)]
    other = LoadChanged(BackendId("gpu-02"), Load(7))

    assert batched([*loads, other]) == [LoadChanged(ONE, Load(3, latency_ms=100.1)), other]


def test_a_request_that_began_and_ended_is_told_once() -> None:
    _, events = told()
    routed = [event.request_id for event in batched(events) if hasattr(event, "stream")]

    assert len(routed) == len(set(routed))
    ended = [event for event in events if isinstance(event, RequestFinished)]
    assert len([e for e in batched(events) if isinstance(e, RequestFinished)]) == len(ended)


def test_every_change_of_status_is_told_and_the_last_check() -> None:
    seen, _ = told()
    backend = seen.fleet.backends[ONE]
    down = replace(backend, status=BackendStatus.UNREACHABLE)
    checks: list[Update] = [
        BackendChanged(1, backend, BackendStatus.HEALTHY),
        BackendChanged(2, down, BackendStatus.HEALTHY),
        BackendChanged(3, backend, BackendStatus.UNREACHABLE),
        BackendChanged(3, replace(backend, checked_at=1.0), BackendStatus.HEALTHY),
        BackendChanged(3, replace(backend, checked_at=2.0), BackendStatus.HEALTHY),
    ]

    assert batched(checks) == [checks[1], checks[2], checks[4]]


def test_only_the_last_look_at_an_address_is_told() -> None:
    looks: list[Update] = [PortProbed(at, "http://a:1", None, "") for at in (1.0, 2.0)]

    assert batched(looks) == looks[1:]


@given(st.lists(st.integers(1, 40), max_size=8), st.integers(0, 5))
def test_batches_add_up_to_what_the_events_add_up_to(cuts: list[int], seed: int) -> None:
    story = Story(NOW, seed=seed)
    opening = story.opening()
    rest = list(story.tell(4, 15))
    one_by_one = reduce(DashboardState(), opening)
    gathered = one_by_one
    for event in rest:
        one_by_one = reduce(one_by_one, event)
    for size in [*cuts, len(rest)]:
        batch, rest = rest[:size], rest[size:]
        for event in batched(batch):
            gathered = reduce(gathered, event)

    assert gathered.backends == one_by_one.backends
    assert gathered.in_flight == one_by_one.in_flight
    assert {id: load.total for id, load in gathered.loads.items()} == {
        id: load.total for id, load in one_by_one.loads.items()
    }
    assert [entry.request_id for entry in gathered.log] == [e.request_id for e in one_by_one.log]
