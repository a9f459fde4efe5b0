import json
from typing import Any

import pytest

from nexus.domain.request import Endpoint, Needs
from nexus.errors import BadRequest
from nexus.protocols.needs import MAX_EMBEDDING_INPUTS, MAX_MODEL_CHARS, MOST_TOKENS, read_needs

PNG = "data:image/png;base64," + "A" * 40_000


def chat(content: Any = "Hello, who are you?", **fields: Any) -> Needs:
    body = {"model": "m", "messages": [{"role": "user", "content": content}], **fields}
    return read_needs(Endpoint.CHAT, json.dumps(body).encode())


def refused(body: bytes, endpoint: Endpoint = Endpoint.CHAT) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        read_needs(endpoint, body)
    return caught.value


def test_plain_chat_needs_only_its_model() -> None:
    assert chat() == Needs(Endpoint.CHAT, "m", prompt_tokens=4)


def test_stream_and_the_limit_of_the_answer_are_read() -> None:
    found = chat(stream=True, max_tokens=64)

    assert (found.stream, found.max_tokens) == (True, 64)


def test_max_completion_tokens_wins_over_its_older_name() -> None:
    assert chat(max_tokens=64, max_completion_tokens=32).max_tokens == 32


@pytest.mark.parametrize("limit", [None, -1, 0, True, "many", 1.5, []])
def test_a_limit_that_limits_nothing_is_none(limit: object) -> None:
    assert chat(max_tokens=limit).max_tokens is None


def test_a_limit_beyond_every_window_is_cut_since_records_keep_it() -> None:
    assert chat(max_tokens=10**30).max_tokens == MOST_TOKENS


@pytest.mark.parametrize("kind", ["image_url", "input_image"])
def test_an_image_part_needs_vision_and_its_base64_is_not_counted(kind: str) -> None:
    found = chat([{"type": "text", "text": "what is this"}, {"type": kind, "image_url": PNG}])

    assert found.vision
    assert found.prompt_tokens == 3


def test_several_images_among_texts_need_vision() -> None:
    image = {"type": "image_url", "image_url": {"url": PNG}}

    assert chat([image, {"type": "text", "text": "or"}, image]).vision


def test_an_audio_part_needs_audio_and_not_vision() -> None:
    found = chat([{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}])

    assert (found.audio, found.vision) == (True, False)


def test_text_parts_alone_need_no_vision() -> None:
    found = chat([{"type": "text", "text": "image_url"}])

    assert not found.vision


@pytest.mark.parametrize("field", ["tools", "functions"])
def test_tools_are_needed_when_there_are_some_and_their_schema_counts(field: str) -> None:
    schema = [{"type": "function", "function": {"name": "get_weather", "parameters": {}}}]
    found = chat(**{field: schema})

    assert found.tools
    assert found.prompt_tokens == 4 + len(json.dumps(schema)) // 4


@pytest.mark.parametrize("nothing", [[], None, {}, "tools", 3])
def test_no_tools_are_needed_for_an_empty_or_odd_list(nothing: object) -> None:
    assert not chat(tools=nothing).tools


def test_an_empty_list_with_space_inside_is_empty() -> None:
    body = b'{"model":"m","messages":[],"tools":[ \n ]}'

    assert not read_needs(Endpoint.CHAT, body).tools


@pytest.mark.parametrize(
    ("format", "is_json"),
    [
        ({"type": "json_object"}, True),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, True),
        ({"type": "text"}, False),
        ({"type": ["json_object"]}, False),
        ("json_object", False),
        (None, False),
    ],
)
def test_json_mode_is_asked_for_by_its_type(format: object, is_json: bool) -> None:
    assert chat(response_format=format).json_mode is is_json


def test_the_estimate_is_a_quarter_of_the_bytes_of_each_text() -> None:
    assert chat("a" * 4000).prompt_tokens == 1000
    assert chat("é" * 4).prompt_tokens == 2
    assert (
        chat([{"type": "text", "text": "abc"}, {"type": "text", "text": "abc"}]).prompt_tokens == 0
    )


def test_no_messages_at_all_are_for_the_backend_to_judge() -> None:
    assert read_needs(Endpoint.CHAT, b'{"model":"m","messages":[]}').prompt_tokens == 0


