"""Gauges, from what real servers answered."""

from __future__ import annotations

import pytest

from nexus.backends.base import Concurrency
from nexus.backends.metrics import gauge
from nexus.backends.table import DIALECTS
from nexus.domain.backend import BackendType
from nexus.domain.http import HttpReply
from tests.fakes import hearsay
from tests.fakes.captures import capture

NOBODY = HttpReply(0)


def test_vllm_tells_what_runs_and_waits() -> None:
    replies = [NOBODY, NOBODY, NOBODY, capture("vllm/metrics")]
    assert DIALECTS[BackendType.VLLM].read_load(replies) == Concurrency(None, 0, 0)


def test_vllm_engines_are_added_up() -> None:
    lines = b'vllm:num_requests_running{engine="0"} 2.0\nvllm:num_requests_running{engine="1"} 3\n'
    assert gauge(HttpReply(200, lines), "vllm:num_requests_running") == 5


def test_llamacpp_tells_its_slots_and_its_queue() -> None:
    names = ("llamacpp/models", "llamacpp/props", "llamacpp/metrics")
    replies = [capture(name) for name in names]
    assert DIALECTS[BackendType.LLAMACPP].read_load(replies) == Concurrency(2, 0, 0)


def test_checks_do_not_wake_a_sleeping_llamacpp() -> None:
    asked = {call.path for call in DIALECTS[BackendType.LLAMACPP].models_calls()}
    assert asked <= {"/v1/models", "/props", "/metrics", "/health"}


def test_llamacpp_that_hides_its_slots_still_says_how_many() -> None:
    replies = [NOBODY, capture("llamacpp/props"), capture("llamacpp-auth/metrics_disabled")]
    assert DIALECTS[BackendType.LLAMACPP].read_load(replies) == Concurrency(2, None, None)


def test_lmstudio_adds_up_what_its_instances_take() -> None:
    replies = [NOBODY, hearsay.LMSTUDIO_V1, NOBODY]
    assert DIALECTS[BackendType.LMSTUDIO].read_load(replies) == Concurrency(slots=4)


@pytest.mark.parametrize(
    "body",
    [b"", b"gauge", b"gauge NaN", b"gauge -1", b"gauge 1e99", b"# gauge 3", b"gauge_more 3"],
)
def test_nonsense_is_not_a_number(body: bytes) -> None:
    assert gauge(HttpReply(200, body), "gauge") is None
    assert gauge(HttpReply(404, b"gauge 3"), "gauge") is None


@pytest.mark.parametrize(
    ("type", "case"), [(BackendType.LLAMACPP, "llamacpp"), (BackendType.VLLM, "vllm")]
)
def test_tokens_are_counted_by_the_server_that_would_read_them(
    type: BackendType, case: str
) -> None:
    dialect = DIALECTS[type]
    call = dialect.count_call("tiny", "hello")
    assert call is not None
    assert (call.path, call.method) == ("/tokenize", "POST")
    assert dialect.read_count(capture(f"{case}/tokenize")) == 8
    assert dialect.read_count(HttpReply(500, b"{}")) is None


def test_who_does_not_count_is_not_asked() -> None:
    assert DIALECTS[BackendType.OLLAMA].count_call("m", "hello") is None
