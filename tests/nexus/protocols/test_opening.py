import json

import pytest

from nexus.protocols.opening import MAX_HELD_BYTES, Opening, opening


def event(**delta: object) -> bytes:
    chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


ROLE = event(role="assistant", content="")
NOTHING = [
    b"",
    b": keep-alive\n\n",
    b":\r\n\r\n",
    ROLE,
    event(role="assistant", content=None, tool_calls=[]),
    b": ping\n\n" + ROLE,
    b'data: {"choices":[],"prompt_filter_results":[{}]}\n\n',
    event(content="hi")[:-1],
]
OUTPUT = [
    event(content="hi"),
    ROLE + event(content="hi"),
    event(reasoning_content="hm"),
    event(tool_calls=[{"index": 0}]),
    b"data: [DONE]\n\n",
    b"data: what\n\n",
    b"data: 1\n\n",
    b"event: message_start\ndata: {}\n\n",
    b'data: {"choices":[{"text":"hi"}]}\n\n',
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n',
    b'data: {"choices":[1]}\n\n',
    b":" * (MAX_HELD_BYTES + 1),
    b"data: " + b"[" * 9000 + b"\n\n",
]


@pytest.mark.parametrize("data", NOTHING, ids=repr)
def test_what_says_nothing_yet_may_be_held_back(data: bytes) -> None:
    assert opening(data) is Opening.NOTHING
    assert opening(data.replace(b"\n", b"\r\n")) is Opening.NOTHING


@pytest.mark.parametrize("data", OUTPUT, ids=lambda data: repr(data[:40]))
def test_output_and_whatever_is_not_understood_is_an_answer(data: bytes) -> None:
    assert opening(data) is Opening.OUTPUT


def test_an_error_before_any_output_is_seen() -> None:
    failed = b'data: {"error":{"message":"no memory"}}\n\n'

    assert opening(ROLE + failed) is Opening.ERROR
    assert opening(event(content="hi") + failed) is Opening.OUTPUT
