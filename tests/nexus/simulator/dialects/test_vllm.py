"""The simulated vLLM against recordings of the real one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexus.domain.backend import BackendType
from nexus.simulator.dialects.base import Situation
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import captured, shape, shapes
from tests.fakes.rehearsal import TINY, ask, situation


def here(*, key: str | None = None) -> Situation:
    return situation(BackendType.VLLM, TINY, key=key)


@pytest.mark.parametrize(
    "case",
    [
        "models",
        "version",
        "load",
        "chat",
        "chat_tools",
        "chat_length",
        "completions",
        "err_404",
        "err_method",
        "err_bad_json",
        "err_context",
        "err_image",
        "err_max_tokens_too_big",
        "err_no_messages",
        "err_unknown_model",
        "embeddings_not_supported",
    ],
)
def test_vllm_answers_in_the_recorded_shape(case: str) -> None:
    real = captured("vllm", case)

    reply = ask(here(), Request(real.method, real.path, "", {}, real.body))

    assert isinstance(reply, Reply)
    assert reply.status == real.status
    assert shape(json.loads(reply.body)) == shape(real.json)


@pytest.mark.parametrize(
    "case", ["chat_stream", "chat_stream_usage", "chat_tools_stream", "completions_stream"]
)
def test_vllm_streams_in_the_recorded_shapes(case: str) -> None:
    real = captured("vllm", case)

    stream = ask(here(), Request("POST", real.path, "", {}, real.body))

    assert isinstance(stream, str)
    assert shapes(stream) == shapes(real.text)


def test_vllm_health_is_empty_and_has_no_type() -> None:
    reply = ask(here(), Request("GET", "/health"))

    assert reply == Reply(type=None)


def test_vllm_embedding_server_has_no_chat_route() -> None:
    real = captured("vllm-embed", "embeddings")
    pooling = situation(BackendType.VLLM, replace(TINY, embeddings=True, chat=False))

    reply = ask(pooling, Request("POST", real.path, body=real.body))
    chat = ask(pooling, Request("POST", "/v1/chat/completions", body=b"{}"))

    assert isinstance(reply, Reply)
    assert isinstance(chat, Reply)
    assert shape(json.loads(reply.body)) == shape(real.json)
    assert (chat.status, chat.body) == (404, b'{"detail":"Not Found"}')


def test_vllm_guards_only_its_v1_paths() -> None:
    now = here(key="secret")

    listed = ask(now, Request("GET", "/v1/models"))
    version = ask(now, Request("GET", "/version"))
    known = ask(now, Request("GET", "/v1/models", headers={"authorization": "Bearer secret"}))

    assert isinstance(listed, Reply)
    assert isinstance(version, Reply)
    assert isinstance(known, Reply)
    assert (listed.status, listed.body) == (401, b'{"error":"Unauthorized"}')
    assert (version.status, known.status) == (200, 200)
