"""What an error answer means, in whatever shape a server says it. Pure, and never raises.

A table of sentences that servers are known to write, in order; the status decides where none fits.
Only the error's own fields are looked at, never the whole body: some servers quote the request back
in their errors, and a prompt must not be able to say what its server can do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from nexus.backends import reading
from nexus.domain.request import Endpoint

_LIMIT = 64 * 1024
"""Bytes; a longer body is not read for its meaning."""
_SAID = 400
"""Characters of a message that are looked at. Servers put the reason first and quotes last."""


class ErrorKind(StrEnum):
    """Whose fault an error is, and what would help."""

    CONTEXT = "context"
    """The prompt, or what is allowed for the answer, is longer than the model's window."""
    CAPABILITY = "capability"
    """The model cannot do what was asked."""
    MODEL_ABSENT = "model_absent"
    LOADING = "loading"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    AUTH = "auth"
    PATH_ABSENT = "path_absent"
    """The server has no such path: it does not offer this kind of request."""
    INVALID = "invalid"
    """The request is wrong for every server."""
    OTHER = "other"

    @property
    def is_the_requests_fault(self) -> bool:
        """True where the same request fails on the same kind of server again, and it is well."""
        return self in (ErrorKind.CONTEXT, ErrorKind.CAPABILITY, ErrorKind.INVALID)


@dataclass(frozen=True, slots=True)
class ErrorReading:
    """The meaning of one error answer."""

    kind: ErrorKind
    capability: str = ""
    """For `CAPABILITY`: the field of `Model` that is missing; empty where it was not said."""
    limit: int | None = None
    """For `CONTEXT`: the window in tokens, where the error tells it."""


_SENTENCES: tuple[tuple[re.Pattern[str], ErrorKind, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, capability)
    for pattern, kind, capability in (
        # vLLM quotes the request here, so nothing further down may look at it
        (r"^\d+ validation errors?:", ErrorKind.INVALID, ""),
        # llama.cpp: image, audio; vLLM; Ollama and LM Studio; OpenAI and its like
        (r"^image input is not supported", ErrorKind.CAPABILITY, "vision"),
        (r"^audio input is not supported", ErrorKind.CAPABILITY, "audio"),
        (r"^[^\s`'\"]{1,256} is not a multimodal model$", ErrorKind.CAPABILITY, "vision"),
        (r"^at most 0 image\(s\) may be provided", ErrorKind.CAPABILITY, "vision"),
        (r"^at most 0 audio\(s\) may be provided", ErrorKind.CAPABILITY, "audio"),
        (r"does not support (image|vision|multimodal)", ErrorKind.CAPABILITY, "vision"),
        (r"image_url.{0,40} is only supported by", ErrorKind.CAPABILITY, "vision"),
        (r"no endpoints found that support image", ErrorKind.CAPABILITY, "vision"),
        (r"does not support audio", ErrorKind.CAPABILITY, "audio"),
        (r"does not support tools", ErrorKind.CAPABILITY, "tools"),
        (r"no endpoints found that support tool", ErrorKind.CAPABILITY, "tools"),
        (r"tool choice requires --enable-auto-tool-choice", ErrorKind.CAPABILITY, "tools"),
        (r"does not support (thinking|reasoning)", ErrorKind.CAPABILITY, "reasoning"),
        (r"does not support (generate|chat)", ErrorKind.CAPABILITY, "chat"),
        (
            r"does not support (the )?(chat completions|completions) api",
            ErrorKind.CAPABILITY,
            "chat",
        ),
        (r"does not support embedding", ErrorKind.CAPABILITY, "embeddings"),
        (r"does not support (the )?embeddings api", ErrorKind.CAPABILITY, "embeddings"),
        # too long: OpenAI and vLLM, llama.cpp, Ollama, LM Studio, TGI, Anthropic
        (r"maximum context length", ErrorKind.CONTEXT, ""),
        (r"exceeds the available context size", ErrorKind.CONTEXT, ""),
        (r"input length exceeds the context length", ErrorKind.CONTEXT, ""),
        (r"longer than the context length", ErrorKind.CONTEXT, ""),
        (r"greater than the context length", ErrorKind.CONTEXT, ""),
        (r"context length of only \d+ tokens", ErrorKind.CONTEXT, ""),
        (r"cannot be greater than max_model_len", ErrorKind.CONTEXT, ""),
        (r"`inputs` must have less than \d+ tokens", ErrorKind.CONTEXT, ""),
        (r"input \(\d+ tokens\) is too large to process", ErrorKind.CONTEXT, ""),
        (r"^prompt is too long", ErrorKind.CONTEXT, ""),
        # absent: router, Ollama, exo, LiteLLM, transformers serve, vLLM and OpenAI
        (r"^model ['\"`].{1,256}['\"`] not found", ErrorKind.MODEL_ABSENT, ""),
        (r"^the model ['\"`].{1,256}['\"`] does not exist", ErrorKind.MODEL_ABSENT, ""),
        (r"^no instance found for model", ErrorKind.MODEL_ABSENT, ""),
        (r"invalid model name passed in model=", ErrorKind.MODEL_ABSENT, ""),
        (r"^server is pinned to ", ErrorKind.MODEL_ABSENT, ""),
        (r"^cannot find an appropriate cached snapshot", ErrorKind.MODEL_ABSENT, ""),
        # loading: llama.cpp, its router, LocalAI
        (r"^loading model", ErrorKind.LOADING, ""),
        (r"^model is not loaded$", ErrorKind.LOADING, ""),
        (r"^proxy error: ", ErrorKind.LOADING, ""),
        # busy: Ollama, llama.cpp
        (r"^server busy", ErrorKind.OVERLOADED, ""),
        (r"^no slot available", ErrorKind.OVERLOADED, ""),
        # a 500 that the request earned: llama.cpp
        (r"^failed to parse (tools|messages|tool_choice|grammar)", ErrorKind.INVALID, ""),
        (r"^\[json\.exception\.", ErrorKind.INVALID, ""),
        (r"^failed to (load|decode|download) (image|audio)", ErrorKind.INVALID, ""),
    )
)
"""First match wins."""

