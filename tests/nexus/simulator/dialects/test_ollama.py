from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.dialects.base import Situation
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import dump, events
from tests.fakes.rehearsal import ask, situation

LLAMA = Model("llama3.2:latest", 8192, vision=False, tools=True, chat=True)
COLD = Model("acme/coder:7b", 4096, tools=False, chat=True, residency=Residency.INSTALLED)
EMBED = Model("nomic-embed-text:latest", 2048, embeddings=True, chat=False)
HELLO: list[object] = [{"role": "user", "content": "Hello"}]


def here() -> Situation:
    return situation(BackendType.OLLAMA, LLAMA, COLD, EMBED)


def get(path: str) -> Reply:
    reply = ask(here(), Request("GET", path))
    assert isinstance(reply, Reply)
    return reply


def post(path: str, **body: object) -> Reply | str:
    return ask(here(), Request("POST", path, body=dump(body)))


def told(reply: Reply | str) -> dict[str, object]:
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


def test_ollama_fingerprint_is_version_status_and_owner() -> None:
    owners = [entry["owned_by"] for entry in json.loads(get("/v1/models").body)["data"]]

    assert json.loads(get("/api/version").body)["version"].endswith("simulated")
    assert "cloud" in json.loads(get("/api/status").body)
    assert get("/").body == b"Ollama is running"
    assert owners == ["library", "acme", "library"]


def test_ollama_tags_tell_capabilities_and_the_trained_context() -> None:
    models = json.loads(get("/api/tags").body)["models"]

    assert [m["capabilities"] for m in models] == [
        ["completion", "tools"],
        ["completion"],
        ["embedding"],
    ]
    assert models[0]["details"]["context_length"] == 4 * 8192


def test_ollama_ps_tells_what_is_loaded_and_the_running_context() -> None:
    models = json.loads(get("/api/ps").body)["models"]

    assert [(m["name"], m["context_length"]) for m in models] == [
        ("llama3.2:latest", 8192),
        ("nomic-embed-text:latest", 2048),
    ]


def test_ollama_show_names_the_context_by_architecture() -> None:
    said = told(post("/api/show", model="llama3.2"))
    info = said["model_info"]

    assert isinstance(info, dict)
    assert info[f"{info['general.architecture']}.context_length"] == 4 * 8192


def test_ollama_takes_a_name_without_a_tag_for_latest() -> None:
    assert told(post("/v1/chat/completions", model="llama3.2", messages=HELLO))["model"] == LLAMA.id


def test_ollama_native_chat_streams_lines_unless_told_not_to() -> None:
    stream = post("/api/chat", model="llama3.2", messages=HELLO)
    whole = told(post("/api/chat", model="llama3.2", messages=HELLO, stream=False))
    message = whole["message"]

    assert isinstance(stream, str)
    assert isinstance(message, dict)
    lines = [json.loads(line) for line in stream.splitlines()]
    assert "".join(line["message"]["content"] for line in lines) == message["content"]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == len(lines) - 1


def test_ollama_native_tool_arguments_are_an_object() -> None:
    tool = {"function": {"name": "get", "parameters": {"properties": {"n": {"type": "integer"}}}}}
    said = told(post("/api/chat", model="llama3.2", messages=HELLO, tools=[tool], stream=False))
    message = said["message"]

    assert isinstance(message, dict)
    function = message["tool_calls"][0]["function"]
    assert function["name"] == "get"
    assert isinstance(function["arguments"]["n"], int)


def test_ollama_generate_and_embed_have_their_own_shapes() -> None:
    generated = told(post("/api/generate", model="llama3.2", prompt="Hi", stream=False))
    embedded = told(post("/api/embed", model="nomic-embed-text", input=["a", "b"]))

    assert isinstance(generated["response"], str)
    assert isinstance(embedded["embeddings"], list)
    assert len(embedded["embeddings"]) == 2


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/api/chat", {"model": "x"}, 404, "model 'x' not found"),
        ("/api/chat", {}, 400, "model is required"),
        ("/api/chat", {"model": EMBED.id}, 400, '"nomic-embed-text:latest" does not support chat'),
        ("/api/chat", {"model": COLD.id, "tools": [{}]}, 400, f"{COLD.id} does not support tools"),
    ],
)
def test_ollama_native_errors_are_plain_text_in_an_object(
    path: str, body: dict[str, object], status: int, text: str
) -> None:
    reply = post(path, **body)

    assert isinstance(reply, Reply)
    assert (reply.status, json.loads(reply.body)) == (status, {"error": text})


def test_ollama_v1_errors_have_null_param_and_code() -> None:
    reply = post("/v1/chat/completions", model="x", messages=HELLO)

    assert told(reply)["error"] == {
        "message": "model 'x' not found",
        "type": "not_found_error",
        "param": None,
        "code": None,
    }


def test_ollama_drops_the_start_of_a_long_prompt_without_a_word() -> None:
    long = [{"role": "user", "content": "word " * 20_000}]

    reply = post("/v1/chat/completions", model="llama3.2", messages=long)

    assert isinstance(reply, Reply)
    assert reply.status == 200


def test_ollama_stream_has_the_role_with_the_first_text_and_its_fingerprint() -> None:
    stream = post("/v1/chat/completions", model="llama3.2", messages=HELLO, stream=True)
    assert isinstance(stream, str)
    *chunks, done = events(stream)

    assert done == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "This"}
    assert {chunk["system_fingerprint"] for chunk in chunks} == {"fp_ollama"}
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_ollama_unknown_path_is_plain_text() -> None:
    assert get("/nope") == Reply(404, b"404 page not found", "text/plain")


def test_ollama_waits_for_nothing_and_needs_no_key() -> None:
    now = replace(here(), loading=True, spec=replace(here().spec, api_key="k"))
    reply = ask(now, Request("GET", "/v1/models"))

    assert isinstance(reply, Reply)
    assert reply.status == 200
