import pytest

from nexus.errors import BadRequest
from nexus.protocols.splice import as_stream, spans, with_model


def test_only_the_model_changes() -> None:
    body = b'{ "temperature" : 1.0e0,\n\t"model"\t: "gpt-4" , "x":"\\u00e9\\/" }\n'

    assert with_model(body, "llama3:70b") == body.replace(b'"gpt-4"', b'"llama3:70b"')


def test_a_model_inside_another_value_is_left_alone() -> None:
    body = b'{"metadata":{"model":"a"},"s":"\\"model\\":\\"a\\"","l":[{"model":"a"}],"model":"a"}'

    assert with_model(body, "b") == body[: -len(b'"a"}')] + b'"b"}'


def test_every_repetition_of_the_model_changes_whatever_its_spelling() -> None:
    body = b'{"model":"a","mod\\u0065l":"a","model" :  null}'

    assert with_model(body, "b") == b'{"model":"b","mod\\u0065l":"b","model" :  "b"}'


def test_repeated_values_that_begin_alike_are_told_apart() -> None:
    body = b'{"n":123,"model":"a","n":12,"model":"ab"}'

    assert with_model(body, "x") == b'{"n":123,"model":"x","n":12,"model":"x"}'


def test_a_name_with_quotes_is_escaped() -> None:
    assert with_model(b'{"model":"a"}', 'b"\\é') == '{"model":"b\\"\\\\é"}'.encode()


def test_a_lone_surrogate_elsewhere_does_not_matter() -> None:
    body = b'{"x":"\\ud800","\\ud83d":1,"model":"a"}'

    assert with_model(body, "b") == body.replace(b'"a"', b'"b"')


@pytest.mark.parametrize(
    "body", [b"{}", b'{"x":{"model":"a"}}', b"[]", b"", b'{"model":"a"', b"nope"]
)
def test_a_body_without_a_model_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        with_model(body, "b")


def test_a_stream_is_asked_for_in_front() -> None:
    assert as_stream(b' {"model":"a"}') == (
        b' {"stream":true,"stream_options":{"include_usage":true},"model":"a"}'
    )


def test_present_options_are_changed_in_place() -> None:
    body = b'{"stream":false,"stream_options":{ "x":{"include_usage":0},"include_usage":false}}'

    assert as_stream(body) == (
        b'{"stream":true,"stream_options":{ "x":{"include_usage":0},"include_usage":true}}'
    )


@pytest.mark.parametrize(
    ("options", "becomes"),
    [
        (b"null", b'{"include_usage":true}'),
        (b"{}", b'{"include_usage":true}'),
        (b"{ }", b'{ "include_usage":true}'),
        (b'{"a":1}', b'{"include_usage":true,"a":1}'),
        (b'"odd"', b'{"include_usage":true}'),
    ],
)
def test_options_of_every_shape_end_up_asking_for_usage(options: bytes, becomes: bytes) -> None:
    body = b'{"stream":true,"stream_options":' + options + b"}"

    assert as_stream(body) == b'{"stream":true,"stream_options":' + becomes + b"}"


def test_an_empty_object_gets_no_stray_comma() -> None:
    assert as_stream(b"{ }") == b'{ "stream":true,"stream_options":{"include_usage":true}}'


def test_a_depth_bomb_is_refused_and_does_not_crash() -> None:
    with pytest.raises(BadRequest):
        spans(b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_spans_are_offsets_of_the_values() -> None:
    body = '{"é":[1, 2] , "b":{"c":"}"},"a":"x"}'.encode()

    found = [(key, body[start:end]) for key, start, end in spans(body)]

    assert found == [("é", b"[1, 2]"), ("b", b'{"c":"}"}'), ("a", b'"x"')]
