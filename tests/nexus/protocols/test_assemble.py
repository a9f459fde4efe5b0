import json
from typing import Any

import pytest

from nexus.protocols.assemble import Assembler, as_events
from tests.fakes.recordings import payloads, stream, unary

LIVE = ("created", "id", "timings")
"""Fields that differ between two runs of the same request."""


def assembled(*chunks: object) -> tuple[Assembler, Any]:
    assembler = Assembler()
    for chunk in chunks:
        assembler.feed(chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode())
    return assembler, json.loads(assembler.result())


def replayed(name: str) -> tuple[Assembler, Any]:
    return assembled(*payloads(stream(name)))


def shape(answer: Any) -> Any:
    """The answer without what differs between runs, and with the keys of those parts only."""
    return {
        key: sorted(value) if key == "timings" else value
        for key, value in answer.items()
        if key not in LIVE[:2]
    }


def delta(fields: dict[str, object], index: int = 0, **more: object) -> dict[str, object]:
    return {"choices": [{"index": index, "delta": fields, **more}]}


def test_a_streamed_thought_and_answer_equal_the_unary_ones() -> None:
    """The same request at temperature 0, recorded both ways."""
    assembler, answer = replayed("llamacpp-think/chat_stream")
    expected = unary("llamacpp-think/chat")

    for each in (answer, expected):  # the second run found the prompt in the cache
        del each["usage"]["prompt_tokens_details"]
    assert shape(answer) == shape(expected)
    assert (assembler.complete, assembler.error) == (True, None)


def test_a_streamed_tool_call_equals_the_unary_one() -> None:
    _, answer = replayed("llamacpp/chat_tools_stream")
    expected = unary("llamacpp/chat_tools")
    del expected["usage"]  # was not asked for in the stream

    calls = [each["choices"][0]["message"]["tool_calls"][0] for each in (answer, expected)]
    assert all(len(call.pop("id")) == 32 for call in calls)
    assert shape(answer) == shape(expected)


def test_a_streamed_answer_with_usage_has_the_unary_shape() -> None:
    assembler, answer = replayed("llamacpp/chat_stream_usage")
    expected = unary("llamacpp/chat_length")

    expected_message = {"role": "assistant", "content": "The gateway routes this machine."}
    assert answer["choices"] == [
        {"finish_reason": "length", "index": 0, "message": expected_message}
    ]
    assert sorted(answer) == sorted(expected)
    assert answer["object"] == "chat.completion"
    assert answer["usage"]["completion_tokens"] == 6
    assert assembler.complete


def test_a_streamed_completion_has_the_unary_shape() -> None:
    _, answer = replayed("llamacpp/completions_stream")
    expected = unary("llamacpp/completions")

    assert sorted(answer) == sorted(expected)
    assert answer["object"] == "text_completion"
    assert answer["choices"] == [
        {"text": " picks the server with", "index": 0, "logprobs": None, "finish_reason": "length"}
    ]


def test_logprobs_of_the_pieces_become_those_of_the_answer() -> None:
    expected = unary("llamacpp/chat_logprobs")
    choice = expected["choices"][0]
    tokens = choice["logprobs"]["content"]
    chunks = [
        delta({"content": token["token"]}, logprobs={"content": [token]}, finish_reason=None)
        for token in tokens
    ]

    _, answer = assembled(
        delta({"role": "assistant", "content": None}), *chunks, delta({}, finish_reason="length")
    )

    assert answer["choices"] == [choice]


def test_legacy_logprobs_are_joined_list_by_list() -> None:
    def piece(token: str, at: int) -> dict[str, object]:
        logprobs = {"tokens": [token], "token_logprobs": [-0.5], "text_offset": [at]}
        return {
            "choices": [{"index": 0, "text": token, "logprobs": logprobs, "finish_reason": "stop"}]
        }

    _, answer = assembled(piece("a", 0), piece("b", 1))

    assert answer["choices"][0]["text"] == "ab"
    assert answer["choices"][0]["logprobs"] == {
        "tokens": ["a", "b"],
        "token_logprobs": [-0.5, -0.5],
        "text_offset": [0, 1],
    }


def test_several_choices_are_kept_apart_and_in_order() -> None:
    expected = unary("llamacpp/chat_n2")
    texts = [choice["message"]["content"] for choice in expected["choices"]]
    chunks = [delta({"role": "assistant", "content": None}, index) for index in (1, 0)]
    for words in zip(*(text.split(" ") for text in texts), strict=True):
        for index, word in enumerate(words):
            space = "" if word in {texts[0].split(" ")[0], texts[1].split(" ")[0]} else " "
            chunks.append(delta({"content": space + word}, index))
    unfinished, _ = assembled(*chunks, delta({}, 1, finish_reason="length"))
    finished, answer = assembled(*chunks, *(delta({}, i, finish_reason="length") for i in (1, 0)))

    assert answer["choices"] == expected["choices"]
    assert (unfinished.complete, finished.complete) == (False, True)