@pytest.mark.parametrize(
    "message",
    [None, 3, "text", [], {}, {"content": None}, {"content": 3}, {"role": 1, "content": [None, 3]}]
    + [{"content": [part]} for part in ({}, {"type": 3}, {"type": "text", "text": 5}, "abc", [])],
)
def test_malformed_messages_and_parts_are_tolerated(message: object) -> None:
    body = json.dumps({"model": "m", "messages": [message], "odd": {"x": [1]}, "stop": "."})

    found = read_needs(Endpoint.CHAT, body.encode())

    assert found == Needs(Endpoint.CHAT, "m")


def test_the_last_of_a_repeated_key_counts() -> None:
    body = b'{"mod\\u0065l":"b","stream":true,"messages":[],"str\\u0065am":false}'

    found = read_needs(Endpoint.CHAT, body)

    assert (found.model, found.stream) == ("b", False)


@pytest.mark.parametrize(
    "second", ["model", "Model", "MODEL", "mod\\u0065l", "\\u004dodel", "\\u006Dodel"]
)
@pytest.mark.parametrize("endpoint", Endpoint)
def test_a_model_that_is_said_twice_is_refused_since_backends_would_differ(
    second: str, endpoint: Endpoint
) -> None:
    body = f'{{"model":"a","messages":[],"input":"x","{second}":"x:cloud"}}'.encode()

    assert refused(body, endpoint).param == "model"


def test_the_word_model_elsewhere_is_no_second_model() -> None:
    schema = {"type": "object", "properties": {"model": {}, "Model": {}}}
    body = {
        "metadata": {"model": "x"},
        "model": "m",
        "messages": [{"role": "user", "content": 'a "model": \u0041', "model": 1}],
        "tools": [{"function": {"name": "f", "parameters": schema}}],
    }

    assert read_needs(Endpoint.CHAT, json.dumps(body).encode()).model == "m"


def test_a_lone_surrogate_in_a_message_is_tolerated() -> None:
    found = chat("cut \ud83d", tools=[{"function": {"name": "f"}}], stream=True)

    assert (found.model, found.tools, found.stream) == ("m", True, True)
    assert found.prompt_tokens > 1


@pytest.mark.parametrize("endpoint", list(Endpoint))
@pytest.mark.parametrize(
    "bomb",
    [
        b'{"model":"m","messages":' + b"[" * 200_000,
        b'{"model":"m","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"model":"m","tools":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        b'{"x":"\\ud800","y":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
)
def test_a_depth_bomb_is_refused(endpoint: Endpoint, bomb: bytes) -> None:
    assert refused(bomb, endpoint).message == "The request body is nested too deeply."


def test_truncated_json_is_refused_with_its_place() -> None:
    assert refused(b'{"model":"m","messages":[{"role"').message == (
        "The request body is not valid JSON: Expecting ':' delimiter at byte 32 of 32"
        " (line 1, column 33)."
    )


def test_the_place_is_in_bytes() -> None:
    assert "at byte 12 of 14" in refused('{"é": "é" x}'.encode()).message


@pytest.mark.parametrize("body", [b"", b" \n "])
def test_an_empty_body_is_refused(body: bytes) -> None:
    assert "is empty" in refused(body).message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "an array"),
        (b'"x"', "a string"),
        (b"3", "a number"),
        (b"null", "null"),
        (b"true", "a boolean"),
    ],
)
def test_a_body_that_is_not_an_object_is_refused(body: bytes, kind: str) -> None:
    assert refused(body).message == f"The request body must be a JSON object, not {kind}."


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"\xff","messages":[]}',
        b'{"model":"m","messages":[],"ignored":"\xff"}',
        '{"model":"m","messages":[]}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_not_utf_8_is_refused(body: bytes) -> None:
    assert "is not UTF-8 (byte " in refused(body).message


