from __future__ import annotations

import json

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.dialects.base import Situation
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import dump, events
from tests.fakes.rehearsal import ask, situation

LOADED = Model("google/gemma-3", 8192, vision=True, tools=True)
COLD = Model("qwen3", 4096, vision=False, residency=Residency.INSTALLED)
EMBED = Model("nomic", 2048, embeddings=True, chat=False)


def here(key: str | None = None) -> Situation:
    return situation(BackendType.LMSTUDIO, LOADED, COLD, EMBED, key=key)


def get(path: str) -> Reply:
    reply = ask(here(), Request("GET", path))
    assert isinstance(reply, Reply)
    return reply


def test_lmstudio_answers_unknown_paths_with_200_and_an_error_text() -> None:
    reply = get("/api/version")

    assert reply.status == 200
    assert json.loads(reply.body) == {
        "error": "Unexpected endpoint or method. (GET /api/version)",
    }


def test_lmstudio_v0_tells_type_state_and_both_contexts() -> None:
    models = json.loads(get("/api/v0/models").body)["data"]

    assert [(m["type"], m["state"]) for m in models] == [
        ("vlm", "loaded"),
        ("llm", "not-loaded"),
        ("embeddings", "loaded"),
    ]
    assert models[0]["loaded_context_length"] == 8192
    assert models[0]["max_context_length"] == 4 * 8192
    assert "loaded_context_length" not in models[1]


def test_lmstudio_v1_tells_loaded_instances_and_capabilities() -> None:
    models = json.loads(get("/api/v1/models").body)["models"]

    assert models[0]["loaded_instances"][0]["config"]["context_length"] == 8192
    assert models[0]["capabilities"] == {"vision": True, "trained_for_tool_use": True}
    assert models[1]["loaded_instances"] == []
    assert models[2]["type"] == "embedding"


def test_lmstudio_refuses_images_for_a_text_model() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}
    body = dump({"model": "qwen3", "messages": [{"role": "user", "content": [image]}]})

    reply = ask(here(), Request("POST", "/v1/chat/completions", body=body))

    assert isinstance(reply, Reply)
    assert reply.status == 400
    assert isinstance(json.loads(reply.body)["error"], str)


def test_lmstudio_streams_end_with_finish_and_done() -> None:
    body = {"model": "qwen3", "messages": [{"role": "user", "content": "Hi"}], "stream": True}

    stream = ask(here(), Request("POST", "/v1/chat/completions", body=dump(body)))

    assert isinstance(stream, str)
    *chunks, done = events(stream)
    assert done == "[DONE]"
    assert chunks[-1]["choices"][0] == {"index": 0, "delta": {}, "finish_reason": "stop"}


def test_lmstudio_asks_for_its_token_when_one_is_set() -> None:
    reply = ask(here(key="k"), Request("GET", "/v1/models"))

    assert isinstance(reply, Reply)
    assert reply.status == 401
