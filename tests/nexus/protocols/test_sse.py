import json

import pytest

from nexus.protocols.sse import (
    KEPT_PIECE_BYTES,
    KEPT_PIECES,
    MAX_HELD_BYTES,
    SseTap,
    payloads,
    usage_of,
)
from tests.fakes.recordings import stream, unary

STREAM = stream("llamacpp/chat_stream_usage")


def tapped(raw: bytes, size: int) -> tuple[SseTap, list[bytes]]:
    """A stream fed in pieces of `size` bytes, and what came out for each."""
    tap = SseTap()
    return tap, [tap.feed(raw[at : at + size]) for at in range(0, len(raw), size)]


@pytest.mark.parametrize("size", [1, 2, 7, 100, 1024, 100_000])
@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_what_is_forwarded_is_the_stream_in_whole_events(size: int, ending: bytes) -> None:
    raw = STREAM.replace(b"\n", ending)
    tap, forwarded = tapped(raw, size)

    assert b"".join(forwarded) == raw
    assert tap.tail() == b""
    assert all(piece.endswith(ending * 2) for piece in forwarded if piece)


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_the_end_is_recognised_however_it_arrives(size: int) -> None:
    tap, _ = tapped(STREAM, size)

    assert (tap.finished, tap.failed, tap.tail()) == (True, False, b"")
    assert tap.events == STREAM.count(b"data: ")
    assert tap.usage()[:2] == (10, 6)


def test_speed_is_read_from_llama_cpp_timings() -> None:
    tap, _ = tapped(STREAM, 500)
    last = json.loads(STREAM.split(b"data: ")[-2])

    assert tap.usage()[2] == last["timings"]["predicted_per_second"]


def test_timings_stand_in_for_usage_that_was_not_asked_for() -> None:
    tap, _ = tapped(stream("llamacpp/chat_tools_stream"), 300)

    prompt, completion, speed = tap.usage()

    assert (prompt, completion) == (248, 6)
    assert speed == pytest.approx(2865.33, abs=0.01)


def test_an_unfinished_event_is_held_back_until_it_ends() -> None:
    tap = SseTap()

    assert tap.feed(b'data: {"a":1}\n\ndata: {"b"') == b'data: {"a":1}\n\n'
    assert tap.tail() == b'data: {"b"'
    assert tap.feed(b":2}\n") == b""
    assert tap.feed(b"\n") == b'data: {"b":2}\n\n'
    assert tap.tail() == b""


def test_a_blank_line_split_between_carriage_returns_is_seen() -> None:
    tap = SseTap()

    assert [tap.feed(piece) for piece in (b"data: 1\r\n", b"\r", b"\ndata: 2\r\n\r\n")] == [
        b"",
        b"",
        b"data: 1\r\n\r\ndata: 2\r\n\r\n",
    ]


def test_an_endless_event_is_passed_on_and_memory_stays_bounded() -> None:
    tap = SseTap()
    piece = b"x" * 100_000
    fed = forwarded = 0
    for _ in range(50):
        fed += len(piece)
        forwarded += len(tap.feed(piece))

        assert fed - forwarded == len(tap.tail()) <= MAX_HELD_BYTES


def test_a_stream_that_stops_short_is_not_finished() -> None:
    cut = STREAM[: STREAM.index(b'"finish_reason":"length"')]
    tap, _ = tapped(cut, 100)

    assert not tap.finished
    assert tap.usage() == (None, None, None)


@pytest.mark.parametrize(
    "end",
    [
        b"data: [DONE]\n\n",
        b"data:[DONE]\n\n",
        b"data: [DONE]",
        b'data: {"choices":[{"finish_reason": "stop"}]}\n\n',
    ],
)
def test_done_or_a_reason_is_an_end(end: bytes) -> None:
    tap = SseTap()
    tap.feed(b'data: {"choices":[{"finish_reason":null}]}\n\n')
    assert not tap.finished

    tap.feed(end)

    assert tap.finished