@pytest.mark.parametrize(
    "body", [b'{"model":NaN}', b'{"model":' + b"9" * 5000 + b"x}", b'{"model":01}']
)
def test_numbers_that_json_does_not_have_are_refused(body: bytes) -> None:
    assert "not valid JSON" in refused(body).message


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (None, "is missing"),
        ("", "is empty"),
        ("  \u00a0", "is empty"),
        (3, "must be a string, not a number"),
        (["m"], "must be a string, not an array"),
        ({"id": "m"}, "must be a string, not an object"),
        ("x" * (MAX_MODEL_CHARS + 1), "has 513 characters"),
        ("m\r\nX-Evil: 1", "control characters"),
        ("m\x7f", "control characters"),
        ("m\u2028", "control characters"),
        ("m\ud800", "control characters"),
        ("\x1b[2J", "control characters"),
    ],
)
@pytest.mark.parametrize("endpoint", list(Endpoint))
def test_an_unusable_model_is_refused(endpoint: Endpoint, model: object, says: str) -> None:
    body = json.dumps({"model": model, "messages": [], "input": "x"}).encode()

    error = refused(body, endpoint)

    assert says in error.message
    assert error.param == "model"


@pytest.mark.parametrize(
    "model", ["llama3:70b", "org/model", "модель", "a b", "x" * MAX_MODEL_CHARS]
)
def test_names_that_models_have_are_accepted(model: str) -> None:
    assert chat(model=model).model == model


def test_a_missing_model_is_refused() -> None:
    assert "`model` is missing" in refused(b'{"messages":[]}').message


@pytest.mark.parametrize("messages", ["hi", 3, {"role": "user"}, True])
def test_messages_of_the_wrong_type_are_refused(messages: object) -> None:
    error = refused(json.dumps({"model": "m", "messages": messages}).encode())

    assert "`messages` must be an array, not " in error.message
    assert error.param == "messages"


def test_missing_messages_are_refused() -> None:
    assert "`messages` is missing" in refused(b'{"model":"m"}').message


@pytest.mark.parametrize("stream", ["true", 1, []])
def test_a_stream_flag_that_servers_would_read_differently_is_refused(stream: object) -> None:
    error = refused(json.dumps({"model": "m", "messages": [], "stream": stream}).encode())

    assert error.param == "stream"


@pytest.mark.parametrize(
    ("prompt", "tokens"),
    [
        ("a" * 40, 10),
        (["a" * 40, "a" * 80], 20),
        ([1, 2, 3], 3),
        ([[1, 2], [1, 2, 3, 4]], 4),
        ([], 0),
        (None, 0),
        ({"prompt_string": "x"}, 0),
        ([None, "abcd"], 1),
    ],
)
def test_a_completion_is_as_long_as_its_longest_prompt(prompt: object, tokens: int) -> None:
    body = json.dumps({"model": "m", "prompt": prompt, "stream": True}).encode()

    found = read_needs(Endpoint.COMPLETIONS, body)

    assert found == Needs(Endpoint.COMPLETIONS, "m", stream=True, prompt_tokens=tokens)


def embeddings(input: object) -> Needs:
    return read_needs(Endpoint.EMBEDDINGS, json.dumps({"model": "m", "input": input}).encode())


@pytest.mark.parametrize(
    ("input", "tokens"),
    [
        ("a" * 40, 10),
        (["a" * 40, "abcd"], 10),
        ([1, 2, 3], 3),
        ([[1, 2], [3]], 2),
        ([1] * 3000, 3000),
    ],
)
def test_embeddings_take_texts_and_tokens(input: object, tokens: int) -> None:
    assert embeddings(input) == Needs(Endpoint.EMBEDDINGS, "m", prompt_tokens=tokens)


def test_an_empty_embeddings_batch_is_refused() -> None:
    with pytest.raises(BadRequest, match=r"^Input must not be empty$"):
        embeddings([])


def test_the_largest_batch_is_accepted_and_one_more_is_refused_with_both_numbers() -> None:
    embeddings(["x"] * MAX_EMBEDDING_INPUTS)

    with pytest.raises(BadRequest, match=r"2049 items; at most 2048"):
        embeddings(["x"] * (MAX_EMBEDDING_INPUTS + 1))


@pytest.mark.parametrize("input", [None, 3, {"text": "x"}, True])
def test_embeddings_of_something_else_are_refused(input: object) -> None:
    with pytest.raises(BadRequest, match=r"^`input` "):
        embeddings(input)
