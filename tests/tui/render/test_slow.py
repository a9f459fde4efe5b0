"""Which backend is slow and why: each sign, each cause, and silence where little is known."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, Load, Recent, Residency, Speed
from nexus.domain.decision import RouteReason
from nexus.domain.events import (
    AttemptFailed,
    BackendChanged,
    LoadChanged,
    RequestFinished,
    RequestRouted,
    Update,
)
from tui.render.slow import BEFORE, COLD_S, ENOUGH, FRESH_S, TIMES, Finding, Judge
from tui.sources.story import LLAMA, LLAVA, QWEN, Story
from tui.state import DashboardState, reduce

NOW = 1_800_000_000.0
GPU, GPU2, MAC, WORKSHOP = map(BackendId, ("gpu-01", "gpu-02", "mac-studio", "workshop"))
FACTOR = st.floats(1.0, TIMES - 0.01)


def state_of(*updates: Update) -> DashboardState:
    state = reduce(DashboardState(), Story(NOW).opening())
    for update in updates:
        state = reduce(state, update)
    return state


def found(state: DashboardState, id: BackendId, now: float = NOW) -> Finding | None:
    return Judge(state, now).find(state.backends[id])


def ended(
    id: BackendId,
    at: float = NOW - 1,
    took_ms: float = 1000.0,
    *,
    tokens: int | None = 50,
    prompt: int | None = 200,
    pace: float | None = 60.0,
    failures: tuple[AttemptFailed, ...] = (),
) -> RequestFinished:
    backend = state_of().backends[id]
    return RequestFinished(
        "req", at, QWEN.id, QWEN.id, id, backend.name, backend.face.type,
        RouteReason.CAPABILITY_MATCH, "", True, 200, ttft_ms=100.0, duration_ms=took_ms,
        prompt_tokens=prompt, completion_tokens=tokens, tokens_per_s=pace, failures=failures,
    )  # fmt: skip


def load(
    id: BackendId,
    model: str = QWEN.id,
    *,
    pace: float | None = None,
    first_ms: float | None = None,
    requests: int = ENOUGH,
    pending: int = 1,
) -> LoadChanged:
    recent = Recent(60, requests, 0, first_ms, pace)
    return LoadChanged(id, Load(pending, 100, speeds={model: Speed(None, None, 100, recent)}))


def routed(id: BackendId, model: str, ago_s: float) -> RequestRouted:
    why = RouteReason.CAPABILITY_MATCH
    return RequestRouted("r1", NOW - ago_s, model, model, id, id, why, "", True)


def past(id: BackendId, took_ms: float = 1000.0, number: int = BEFORE) -> list[Update]:
    """What it was for some minutes."""
    return [ended(id, NOW - 400 + at, took_ms) for at in range(number)]


def test_a_fleet_at_work_has_no_slow_backend() -> None:
    story = Story(NOW)
    state = reduce(DashboardState(), story.opening())
    for _ in range(60):
        for update in story.tell(5.0):
            state = reduce(state, update)
        judge = Judge(state, story.now)
        assert [b.name for b in state.backends.values() if judge.find(b)] == []


def test_requests_that_wait_inside_for_a_place_are_said_with_how_many_there_are() -> None:
    full = state_of(ended(GPU), load(GPU, pending=12))
    assert found(full, GPU) == Finding("its 8 places are taken, 4 wait inside it")
    assert found(state_of(ended(GPU), load(GPU, pending=11)), GPU) is None


def test_what_the_server_says_of_its_queue_counts_too() -> None:
    told = replace(state_of().backends[MAC], slots=1, waiting=1)
    state = state_of(BackendChanged(900, told), ended(MAC), load(MAC, pending=1))
    assert found(state, MAC) == Finding("its one place is taken, 1 waits inside it")


def test_a_queue_of_short_answers_is_none_to_speak_of() -> None:
    assert found(state_of(ended(GPU, took_ms=80.0), load(GPU, pending=16)), GPU) is None


def test_a_model_that_must_be_loaded_first_is_said_with_how_long_somebody_waits() -> None:
    waits = state_of(routed(WORKSHOP, LLAVA.id, 12), load(WORKSHOP))
    assert found(waits, WORKSHOP) == Finding("loads llava:13b first, a request has waited 12s")
    assert found(state_of(routed(WORKSHOP, LLAVA.id, COLD_S / 2), load(WORKSHOP)), WORKSHOP) is None
    assert found(state_of(routed(WORKSHOP, QWEN.id, 12), load(WORKSHOP)), WORKSHOP) is None


def test_a_model_that_sleeps_wakes() -> None:
    asleep = replace(QWEN, residency=Residency.SLEEPING)
    backend = replace(state_of().backends[GPU], models=(asleep,))
    state = state_of(BackendChanged(900, backend), routed(GPU, QWEN.id, 20), load(GPU))
    (why,) = [found(state, GPU)]
    assert why == Finding("wakes qwen3:32b first, a request has waited 20s")


def test_one_that_writes_slower_than_the_other_with_the_same_model_is_compared_by_name() -> None:
    state = state_of(load(GPU, pace=90.0), load(WORKSHOP, pace=9.0))
    assert found(state, WORKSHOP) == Finding("writes 9.0 tok/s, gpu-01 90.0 (qwen3:32b)")
    assert found(state, GPU) is None


def test_one_that_many_share_says_so() -> None:
    state = state_of(load(GPU, pace=90.0), load(WORKSHOP, pace=9.0, pending=6))
    assert "6 at once share it" in (found(state, WORKSHOP) or Finding("")).why


def test_a_late_first_byte_is_explained_by_the_way_there() -> None:
    far = replace(state_of().backends[WORKSHOP], probe_ms=640.0)
    told = (load(GPU, first_ms=100.0), load(WORKSHOP, first_ms=1900.0))
    near = found(state_of(*told), WORKSHOP)
    assert near == Finding(
        "nothing waits there: its own server takes long to begin",
        "first byte after 1.9s, gpu-01 100ms (qwen3:32b)",
    )
    away = found(state_of(BackendChanged(900, far), *told), WORKSHOP)
    assert away is not None
    assert away.why == "far away, or busy: a check of it takes 640ms"


def test_a_late_first_byte_is_explained_by_long_prompts() -> None:
    long = [ended(WORKSHOP, prompt=9000) for _ in range(ENOUGH)]
    short = [ended(GPU, prompt=300) for _ in range(ENOUGH)]
    told = (load(GPU, first_ms=100.0), load(WORKSHOP, first_ms=1900.0))
    got = found(state_of(*long, *short, *told), WORKSHOP)
    assert got is not None
    assert got.why == "prompts are long: 9,000 tokens, elsewhere 300"


def test_few_requests_say_nothing() -> None:
    few = load(WORKSHOP, pace=1.0, first_ms=9000.0, requests=ENOUGH - 1)
    assert found(state_of(load(GPU, pace=90.0, first_ms=50.0), few), WORKSHOP) is None


def test_one_that_nobody_asks_any_more_is_idle_and_not_slow() -> None:
    state = state_of(ended(WORKSHOP), load(GPU, pace=90.0), load(WORKSHOP, pace=9.0, pending=0))
    assert found(state, WORKSHOP) is not None
    assert found(state, WORKSHOP, NOW + FRESH_S) is None


@given(paces=st.lists(FACTOR, min_size=3, max_size=3), firsts=st.lists(FACTOR, min_size=3))
def test_machines_that_differ_by_less_than_three_are_all_well(
    paces: list[float], firsts: list[float]
) -> None:
    ids = (GPU, MAC, WORKSHOP)
    loads = [
        load(id, pace=30.0 * pace, first_ms=900.0 * first)
        for id, pace, first in zip(ids, paces, firsts, strict=False)
    ]
    state = state_of(*loads)
    assert [found(state, id) for id in ids] == [None, None, None]


def test_one_that_writes_slower_than_before_says_both() -> None:
    slower = [ended(GPU, took_ms=4000.0, pace=12.0) for _ in range(ENOUGH)]
    got = found(state_of(*past(GPU), *slower), GPU)
    assert got is not None
    assert got.why == "writes 12.0 tok/s, before 60.0"
    assert got.what.startswith("answers take ")
    assert ", before " in got.what


def test_longer_answers_are_not_slowness() -> None:
    longer = [ended(GPU, took_ms=4000.0, tokens=200) for _ in range(ENOUGH)]
    assert found(state_of(*past(GPU), *longer), GPU) is None


def test_a_few_slow_ones_among_many_are_not_slowness() -> None:
    mixed = [ended(GPU, took_ms=9000.0 if n % 3 == 0 else 1000.0) for n in range(3 * ENOUGH)]
    assert found(state_of(*past(GPU), *mixed), GPU) is None


def test_time_that_another_backend_lost_is_told_with_its_name() -> None:
    lost = (AttemptFailed("gpu-02", 3000.0, "timed out"),)
    late = [ended(GPU, took_ms=4000.0, failures=lost) for _ in range(ENOUGH)]
    got = found(state_of(*past(GPU), *late), GPU)
    assert got is not None
    assert got.why == "many come to it only after gpu-02 has failed"


def test_longer_prompts_than_before_are_told() -> None:
    long = [ended(GPU, took_ms=4000.0, prompt=8000) for _ in range(ENOUGH)]
    got = found(state_of(*past(GPU), *long), GPU)
    assert got is not None
    assert got.why == "prompts are long: 8,000 tokens, before 200"


def test_without_a_cause_many_at_once_are_told_and_else_that_nothing_tells() -> None:
    late = [ended(MAC, took_ms=4000.0) for _ in range(ENOUGH)]
    alone = found(state_of(*past(MAC), *late), MAC)
    crowded = found(state_of(*past(MAC), *late, load(MAC, LLAMA.id, pending=9)), MAC)
    assert alone is not None
    assert crowded is not None
    assert alone.why == "its server does not tell why"
    assert crowded.why == "9 requests are there at once"


def test_one_without_a_past_is_not_compared_with_it() -> None:
    late = [ended(GPU, took_ms=9000.0) for _ in range(ENOUGH)]
    assert found(state_of(*past(GPU, number=BEFORE - 1), *late), GPU) is None
