"""Folding: the screen's state is a function of the updates, and cheap to keep."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Load,
    Zone,
)
from nexus.domain.events import (
    BackendChanged,
    BackendRemoved,
    FleetSeen,
    LinkChanged,
    LoadChanged,
    PortProbed,
    RequestRefused,
    Update,
)
from nexus.domain.fleet import Fleet, picture
from tui.sources.story import Story
from tui.state import LOG_LINES, PROBES, DashboardState, Link, lost, reduce

NAMES = ("a", "b", "c", "d")


def backend(name: str, status: BackendStatus = BackendStatus.HEALTHY) -> Backend:
    face = BackendFace(BackendId(name), name, f"http://{name}:1", BackendType.VLLM, Zone.RESTRICTED)
    return Backend(face, status)


def fold(*updates: Update, start: DashboardState | None = None) -> DashboardState:
    state = start or DashboardState()
    for update in updates:
        state = reduce(state, update)
    return state


steps = st.lists(
    st.tuples(
        st.sampled_from(("change", "remove", "load")),
        st.sampled_from(NAMES),
        st.sampled_from(tuple(BackendStatus)),
        st.integers(0, 9),
    ),
    max_size=40,
)


@given(steps)
def test_folding_changes_gives_the_same_facts_as_the_whole_picture(
    steps: list[tuple[str, str, BackendStatus, int]],
) -> None:
    truth: dict[BackendId, Backend] = {}
    loads: dict[BackendId, Load] = {}
    version = 0
    state = fold(FleetSeen(Fleet(), {}))
    for verb, name, status, number in steps:
        id = BackendId(name)
        if verb == "change":
            version += 1
            was = truth[id].status if id in truth else None
            truth[id] = backend(name, status)
            loads.setdefault(id, Load())
            state = reduce(state, BackendChanged(version, truth[id], was))
        elif verb == "remove" and id in truth:
            version += 1
            del truth[id], loads[id]
            state = reduce(state, BackendRemoved(version, id, name))
        elif verb == "load" and id in truth:
            loads[id] = Load(pending=number)
            state = reduce(state, LoadChanged(id, loads[id]))
    whole = fold(FleetSeen(picture(version, truth), loads))
    assert (state.backends, state.loads) == (whole.backends, whole.loads)
    assert list(state.backends) == list(whole.backends)


@given(st.floats(1, 30), st.integers(0, 5))
def test_a_second_picture_changes_nothing_that_was_folded_right(seconds: float, seed: int) -> None:
    story = Story(1000.0, seed=seed)
    state = fold(story.opening(), *story.tell(seconds))
    again = reduce(state, FleetSeen(picture(state.version, state.backends), state.loads))
    # Requests under way are told after a picture, as servers that wait are.
    assert again == replace(state, running={})


def test_a_fact_older_than_the_picture_is_ignored() -> None:
    state = fold(FleetSeen(picture(9, {BackendId("a"): backend("a")}), {}))
    late = BackendChanged(8, backend("a", BackendStatus.UNHEALTHY), None)
    assert reduce(state, late) == state
    assert reduce(state, BackendRemoved(8, BackendId("a"), "a")) == state


def test_a_load_of_a_backend_that_left_brings_nothing_back() -> None:
    state = fold(FleetSeen(Fleet(), {}), LoadChanged(BackendId("gone"), Load(pending=3)))
    assert state.in_flight == 0


def test_a_picture_after_a_gap_keeps_the_history_of_those_still_there() -> None:
    story = Story(1000.0)
    state = fold(story.opening(), *story.tell(30))
    some = next(iter(state.windows))
    left = {id: one for id, one in state.backends.items() if id == some}
    state = reduce(state, FleetSeen(picture(99, left), {}))
    assert set(state.windows) == {some}
    assert state.log


def test_the_log_is_bounded_and_counts_what_it_dropped() -> None:
    state = DashboardState()
    for number in range(LOG_LINES + 20):
        state = reduce(state, RequestRefused(str(number), 1.0, "m", 404, "x", "y"))
    assert len(state.log) == LOG_LINES
    assert state.logged == LOG_LINES + 20
    assert state.log[0].request_id == "20"


def test_scanned_addresses_are_bounded_and_the_last_answer_counts() -> None:
    state = DashboardState()
    for number in range(PROBES + 5):
        state = reduce(state, PortProbed(1.0, f"http://h:{number}", None, "refused"))
    state = reduce(state, PortProbed(2.0, "http://h:68", BackendType.OLLAMA, "Ollama"))
    assert len(state.probes) == PROBES
    assert state.probes["http://h:68"].found is BackendType.OLLAMA


def test_a_lost_source_keeps_the_last_picture() -> None:
    state = fold(FleetSeen(picture(1, {BackendId("a"): backend("a")}), {}))
    assert lost(state, 50.0) == replace(state, link=Link.LOST, lost_at=50.0)


def test_it_is_known_since_when_nothing_is_heard_and_what_will_never_be() -> None:
    story = Story(40.0)
    gone = fold(story.opening(), LinkChanged(50.0, False, "in 1 s"), LinkChanged(52.0, False, ""))
    assert gone.lost_at == 50.0
    back = reduce(gone, LinkChanged(60.0, True, ""))
    assert (back.lost_at, back.gaps) == (None, ())
    assert reduce(back, story.opening()).gaps == ((50.0, 60.0),)
    followed = fold(*story.tell(30.0), story.opening(), start=back)
    assert followed.gaps == ()
