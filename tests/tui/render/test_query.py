"""The filter of requests: what each word means, what the store is asked, what is told."""

from __future__ import annotations

import pytest

from nexus.domain.backend import Zone
from nexus.domain.history import Outcome, named
from tui.render.asked import Request
from tui.render.query import parse

DONE = Request(
    "req-1", 0.0, "gpt-4", "Llama3.3:70b", "GPU-01", 200,
    why="fallback:llama3.3:70b:only_healthy_backend", said="fallback llama3.3:70b",
    stream=True, zone=Zone.RESTRICTED, ttft_ms=300.0, duration_ms=2500.0, completion_tokens=120,
)  # fmt: skip
BAD = Request("req-2", 0.0, "vision-xl", "", "", 503, "nobody has it", failed=True, refused=True)
LEFT = Request("req-3", 0.0, "qwen3:32b", "qwen3:32b", "openai", 499, zone=Zone.OPEN)
RUNS = Request("req-4", 0.0, "qwen3:32b", "qwen3:32b", "gpu-02", stream=False)
EVERYONE = {"done": DONE, "bad": BAD, "left": LEFT, "runs": RUNS}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", "done bad left runs"),
        ("llama", "done"),
        ("LLAMA", "done"),
        ("qwen3:32b", "left runs"),
        ("!qwen", "done bad"),
        ("model:llama", "done"),
        ("model:gpt", "done"),
        ("model:*vision*", "bad"),
        ("backend:gpu", "done runs"),
        ("backend:gpu !status:running", "done"),
        ("status:err", "bad"),
        ("status:ok", "done"),
        ("status:ok,left", "done left"),
        ("status:5xx", "bad"),
        ("status:503", "bad"),
        ("status:499", "left"),
        ("status:left", "left"),
        ("status:running", "runs"),
        ("status:refused", "bad"),
        ("zone:open", "left"),
        ("zone:restricted", "done"),
        (">2s", "done"),
        ("<500ms", ""),
        ("took>=2500ms", "done"),
        ("ttft<1s", "done"),
        ("ttft>1s", ""),
        ("out>100", "done"),
        ("stream:yes", "done"),
        ("stream:no", "runs"),
        ("why:fallback", "done"),
        ('why:"fallback llama"', "done"),
        ("id:req-2", "bad"),
        ("nobody", "bad"),
        ("llama status:err", ""),
    ],
)
def test_a_filter_shows(text: str, shown: str) -> None:
    query = parse(text)
    assert [name for name, one in EVERYONE.items() if query.matches(one)] == shown.split()
    assert not query.hints


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("bakend:gpu", "no field 'bakend': did you mean backend:?"),
        ("colour:red", "no field 'colour': looked for the text"),
        ("status:", "status: ok, err"),
        ("status:purple", "status: ok, err"),
        ("zone:moon", "zone: restricted or open"),
        ("stream:maybe", "stream: yes or no"),
        (">2", "took> wants a time: 2s, 500ms"),
        ("out>fast", "out> wants a number: 100, 8k"),
        ("size>2s", "no number 'size'"),
        ("!tenant:team-a", "tenant:name"),
    ],
)
def test_what_is_not_understood_is_told(text: str, hint: str) -> None:
    assert hint in "; ".join(parse(text).hints)


@pytest.mark.parametrize("text", ["mistral:7b", "phi:latest", "qwen3:32b", "llama3.3:70b"])
def test_a_model_with_a_colon_is_a_word(text: str) -> None:
    assert not parse(text).hints


def test_the_store_is_asked_for_the_same() -> None:
    asked = parse("model:llama status:503 zone:open >2s team").wanted()
    assert named("my-LLaMa-3", asked.model, part=True)
    assert not named("qwen", asked.model, part=True)
    assert (asked.status, asked.zone, asked.min_duration_ms) == (503, Zone.OPEN, 2000.0)
    assert asked.text == "team"
    assert parse("status:ok").wanted().outcome is Outcome.OK
    assert parse("<2s !x status:4xx").wanted() == parse("").wanted()


def test_a_tenant_is_asked_for_by_its_name_in_any_case() -> None:
    query = parse("tenant:Team-A")
    assert query.tenant == "team-a"
    assert named("Team-A", query.wanted().tenant, part=False)
    assert not named("Team-AB", query.wanted().tenant, part=False)
    assert parse("tenant:anonymous").wanted().tenant == "anonymous"
