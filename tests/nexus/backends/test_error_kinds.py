"""Every error that a real server was seen to answer, and some that their sources promise."""

from __future__ import annotations

import json

import pytest

from nexus.backends.error_kinds import ErrorKind, ErrorReading, classify
from nexus.domain.request import Endpoint
from tests.fakes.captured import CAPTURES, captured

RECORDED = {
    "litellm/embeddings": ErrorReading(ErrorKind.CAPABILITY, "embeddings"),
    "litellm/err_bad_json": ErrorReading(ErrorKind.INVALID),
    "litellm/err_context": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "litellm/err_no_messages": ErrorReading(ErrorKind.INVALID),
    "litellm/err_unknown_model": ErrorReading(ErrorKind.MODEL_ABSENT),
    "llamacpp/embeddings_not_enabled": ErrorReading(ErrorKind.CAPABILITY, "embeddings"),
    "llamacpp/err_bad_json": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_bad_messages": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_bad_param": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_bad_schema": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_context": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "llamacpp/err_context_stream": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "llamacpp/err_empty_body": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_image": ErrorReading(ErrorKind.CAPABILITY, "vision"),
    "llamacpp/err_no_messages": ErrorReading(ErrorKind.INVALID),
    "llamacpp/err_tool_choice": ErrorReading(ErrorKind.INVALID),
    "llamacpp-auth/err_no_key": ErrorReading(ErrorKind.AUTH),
    "llamacpp-auth/err_wrong_key": ErrorReading(ErrorKind.AUTH),
    "llamacpp-embed/embeddings_too_long": ErrorReading(ErrorKind.CONTEXT),
    "llamacpp-embed/err_no_input": ErrorReading(ErrorKind.INVALID),
    "llamacpp-loading/chat_loading": ErrorReading(ErrorKind.LOADING),
    "llamacpp-router/chat_no_autoload": ErrorReading(ErrorKind.LOADING),
    "llamacpp-router/chat_while_loading": ErrorReading(ErrorKind.LOADING),
    "llamacpp-router/err_no_model": ErrorReading(ErrorKind.INVALID),
    "llamacpp-router/err_unknown_model": ErrorReading(ErrorKind.MODEL_ABSENT),
    "llamacpp-vision/err_image_bad_base64": ErrorReading(ErrorKind.INVALID),
    "llamacpp-vision/err_image_remote_url": ErrorReading(ErrorKind.OTHER),
    "mlx-lm/embeddings": ErrorReading(ErrorKind.PATH_ABSENT, "embeddings"),
    "mlx-lm/err_bad_json": ErrorReading(ErrorKind.INVALID),
    "mlx-lm/err_no_messages": ErrorReading(ErrorKind.INVALID),
    "mlx-lm/err_unknown_model": ErrorReading(ErrorKind.MODEL_ABSENT),
    "transformers-serve/embeddings": ErrorReading(ErrorKind.PATH_ABSENT, "embeddings"),
    "transformers-serve/err_bad_json": ErrorReading(ErrorKind.INVALID),
    "transformers-serve/err_no_messages": ErrorReading(ErrorKind.OTHER),
    "transformers-serve/err_unknown_model": ErrorReading(ErrorKind.MODEL_ABSENT),
    "vllm/embeddings_not_supported": ErrorReading(ErrorKind.PATH_ABSENT, "embeddings"),
    "vllm/err_bad_json": ErrorReading(ErrorKind.INVALID),
    "vllm/err_bad_messages": ErrorReading(ErrorKind.INVALID),
    "vllm/err_bad_param": ErrorReading(ErrorKind.INVALID),
    "vllm/err_bad_schema": ErrorReading(ErrorKind.INVALID),
    "vllm/err_context": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "vllm/err_context_stream": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "vllm/err_empty_body": ErrorReading(ErrorKind.INVALID),
    "vllm/err_empty_messages": ErrorReading(ErrorKind.INVALID),
    "vllm/err_image": ErrorReading(ErrorKind.CAPABILITY, "vision"),
    "vllm/err_max_tokens_too_big": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "vllm/err_no_messages": ErrorReading(ErrorKind.INVALID),
    "vllm/err_param_range": ErrorReading(ErrorKind.INVALID),
    "vllm/err_tools_type": ErrorReading(ErrorKind.INVALID),
    "vllm/err_unknown_model": ErrorReading(ErrorKind.MODEL_ABSENT),
    "vllm-embed/chat_on_pooling": ErrorReading(ErrorKind.PATH_ABSENT, "chat"),
    "vllm-embed/embeddings_dimensions": ErrorReading(ErrorKind.INVALID),
    "vllm-embed/embeddings_too_long": ErrorReading(ErrorKind.CONTEXT, limit=512),
    "vllm-think/err_wrong_key": ErrorReading(ErrorKind.AUTH),
}


def _endpoint(path: str) -> Endpoint | None:
    plain = path.partition("?")[0]
    return next((endpoint for endpoint in Endpoint if endpoint == plain), None)


