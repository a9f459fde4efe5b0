"""What the page about one backend says of its models, its failures and its settings."""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import (
    BackendId,
    BackendStatus,
    BackendType,
    FactSource,
    Load,
    Model,
    Residency,
    Source,
    Speed,
    Zone,
)
from nexus.domain.decision import RouteReason
from nexus.domain.events import AttemptFailed, RequestFinished
from tui.render import about
from tui.sources.story import Story
from tui.state import DashboardState, reduce
from tui.window import Latency, Rates

NOW = 1_800_000_000.0
GPU = BackendId("gpu-01")
STATE = reduce(DashboardState(), Story(NOW).opening())
BACKEND = STATE.backends[GPU]


def done(
    id: str, backend: str, status: int = 200, error: str = "", **more: object
) -> RequestFinished:
    return RequestFinished(
        id, NOW, "m", "m", BackendId(backend), backend, BackendType.VLLM,
        RouteReason.CAPABILITY_MATCH, "", True, status, error, duration_ms=900.0, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_model_is_told_with_where_it_is_what_it_can_how_fast_and_whose_word_that_is() -> None:
    model = Model(
        "qwen", 32_768, tools=True, vision=False, residency=Residency.INSTALLED,
        sources=(("context_length", FactSource.SERVER), ("tools", FactSource.GUESS)),
    )  # fmt: skip
    load = Load(speeds={"qwen": Speed(120.0, 44.0, 3)})
    row = [cell.text for cell in about.model_cells(model, load, 1)]
    assert row == [
        "qwen",
        "◦ disk",
        "32k",
        " t    ",
        "1!",
        "120ms",
        "44.0",
        "server 1, guess 1",
    ]


def test_what_is_not_known_of_a_model_is_a_dash() -> None:
    row = [cell.text for cell in about.model_cells(Model("m"), Load(), 2)]
    assert row == ["m", "-", "-", "      ", "2", "-", "-", "-"]


def test_a_model_that_sends_prompts_on_says_so() -> None:
    assert "zone open" in about.model_cells(Model("m", zone=Zone.OPEN), Load(), 2)[-1].text


def test_failures_are_those_that_a_client_saw_and_those_that_another_backend_saved() -> None:
    saved = done(
        "b", "gpu-02", failures=(AttemptFailed("gpu-01", 70.0, "reset"),), tried=("gpu-01",)
    )
    state = STATE
    for update in (
        done("a", "gpu-01", 502, "gone"),
        saved,
        done("c", "gpu-01"),
        done("d", "gpu-02", 500),
    ):
        state = reduce(state, update)
    found = about.failures(state, BACKEND)
    assert {one.entry.request_id for one in found} == {"a", "b"}
    texts = {one.entry.request_id: [c.text for c in about.failure_cells(one, 0)] for one in found}
    assert texts["a"][1:] == ["✖ 502", "m", "900ms", "gone"]
    assert texts["b"][1:] == ["▲ tried", "m", "70ms", "reset; gpu-02 answered"]


def test_the_moment_is_told_in_three_lines_of_steady_shape() -> None:
    quiet = about.summary(BACKEND, Load(), Rates(0, 0, 0, 0), Latency(), "", NOW)
    busy = about.summary(
        replace(BACKEND, slots=4, running=3, waiting=1),
        Load(pending=3, total=12_345, tokens_per_s=88.0),
        Rates(12.4, 300.0, 100, 4),
        Latency(190.0, 412.0, 1800.0, 140.0, 180.0, 99),
        "",
        NOW,
    )
    assert len(quiet) == len(busy) == 3
    at = ["".join(cell.text for cell in lines[1]).index("req/s") for lines in (quiet, busy)]
    assert at[0] == at[1]
    whole = "\n".join("".join(cell.text for cell in line) for line in busy)
    for told in ("3/8", "12.4 req/s", "88.0 tok/s", "4.0% fail", "inside: 4 slots, 3 running",
                 "190ms p50", "412ms p95", "140ms first byte", "checked 3s ago in"):  # fmt: skip
        assert told in whole, told


def test_settings_show_where_a_key_comes_from_and_no_password() -> None:
    face = replace(
        BACKEND.face,
        url="http://user:secret@gpu:8000",
        api_key_env="GPU_KEY",
        max_concurrent=None,
        source=Source.MDNS,
    )
    shown = about.settings(replace(BACKEND, face=face))
    told = {name: cell.text for name, cell in shown.items()}
    assert told["url"] == "http://***@gpu:8000"
    assert told["API key"] == "$GPU_KEY"
    assert told["limit"] == "none"
    assert "mDNS" in told["known from"]
    assert "secret" not in " ".join(told.values())


def test_the_result_of_a_check_is_told_once_it_is_known() -> None:
    later = replace(BACKEND, checked_at=NOW + 1, probe_ms=12.0)
    down = replace(later, status=BackendStatus.UNREACHABLE, reason="connection refused")
    assert about.checked("gpu-01", BACKEND, BACKEND) == "gpu-01 was checked."
    assert about.checked("gpu-01", BACKEND, None) == "gpu-01 was checked."
    assert about.checked("gpu-01", BACKEND, later) == (
        "gpu-01 was checked: healthy, it answered in 12ms."
    )
    assert about.checked("gpu-01", BACKEND, down) == "gpu-01 was checked: down, connection refused"
