"""A drain's estimate: from what is known, and silent where nothing is."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished, RequestRouted
from tui.render.cells import Line
from tui.render.drain import (
    countdown,
    impact,
    impact_lines,
    left_s,
    running,
    running_lines,
)
from tui.sources.story import Story
from tui.state import DashboardState, reduce

NOW = 1_800_000_000.0
GPU = BackendId("gpu-01")


def ended(number: int, model: str, ms: float, backend: str = "gpu-01") -> RequestFinished:
    return RequestFinished(
        f"e{number}", NOW - 20 + number / 10, model, model, BackendId(backend), backend,
        BackendType.VLLM, RouteReason.CAPABILITY_MATCH, "", True, 200, duration_ms=ms,
    )  # fmt: skip


def routed(id: str, ago: float, model: str = "qwen3:32b") -> RequestRouted:
    return RequestRouted(
        id, NOW - ago, model, model, GPU, "gpu-01", RouteReason.CAPABILITY_MATCH, "", True
    )


def state_of(*updates: RequestFinished | RequestRouted) -> DashboardState:
    state = reduce(DashboardState(), Story(NOW).opening())
    for update in updates:
        state = reduce(state, update)
    return state


def text(lines: tuple[Line, ...]) -> str:
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def test_the_end_is_expected_after_what_most_answers_of_the_model_took() -> None:
    past = [ended(n, "qwen3:32b", 10_000.0) for n in range(10)]
    slow = [ended(20 + n, "llama3.3:70b", 60_000.0) for n in range(10)]
    waited = running(state_of(*past, *slow, routed("a", 4.0), routed("b", 1.0)), GPU, NOW)
    assert [one.request.request_id for one in waited] == ["b", "a"]
    assert left_s(waited) == 9.0
    assert countdown(2, waited) == "2 left, ~9s"


def test_what_takes_longer_than_most_ends_any_moment() -> None:
    past = [ended(n, "qwen3:32b", 1000.0) for n in range(10)]
    waited = running(state_of(*past, routed("a", 30.0)), GPU, NOW)
    assert countdown(1, waited) == "1 left, soon"
    assert "longer than most" in text(running_lines(1, waited, 3))


def test_without_any_answer_the_end_is_not_known() -> None:
    waited = running(state_of(routed("a", 30.0)), GPU, NOW)
    assert left_s(waited) is None
    assert countdown(1, waited) == "1 in flight"
    assert "not known" in text(running_lines(1, waited, 3))


def test_nothing_in_flight_is_safe_to_stop() -> None:
    assert countdown(0, ()) == "safe to stop"


def test_requests_of_others_are_not_waited_for() -> None:
    other = replace(routed("x", 1.0), backend_id=BackendId("gpu-02"))
    assert running(state_of(other), GPU, NOW) == ()


def test_many_in_flight_are_counted_not_listed() -> None:
    waited = running(state_of(*(routed(f"r{n}", n) for n in range(9))), GPU, NOW)
    shown = text(running_lines(9, waited, 3))
    assert "9 requests in flight" in shown
    assert "and 6 more" in shown


def test_the_impact_names_models_that_nobody_else_has_and_who_takes_over_the_others() -> None:
    past = [ended(n, "qwen3:32b", 1000.0) for n in range(20)]
    state = state_of(*past)
    here = impact(state, GPU)
    assert here.only_here == ()
    assert here.elsewhere["qwen3:32b"] == ("mac-studio", "workshop")
    assert here.per_s["qwen3:32b"] > 1
    shown = text(impact_lines(here, {"gpt-4": "qwen3:32b"}, 6))
    assert "qwen3:32b  stays with mac-studio, workshop" in shown
    assert "req/s" in shown
    assert "aliases that keep working: gpt-4" in shown

    alone = impact(state, BackendId("openai"))
    assert alone.only_here == ("gpt-4o", "gpt-4o-mini")
    shown = text(impact_lines(alone, {"best": "gpt-4o"}, 6))
    assert "! gpt-4o  only copy here: requests for it fail" in shown
    assert "aliases that fail: best" in shown


def test_places_are_counted_only_where_everybody_has_a_limit() -> None:
    state = state_of()
    assert impact(state, GPU).slots is None
    limited = {
        id: replace(backend, face=replace(backend.face, max_concurrent=4))
        for id, backend in state.backends.items()
    }
    assert impact(replace(state, backends=limited), GPU).slots == (24, 20)
