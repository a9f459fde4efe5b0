"""Reasons, statuses and filters in an operator's words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from nexus.domain.backend import BackendId, BackendStatus, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished
from tui.render.filters import entry_text, matches
from tui.render.spark import spark
from tui.render.status import LOOK, http_cell
from tui.render.why import reason, refusal, why

DONE = RequestFinished(
    "req_1", 60.0, "gpt-4", "llama", BackendId("a"), "gpu-01", BackendType.VLLM,
    RouteReason.CAPABILITY_MATCH, "highest_score:gpu-01:98", True, 200,
    ttft_ms=120, duration_ms=900, prompt_tokens=10, completion_tokens=20, tokens_per_s=31.5,
)  # fmt: skip


def test_a_refusal_does_not_name_the_model_again() -> None:
    assert refusal("Model 'm' lacks required capabilities", "m") == "lacks required capabilities"
    assert refusal("Model 'm' not found.", "other") == "Model 'm' not found."


@pytest.mark.parametrize(
    ("short", "words"),
    [
        ("only_healthy_backend", "the only one"),
        ("highest_score:gpu-01:98", "best score 98"),
        ("highest_score:http://h:1:0.75", "best score 0.75"),
        ("round_robin:index_3", "round robin 3"),
        ("priority:gpu-01:10", "priority 10"),
        ("random:gpu-01", "random choice"),
        ("fallback:llama3:8b:highest_score:gpu-01:80", "fallback llama3:8b; best score 80"),
        ("fallback:m:only_healthy_backend", "fallback m; the only one"),
        ("something new", "something new"),
        ("", ""),
    ],
)
def test_short_reasons_become_words(short: str, words: str) -> None:
    assert reason(short) == words


def test_what_went_wrong_comes_before_why() -> None:
    assert why(replace(DONE, error="cut short")).startswith("cut short")
    assert why(replace(DONE, tried=("gpu-02",))).startswith("after gpu-02; ")
    assert why(replace(DONE, status=499)).startswith("client left")


def test_every_status_has_a_glyph_a_word_and_a_role() -> None:
    assert set(LOOK) == set(BackendStatus)
    assert len({mark for mark, _, _ in LOOK.values()}) == len(LOOK)
    assert len({text for _, text, _ in LOOK.values()}) == len(LOOK)
    assert all(cell_len(mark) == 1 for mark, _, _ in LOOK.values())


def test_an_answer_cut_short_does_not_look_like_a_success() -> None:
    assert http_cell(200, "cut").text == "✖ 200"
    assert http_cell(200, "").text == "● 200"
    assert http_cell(499, "").text == "◌ 499"
    assert http_cell(404, "").text == "! 404"


@pytest.mark.parametrize(
    ("words", "found"),
    [("", True), ("GPT", True), ("gpt gpu-01", True), ("gpt nothing", False), ("!gpt", False),
     ("!other gpu", True), ("200 ok", True), ("!", False)],
)  # fmt: skip
def test_filter_words_must_all_agree(words: str, found: bool) -> None:
    assert matches(words, entry_text(DONE)) is found


def test_bars_are_scaled_and_silence_is_blank() -> None:
    assert spark((0, 0)) == "  "
    assert spark((0, 8, 4)) == " █▄"
    assert spark((None, 0, 8)) == "· █"
    assert spark((None, None)) == "··"
    assert spark((1,)) != "█"
