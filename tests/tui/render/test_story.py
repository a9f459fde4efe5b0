"""A story tells all that an account holds, at any width, and never breaks on what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load
from nexus.domain.decision import RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.explain.account import account
from nexus.routing.router import decide
from nexus.telemetry.records import Record, Records
from tests.fakes.fleets import MODEL, backend, fleet, needs
from tui.render.asked import Request
from tui.render.story import basics, forgotten, loading, story_lines, title

AT = 1_800_000_000.0
FLEET = fleet(
    backend("gpu-01"),
    backend("gpu-02", priority=70),
    backend("mac", status=BackendStatus.UNREACHABLE, reason="connection refused"),
)
LOADS = {BackendId("gpu-01"): Load(3, latency_ms=145.0), BackendId("gpu-02"): Load(8)}
ROW = Request("req-1", AT, "gpt-4", MODEL, "gpu-01", why="highest_score:gpu-01:94")


def record(name: str = MODEL, world: Fleet = FLEET, **wants: object) -> Record:
    wanted = needs(name, **wants)
    answer = decide(wanted, world, LOADS, Policy())
    return Records(lambda: AT).decided("req-1", wanted, world, LOADS, Policy(), 0, answer)


def finished(**more: object) -> RequestFinished:
    facts: dict[str, Any] = {
        "request_id": "req-1",
        "at": AT,
        "requested": MODEL,
        "model": MODEL,
        "backend_id": BackendId("gpu-01"),
        "backend": "gpu-01",
        "backend_type": BackendType.VLLM,
        "reason": RouteReason.CAPABILITY_MATCH,
        "why": "",
        "stream": True,
        "status": 200,
    }
    return RequestFinished(**(facts | more))


def told(facts: Any, columns: int = 118, now: float = AT) -> str:
    lines = story_lines(facts, columns, now, 0)
    return "\n".join("".join(cell.text for cell in line) for line in lines)


def test_a_served_request_is_told_from_need_to_header() -> None:
    done = record(tools=True, stream=True)
    done.ended = finished(
        backend="gpu-02",
        ttft_ms=480.0,
        duration_ms=1200.0,
        prompt_tokens=812,
        completion_tokens=320,
        tokens_per_s=88.2,
        attempts=2,
        tried=("gpu-01",),
        failures=(AttemptFailed("gpu-01", 20.0, "connection refused"),),
    )
    text = told(account(done))
    for part in (
        "a chat completion, streamed, with tools",
        "the best score   strategy smart",
        "█ priority 50%  ▓ load 30%  ▒ latency 20%",
        "▶ gpu-01",
        "chosen, did not answer",
        "2 gpu-02",
        "scored lower",
        "✖ mac",
        "health: cannot be reached: connection refused",
        "to change that:",
        "20ms connection refused",
        "first byte 460ms, answer 720ms",
        "812 in, 320 out, 88.2 tok/s",
        "X-Nexus-Backend: gpu-02",
        "X-Nexus-Tried: gpu-01",
        "Attempt 1 on gpu-01: connection refused (after 20 ms).",
    ):
        assert part in text, part


def test_bars_are_as_long_as_the_parts_they_stand_for() -> None:
    facts = account(record())
    bar = next(line for line in told(facts).split("\n") if "▶ gpu-01" in line)
    chosen = next(each for each in facts["candidates"] if each["place"] == 1)
    for name, filling in (("priority", "█"), ("load", "▓"), ("latency", "▒")):
        part = chosen["score_parts"][name]
        expected = part["points"] * part["weight"] / 100 / 4
        assert abs(bar.count(filling) - expected) <= 1, name


def test_a_second_decision_is_told_where_one_took_over() -> None:
    done = record()
    done.ended = finished(backend="cloud", duration_ms=9.0)
    over = {"model": "gpt-4o", "backend": "cloud", "why": "only_healthy_backend"}
    text = told(account(done) | {"took_over": over})
    assert "fallback → gpt-4o on cloud  the only one" in text
    assert "X-Nexus-Fallback-Model: gpt-4o" in text


def test_what_runs_is_told_with_the_time_that_passes() -> None:
    facts = account(record())
    assert "3.0s under way" in told(facts, now=AT + 3)
    assert "▶ goes on" in told(facts)


def test_a_refusal_tells_who_was_ruled_out_and_why() -> None:
    refused = record(world=fleet(backend("mac", status=BackendStatus.UNREACHABLE)))
    refused.ended = RequestRefused("req-1", AT, MODEL, 503, "no_backend_available", "Nobody can.")
    text = told(account(refused))
    assert "refused  every backend that has it was ruled out" in text
    assert "✖ 503 no_backend_available  Nobody can." in text
    unknown = record("mistral")
    unknown.ended = RequestRefused("req-1", AT, "mistral", 404, "model_not_found", "None.")
    assert "refused  no backend has it" in told(account(unknown))


@pytest.mark.parametrize("columns", [20, 40, 78, 118, 240])
def test_every_width_has_its_story(columns: int) -> None:
    done = record()
    done.ended = finished(duration_ms=10.0, ttft_ms=5.0)
    text = told(account(done), columns)
    assert "gpu-01" in text
    assert "gpu-02" in text


def test_a_cost_is_told_where_it_is_known() -> None:
    done = record()
    done.ended = finished(prompt_tokens=1, completion_tokens=2)
    facts = account(done)
    assert "$" not in told(facts)
    assert "$0.0123" in told(facts | {"cost_usd": 0.0123})


def test_a_row_alone_tells_what_it_knows() -> None:
    def text(lines: Any) -> str:
        return "\n".join("".join(cell.text for cell in line) for line in lines)

    assert "best score 94" in text(basics(ROW, AT, 0))
    assert "under way for 2.0s" in text(basics(ROW, AT + 2, 0))
    assert "◐ reading" in text(loading(ROW, AT, 0))
    assert "○ not remembered" in text(forgotten(ROW, "No request is remembered.", AT, 0))
    assert "gpt-4→" in text([title(ROW, AT)])


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = tuple(account(record()))


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.integers(0, 130))
def test_an_account_of_another_version_never_breaks_the_screen(
    odd: dict[str, Any], columns: int
) -> None:
    story_lines(odd, columns, AT, 0)
    story_lines(account(record()) | odd, columns, AT, 0)
