"""The simulated llama.cpp against recordings of the real one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexus.domain.backend import BackendType
from nexus.simulator.dialects.base import Situation
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import captured, dump, events, shape, shapes
from tests.fakes.rehearsal import TINY, ask, situation


def here(*, embeddings: bool = False, key: str | None = None, loading: bool = False) -> Situation:
    model = replace(TINY, embeddings=embeddings)
    return situation(BackendType.LLAMACPP, model, key=key, loading=loading)


@pytest.mark.parametrize(
    ("folder", "case", "now"),
    [
        ("llamacpp", "models", here()),
        ("llamacpp", "slots", here()),
        ("llamacpp", "health", here()),
        ("llamacpp", "chat", here()),
        ("llamacpp", "chat_tools", here()),
        ("llamacpp", "completions", here()),
        ("llamacpp", "err_404", here()),
        ("llamacpp", "err_method", here()),
        ("llamacpp", "err_bad_json", here()),
        ("llamacpp", "err_context", here()),
        ("llamacpp", "err_image", here()),
        ("llamacpp", "err_no_messages", here()),
        ("llamacpp", "embeddings_not_enabled", here()),
        ("llamacpp-embed", "embeddings", here(embeddings=True)),
        ("llamacpp-auth", "err_no_key", here(key="secret")),
        ("llamacpp-loading", "health_loading", here(loading=True)),
        ("llamacpp-loading", "chat_loading", here(loading=True)),
    ],
)
def test_llamacpp_answers_in_the_recorded_shape(folder: str, case: str, now: Situation) -> None:
    real = captured(folder, case)

    reply = ask(now, Request(real.method, real.path, "", real.headers, real.body))

    assert isinstance(reply, Reply)
    assert reply.status == real.status
    assert shape(json.loads(reply.body)) == shape(real.json)


@pytest.mark.parametrize(
    "case", ["chat_stream", "chat_stream_usage", "chat_tools_stream", "completions_stream"]
)
def test_llamacpp_streams_in_the_recorded_shapes(case: str) -> None:
    real = captured("llamacpp", case)

    stream = ask(here(), Request("POST", real.path, "", {}, real.body))

    assert isinstance(stream, str)
    assert shapes(stream) == shapes(real.text)


def test_llamacpp_props_have_the_recorded_fields() -> None:
    real = captured("llamacpp", "props").json
    assert isinstance(real, dict)

    reply = ask(here(), Request("GET", "/props"))

    assert isinstance(reply, Reply)
    said = json.loads(reply.body)
    assert said.keys() == real.keys()
    assert said["chat_template_caps"].keys() == real["chat_template_caps"].keys()
    assert said["default_generation_settings"]["n_ctx"] == 512
    assert said["build_info"].endswith("simulated")


def test_llamacpp_ignores_the_model_name_and_answers_as_its_own() -> None:
    body = dump({"model": "no-such", "messages": [{"role": "user", "content": "Hi"}]})

    reply = ask(here(), Request("POST", "/v1/chat/completions", body=body))

    assert isinstance(reply, Reply)
    assert json.loads(reply.body)["model"] == "tiny"


def test_llamacpp_health_needs_no_key() -> None:
    reply = ask(here(key="secret"), Request("GET", "/health"))

    assert isinstance(reply, Reply)
    assert reply.status == 200


def test_llamacpp_says_when_no_slot_is_free_if_asked() -> None:
    full = replace(here(), busy=2)

    asked = ask(full, Request("GET", "/slots", "fail_on_no_slot=1"))
    plain = ask(full, Request("GET", "/slots"))

    assert isinstance(asked, Reply)
    assert isinstance(plain, Reply)
    assert (asked.status, plain.status) == (503, 200)
    assert [slot["is_processing"] for slot in json.loads(plain.body)] == [True, True]


def test_llamacpp_stream_puts_the_text_together_to_the_unary_answer() -> None:
    """Otherwise a gateway that streams upstream for a unary client could not be checked."""
    body: dict[str, object] = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
    unary = ask(here(), Request("POST", "/v1/chat/completions", body=dump(body)))
    stream = ask(
        here(), Request("POST", "/v1/chat/completions", body=dump({**body, "stream": True}))
    )

    assert isinstance(unary, Reply)
    assert isinstance(stream, str)
    deltas = [e["choices"][0]["delta"].get("content") or "" for e in events(stream)[:-1]]
    assert "".join(deltas) == json.loads(unary.body)["choices"][0]["message"]["content"]