_CODES = {
    "context_length_exceeded": ErrorKind.CONTEXT,
    "exceed_context_size_error": ErrorKind.CONTEXT,
    "model_not_found": ErrorKind.MODEL_ABSENT,
    "insufficient_quota": ErrorKind.RATE_LIMITED,
    "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
    "rate_limit_error": ErrorKind.RATE_LIMITED,
    "overloaded_error": ErrorKind.OVERLOADED,
    "authentication_error": ErrorKind.AUTH,
    "permission_error": ErrorKind.AUTH,
    "invalid_api_key": ErrorKind.AUTH,
}
"""`error.code` and `error.type`, which say it without a sentence."""

_NUMBERS = (
    re.compile(r"maximum context length (?:is|of) (\d{2,9})"),
    re.compile(r"available context size \((\d{2,9}) tokens\)"),
    re.compile(r"max_model_len=(\d{2,9})"),
    re.compile(r"context length of only (\d{2,9}) tokens"),
    re.compile(r"must have less than (\d{2,9}) tokens"),
)
_NO_PATH = frozenset({"file not found", "not found", "404 page not found"})
_STATUS = {
    401: ErrorKind.AUTH,
    402: ErrorKind.RATE_LIMITED,
    403: ErrorKind.AUTH,
    429: ErrorKind.RATE_LIMITED,
    503: ErrorKind.OVERLOADED,
    529: ErrorKind.OVERLOADED,
}
_INVALID = frozenset({400, 405, 413, 415, 422})
_OTHER = ErrorReading(ErrorKind.OTHER)


def classify(status: int, body: bytes, endpoint: Endpoint | None = None) -> ErrorReading:
    """What an answer of this status and body means.

    Args:
        endpoint: what was asked for; tells what is missing where a server has no such path.
    """
    if status < 400:
        return _OTHER
    words, message, limit = _said(body)
    for word in words:
        if kind := _CODES.get(word):
            return ErrorReading(kind, limit=limit or _number(message))
    if "not_supported_error" in words:
        return ErrorReading(ErrorKind.CAPABILITY, _lack(message) or _by_path(endpoint))
    for pattern, kind, capability in _SENTENCES:
        if pattern.search(message):
            if kind is ErrorKind.CONTEXT:
                return ErrorReading(kind, limit=limit or _number(message))
            return ErrorReading(kind, capability)
    if status == 404:
        if message.lower() in _NO_PATH:
            return ErrorReading(ErrorKind.PATH_ABSENT, _by_path(endpoint))
        absent = {"notfounderror", "not_found_error"} & words
        return ErrorReading(ErrorKind.MODEL_ABSENT) if absent else _OTHER
    if kind := _STATUS.get(status):
        return ErrorReading(kind)
    return ErrorReading(ErrorKind.INVALID) if status in _INVALID else _OTHER


def _said(body: bytes) -> tuple[frozenset[str], str, int | None]:
    """The error's type and code, its sentence, and the window where it is a field of its own."""
    if len(body) > _LIMIT:
        return frozenset(), "", None
    try:
        parsed: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return frozenset(), body[:_SAID].decode("utf-8", "replace").strip(), None
    # Gemini's compatible path: a list of one error.
    document = reading.obj(next(iter(reading.items(parsed)), parsed))
    error = document.get("error")
    detail = reading.obj(error)
    words = (detail.get("type"), detail.get("code"), document.get("code"))
    said = (detail.get("message"), error, document.get("message"), document.get("detail"))
    message = next((text for value in said if (text := reading.text(value))), "")
    return (
        frozenset(reading.text(word).lower() for word in words) - {""},
        message[:_SAID].strip(),
        reading.count(detail.get("n_ctx")),
    )


def _number(message: str) -> int | None:
    found = (pattern.search(message) for pattern in _NUMBERS)
    return next((int(match[1]) for match in found if match), None)


def _lack(message: str) -> str:
    lower = message.lower()
    return "embeddings" if "does not support embeddings" in lower else ""


def _by_path(endpoint: Endpoint | None) -> str:
    """What a server without this path cannot do. Completions are old, and say nothing of chat."""
    if endpoint is Endpoint.EMBEDDINGS:
        return "embeddings"
    return "chat" if endpoint is Endpoint.CHAT else ""
