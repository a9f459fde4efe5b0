from __future__ import annotations

import pytest

from nexus.simulator.ask import BadBody, read_chat, read_completion, read_inputs, read_object


def test_reads_what_a_chat_asks() -> None:
    ask = read_chat(
        {
            "model": "m",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "Hi"}, {"type": "image_url"}],
                },
            ],
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"type": "object"}},
            },
            "max_tokens": 9,
            "max_completion_tokens": 7,
            "stream": True,
            "stream_options": {"include_usage": True},
            "stop": "END",
        }
    )

    assert ask.model == "m"
    assert ask.prompt.startswith("Be brief.\nHi")
    assert (ask.image, ask.stream, ask.include_usage, ask.json_mode) == (True,) * 4
    assert (ask.must_call, ask.max_tokens, ask.stop) == ("f", 7, ("END",))
    assert ask.schema == {"type": "object"}


@pytest.mark.parametrize(
    "messages", [[{"role": "tool", "content": "x"}], [{"role": "user", "content": "x"}]]
)
def test_no_call_after_a_tool_result_or_when_forbidden(messages: list[object]) -> None:
    choice = "none" if "user" in str(messages) else "auto"

    assert not read_chat({"messages": messages, "tool_choice": choice}).may_call


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        {"messages": 1},
        {"messages": [1, None, {"content": 3}, {"content": [1, {"text": 2}]}]},
        {"messages": [], "tools": {}, "stop": [1], "max_tokens": True, "stream_options": []},
        {"model": ["m"], "response_format": "json", "tool_choice": 7},
    ],
)
def test_nothing_a_client_sends_breaks_the_reading(hostile: dict[str, object]) -> None:
    ask = read_chat(hostile)

    assert (ask.model, ask.max_tokens, ask.stop, ask.tools) == ("", None, (), ())


def test_reads_embedding_inputs_of_every_kind() -> None:
    assert read_inputs({"input": "a"}) == ("a",)
    assert read_inputs({"input": ["a", "b"]}) == ("a", "b")
    assert read_inputs({"input": [1, 2]}) == ("1 2",)
    assert read_inputs({"input": []}) is None
    assert read_inputs({}) is None


def test_reads_completions() -> None:
    assert read_completion({"model": "m", "prompt": ["a", "b"]}).prompt == "a b"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"1"])
def test_a_body_that_is_not_an_object_is_bad(body: bytes) -> None:
    with pytest.raises(BadBody):
        read_object(body)
