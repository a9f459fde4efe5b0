from __future__ import annotations

import json

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.dialects.base import Situation
from nexus.simulator.wire import Reply, Request
from tests.fakes.captured import dump, events
from tests.fakes.rehearsal import ask, situation

RUNNING = Model("llama-70b", 32768, tools=True)
CATALOGUE = Model("deepseek", 65536, residency=Residency.INSTALLED)


def here() -> Situation:
    return situation(BackendType.EXO, RUNNING, CATALOGUE)


def chat(model: str, **more: object) -> Reply | str:
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
    return ask(here(), Request("POST", "/v1/chat/completions", body=dump(body)))


def get(path: str) -> object:
    reply = ask(here(), Request("GET", path))
    assert isinstance(reply, Reply)
    return json.loads(reply.body)


def test_exo_lists_its_catalogue_and_serves_only_what_runs() -> None:
    listed = get("/v1/models")
    assert isinstance(listed, dict)
    absent = chat("deepseek")
    assert isinstance(absent, Reply)

    assert [entry["id"] for entry in listed["data"]] == ["llama-70b", "deepseek"]
    assert (absent.status, json.loads(absent.body)["error"]) == (
        404,
        {
            "message": "No instance found for model deepseek",
            "type": "Not Found",
            "param": None,
            "code": 404,
        },
    )


def test_exo_state_names_the_running_instances_in_camel_case() -> None:
    state = get("/state")
    assert isinstance(state, dict)
    instances = [next(iter(tagged.values())) for tagged in state["instances"].values()]

    assert [i["shardAssignments"]["modelId"] for i in instances] == ["llama-70b"]
    assert {"topology", "runners", "nodeMemory"} <= state.keys()


def test_exo_node_id_is_a_json_string_that_says_simulated() -> None:
    assert str(get("/node_id")).startswith("simulated-")


def test_exo_stream_opens_with_a_comment_and_ends_with_usage_in_the_finish_chunk() -> None:
    stream = chat("llama-70b", stream=True)
    assert isinstance(stream, str)
    comment, _, rest = stream.partition("\n\n")
    *chunks, done = events(rest)

    assert (comment, done) == (": keep-alive", "[DONE]")
    assert all(chunk["choices"][0]["delta"]["role"] == "assistant" for chunk in chunks)
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] == len(chunks)


def test_exo_calls_a_tool_in_one_chunk() -> None:
    stream = chat("llama-70b", stream=True, tools=[{"function": {"name": "f"}}])
    assert isinstance(stream, str)
    chunks = events(stream.partition("\n\n")[2])[:-1]

    assert len(chunks) == 1
    assert chunks[0]["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] == "f"


def test_exo_has_no_embeddings_and_no_health_path() -> None:
    for request in (Request("POST", "/v1/embeddings", body=b"{}"), Request("GET", "/health")):
        reply = ask(here(), request)

        assert isinstance(reply, Reply)
        assert reply.status == 404