def test_a_model_that_writes_about_the_protocol_ends_nothing() -> None:
    said = json.dumps('data: [DONE] "finish_reason":"stop" "usage":{"prompt_tokens":5} \n\nerror:')
    tap = SseTap()
    tap.feed(b'data: {"choices":[{"delta":{"content":' + said.encode() + b"}}]}\n\n")

    assert (tap.finished, tap.failed, tap.usage()) == (False, False, (None, None, None))


@pytest.mark.parametrize(
    "event",
    [
        b'data: {"error":{"message":"boom"}}\n\n',
        b'data: { "error" : "boom"}\n\n',
        b'data: {"object":"error","message":"boom"}\n\n',
        b'error: {"code":500}\n\n',
        b"event: error\ndata: {}\n\n",
    ],
)
def test_an_error_inside_the_stream_is_noticed(event: bytes) -> None:
    tap = SseTap()
    tap.feed(b'data: {"choices":[],"error":null}\n\n')
    assert not tap.failed

    tap.feed(event)

    assert tap.failed


def test_keep_alive_comments_are_not_events() -> None:
    tap = SseTap()
    tap.feed(b": keep-alive\n\ndata: 1\n\n: ping\n\ndata: 2\n\n")

    assert tap.events == 2


def test_what_is_kept_of_a_long_stream_is_bounded() -> None:
    tap = SseTap()
    for _ in range(100):
        tap.feed(b"data: " + b"x" * 50_000 + b"\n\n")

    assert sum(map(len, tap._kept)) <= KEPT_PIECES * KEPT_PIECE_BYTES  # pyright: ignore[reportPrivateUsage]


def test_usage_of_a_unary_answer_is_at_its_end() -> None:
    answer = unary("llamacpp/chat")
    speed = answer["timings"]["predicted_per_second"]

    assert usage_of(json.dumps(answer).encode()) == (10, 20, speed)
    answer["choices"][0]["message"]["content"] = "x" * 100_000
    assert usage_of(json.dumps(answer).encode()) == (10, 20, speed)


def test_usage_of_embeddings_is_found_before_their_data() -> None:
    answer = unary("llamacpp-embed/embeddings")
    usage = answer.pop("usage")
    answer["data"] = [{"embedding": [0.123456] * 4096, "index": 0}]
    body = json.dumps({"object": "list", "usage": usage, **answer}).encode()

    assert usage_of(body)[0] == usage["prompt_tokens"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nope",
        b'{"usage":null}',
        b'{"usage":{"prompt_tokens":null,"completion_tokens":"7"}}',
        b'{"timings":{"predicted_per_second":null,"predicted_n":-1}}',
        b'{"usage":{"prompt_tokens":' + b"9" * 5000 + b"}}",
    ],
)
def test_usage_that_is_absent_or_absurd_is_none(body: bytes) -> None:
    assert usage_of(body) == (None, None, None)


@pytest.mark.parametrize(
    "usage",
    [
        '{"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}',
        '{"prompt_tokens":10,"total_tokens":30,"completion_tokens":20,"prompt_tokens_details":null}',
        '{"completion_tokens":20,"prompt_tokens":10,"total_tokens":30}',
        '{"total_tokens":30,"prompt_tokens":10,"completion_tokens":20}',
        '{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":3},"completion_tokens":20}',
        '{"input_tokens":10,"output_tokens":20}',
    ],
)
def test_usage_is_found_in_any_order(usage: str) -> None:
    assert usage_of(b'{"id":"x","usage":' + usage.encode() + b"}") == (10, 20, None)


def test_the_last_count_that_is_a_number_is_the_usage() -> None:
    early = b'{"usage":{"input_tokens":1,"completion_tokens":2},'
    late = b'"prompt_tokens":30,"output_tokens":40,"prompt_tokens": null,"output_tokens":"x"}'
    assert usage_of(early + late) == (30, 40, None)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_the_data_of_events_is_read_whatever_stands_beside_it(newline: bytes) -> None:
    lines = [b": hi", b"", b"event: x", b"id: 5", b"data: {", b"data: }", b"", b"retry: 1", b""]
    events = newline.join([*lines, b"data:1", b"", b"data: [DONE]", b"", b""])

    assert payloads(events) == [b"{\n}", b"1", b"[DONE]"]