def refusals() -> set[str]:
    """Every recorded error of a relayed path."""
    found: set[str] = set()
    for path in CAPTURES.glob("*/*.json"):
        case = captured(path.parent.name, path.stem)
        if case.status >= 400 and case.method == "POST" and _endpoint(case.path):
            found.add(f"{path.parent.name}/{path.stem}")
    return found


def test_no_recorded_error_is_forgotten() -> None:
    assert refusals() == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_error_is_understood(name: str) -> None:
    case = captured(*name.split("/"))
    assert classify(case.status, case.text.encode(), _endpoint(case.path)) == RECORDED[name]


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        # Ollama
        (400, {"error": '"phi3" does not support tools'}, ("capability", "tools", None)),
        (
            400,
            {"error": {"message": "registry.ollama.ai/library/phi3 does not support tools"}},
            ("capability", "tools", None),
        ),
        (400, {"error": '"nomic-embed-text" does not support chat'}, ("capability", "chat", None)),
        (404, {"error": "model 'x' not found"}, ("model_absent", "", None)),
        (503, {"error": "server busy, please try again."}, ("overloaded", "", None)),
        (400, {"error": "the input length exceeds the context length"}, ("context", "", None)),
        # OpenAI
        (
            400,
            {
                "error": {
                    "message": "This model's maximum context length is 8192 tokens. However, ...",
                    "type": "invalid_request_error",
                    "param": "messages",
                    "code": "context_length_exceeded",
                }
            },
            ("context", "", 8192),
        ),
        (
            404,
            {"error": {"message": "The model `g` does not exist", "code": "model_not_found"}},
            ("model_absent", "", None),
        ),
        (429, {"error": {"message": "wait", "type": "requests"}}, ("rate_limited", "", None)),
        (429, {"error": {"code": "insufficient_quota"}}, ("rate_limited", "", None)),
        (401, {"error": {"code": "invalid_api_key"}}, ("auth", "", None)),
        (500, {"error": {"message": "The server had an error"}}, ("other", "", None)),
        # Anthropic
        (
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 210000 tokens > 200000 maximum",
                },
            },
            ("context", "", None),
        ),
        (529, {"error": {"type": "overloaded_error"}}, ("overloaded", "", None)),
        # Google's list of one
        (401, [{"error": {"code": 401, "message": "API key not valid"}}], ("auth", "", None)),
        # OpenRouter, exo
        (
            404,
            {"error": {"code": 404, "message": "No endpoints found that support tool use."}},
            ("capability", "tools", None),
        ),
        (
            404,
            {"error": {"message": "No instance found for model m", "type": "Not Found"}},
            ("model_absent", "", None),
        ),
        (
            402,
            {"error": {"code": 402, "message": "Insufficient credits"}},
            ("rate_limited", "", None),
        ),
    ],
)
def test_a_documented_error_is_understood(
    status: int, body: object, expected: tuple[str, str, int | None]
) -> None:
    found = classify(status, json.dumps(body).encode(), Endpoint.CHAT)
    assert (found.kind.value, found.capability, found.limit) == expected


def test_a_request_that_is_quoted_back_cannot_say_what_a_server_can_do() -> None:
    quoted = {"error": {"message": "1 validation error:\n {'input': 'does not support tools'}"}}
    assert classify(400, json.dumps(quoted).encode()).kind is ErrorKind.INVALID
    late = {"error": {"message": "no" + " " * 400 + "does not support tools"}}
    assert classify(400, json.dumps(late).encode()).kind is ErrorKind.INVALID
    beside = {"error": {"message": "no"}, "prompt": "image input is not supported"}
    assert classify(400, json.dumps(beside).encode()).kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 5000, b"null", b"[]", b'{"error": 7}', b"x" * 200_000]
)
def test_garbage_is_judged_by_its_status(body: bytes) -> None:
    assert classify(500, body).kind is ErrorKind.OTHER
    assert classify(503, body).kind is ErrorKind.OVERLOADED
    assert classify(401, body).kind is ErrorKind.AUTH


def test_what_is_no_error_has_no_kind() -> None:
    said = b'{"error": {"code": "context_length_exceeded"}}'
    assert classify(200, said).kind is ErrorKind.OTHER


def test_a_completions_path_that_is_missing_says_nothing_about_chat() -> None:
    missing = b'{"detail": "Not Found"}'
    assert classify(404, missing, Endpoint.COMPLETIONS).capability == ""
    assert classify(404, missing, Endpoint.CHAT).capability == "chat"


def test_what_is_not_supported_is_said_by_the_sentence_before_the_path() -> None:
    case = captured("llamacpp", "embeddings_not_enabled")
    for endpoint in (None, Endpoint.EMBEDDINGS, Endpoint.CHAT):
        found = classify(case.status, case.text.encode(), endpoint)
        assert (found.kind, found.capability) == (ErrorKind.CAPABILITY, "embeddings")
    other = captured("llamacpp", "rerank_not_enabled")
    assert classify(other.status, other.text.encode()).capability == ""


def test_only_three_kinds_are_the_requests_own_fault() -> None:
    assert {kind for kind in ErrorKind if kind.is_the_requests_fault} == {
        ErrorKind.CONTEXT,
        ErrorKind.CAPABILITY,
        ErrorKind.INVALID,
    }