def test_tool_calls_are_merged_by_index() -> None:
    def call(index: int, **fields: object) -> dict[str, object]:
        return delta({"tool_calls": [{"index": index, **fields}]})

    _, answer = assembled(
        call(0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(1, id="b", type="function", function={"name": "g", "arguments": '{"x"'}),
        call(0, function={"name": "", "arguments": "{}"}),
        call(1, function={"name": None, "arguments": ":1}"}),
    )

    assert answer["choices"][0]["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "type": "function", "function": {"name": "g", "arguments": '{"x":1}'}},
    ]


def test_refusals_old_function_calls_and_unknown_fields_are_kept() -> None:
    _, answer = assembled(
        {"service_tier": "default", **delta({"refusal": "I ca", "x_flag": "a"}, stop_reason=None)},
        delta({"refusal": "nnot", "x_flag": "b", "function_call": {"name": "f", "arguments": "{"}}),
        delta({"function_call": {"arguments": "}"}}, stop_reason=7, token_ids=[1]),
        delta({}, token_ids=[2]),
    )
    choice = answer["choices"][0]

    assert answer["service_tier"] == "default"
    assert choice["message"]["refusal"] == "I cannot"
    assert choice["message"]["x_flag"] == "b"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert (choice["stop_reason"], choice["token_ids"]) == (7, [1, 2])


def test_usage_that_is_null_until_the_end_is_the_last_one() -> None:
    _, answer = assembled(
        {**delta({"content": "a"}), "usage": None},
        {"choices": [], "usage": {"prompt_tokens": 1}},
        {**delta({}, finish_reason="stop"), "usage": None},
    )

    assert answer["usage"] == {"prompt_tokens": 1}


def test_progress_of_the_stream_is_not_part_of_the_answer() -> None:
    _, answer = assembled({**delta({"content": "a"}), "prompt_progress": {"total": 10}})

    assert "prompt_progress" not in answer


def test_an_error_in_the_stream_is_told() -> None:
    error = {"code": 500, "message": "out of memory", "type": "server_error"}
    assembler, answer = assembled(delta({"content": "half"}), {"error": error})

    assert assembler.error == error
    assert not assembler.complete
    assert answer["choices"][0]["message"]["content"] == "half"


def test_an_error_that_is_only_a_string_is_told_as_an_object() -> None:
    assert assembled({"error": "boom"})[0].error == {"message": "boom"}


def test_a_stream_cut_before_its_end_is_not_complete() -> None:
    assert not assembled(delta({"content": "a"}, finish_reason=None))[0].complete
    assert not assembled()[0].complete


def test_done_null_and_empty_payloads_mean_nothing() -> None:
    assembler, _ = assembled(b"[DONE]", b" ", b" [DONE] ", b"null")

    assert assembler.error is None


def test_half_an_emoji_survives() -> None:
    chunk = b'{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}'
    _, answer = assembled(chunk, b'{"choices":[{"index":0,"delta":{"content":"!"}}]}')

    assert answer["choices"][0]["message"]["content"] == "\ud83d!"


def test_an_answer_nested_too_deeply_to_write_is_an_error() -> None:
    assembler = Assembler()
    assembler.feed(b'{"x":' + b"[" * 600 + b"]" * 600 + b"}")

    def deeper(frames: int) -> bytes:
        return deeper(frames - 1) if frames else assembler.result()

    assert deeper(380).startswith(b"{")


@pytest.mark.parametrize(
    "garbage",
    [
        b"{",
        b"\xff",
        b"3",
        b"[3]",
        b'"text"',
        b"[" * 100_000,
        b'{"choices":' + b"[" * 100_000,
    ],
)
def test_an_unreadable_event_is_an_error(garbage: bytes) -> None:
    assembler, _ = assembled(garbage)

    assert assembler.error is not None
    assert assembler.error["code"] == "upstream_broken"


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": 3},
        {"choices": [None, 3, [], {"index": "x"}, {"index": []}, {"delta": 3}]},
        delta({"tool_calls": 3}),
        delta(
            {"tool_calls": [None, {"index": []}, {"function": 3}, {"function": {"arguments": 5}}]}
        ),
        delta({"content": 3, "role": None, "function_call": 3}),
        {"choices": [{"text": 3, "logprobs": 5, "finish_reason": []}]},
        {"object": 5, "usage": 3, "id": {}},
    ],
)
def test_malformed_chunks_never_raise(chunk: dict[str, object]) -> None:
    for _ in range(2):
        assembler, _ = assembled(
            chunk, delta({"content": "a", "function_call": {"name": "f"}}), chunk
        )
        assert assembler.error is None


def test_a_whole_answer_becomes_one_event_that_puts_together_to_the_same() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "", "tool_calls": [call]}
    choice = {"finish_reason": "tool_calls", "index": 0, "message": message}
    whole = {"choices": [choice], "id": "x", "object": "chat.completion", "usage": {"a": 1}}
    events = as_events(json.dumps(whole).encode())
    assert events is not None
    event, done, rest = events.split(b"\n\n")

    assert (done, rest) == (b"data: [DONE]", b"")
    chunk = json.loads(event.removeprefix(b"data: "))
    assert chunk["object"] == "chat.completion.chunk"
    assert chunk["choices"][0]["delta"]["tool_calls"] == [{**call, "index": 0}]
    assert assembled(chunk)[1] == whole


def test_a_whole_text_completion_is_its_own_event() -> None:
    whole = {"object": "text_completion", "choices": [{"index": 0, "text": "hi"}]}

    assert as_events(json.dumps(whole).encode()) == (
        b'data: {"object":"text_completion","choices":[{"index":0,"text":"hi"}]}\n\n'
        b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize("odd", [b"", b"[]", b"{", b"null", b'{"choices":[]}', b'{"choices":[1]}'])
def test_what_is_no_answer_becomes_no_event(odd: bytes) -> None:
    assert as_events(odd) is None
