import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.protocols.assemble import as_events
from nexus.protocols.opening import MAX_HELD_BYTES, Opening, error_in, opening


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
    b'data: {"\xc6":1}\n\n',
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


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"error":{"message":"no memory"}}', "no memory"),
        (b'{"error":"no memory","object":"error"}', "no memory"),
        (b'{"error":{"code":5}}', ""),
        (b'{"error":{"message":"odd"},"choices":[{}]}', None),
        (b'{"error":null}', None),
        (b'{"error":', None),
        (b'{"\xc6":1}', None),
        (b"[1]", None),
    ],
)
def test_an_error_that_stands_for_an_answer_is_told_from_one_beside_it(
    answer: bytes, said: str | None
) -> None:
    assert error_in(answer) == said


PARTS = [
    b"data:",
    b"\n\n",
    b"\r",
    b'{"error":',
    b'{"choices":[',
    b'"',
    b"\xc6",
    b"}",
    b"]",
    b"null",
]


@given(st.lists(st.sampled_from(PARTS) | st.binary(max_size=4), max_size=12).map(b"".join))
def test_no_bytes_of_a_server_are_too_odd(data: bytes) -> None:
    assert opening(data) in Opening
    assert isinstance(error_in(data), str | None)
    assert isinstance(as_events(data), bytes | None)
