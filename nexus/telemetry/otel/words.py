"""What the GenAI conventions call things. They are in development: this is their word of 2026.

Values that would make new time series are bounded before they come here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from nexus.domain.backend import BackendType
from nexus.domain.request import Endpoint

OPERATION: Final = "gen_ai.operation.name"
PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
STREAM: Final = "gen_ai.request.stream"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"
ERROR_TYPE: Final = "error.type"
ADDRESS: Final = "server.address"
PORT: Final = "server.port"
METHOD: Final = "http.request.method"
PATH: Final = "url.path"
STATUS: Final = "http.response.status_code"

OPERATIONS: Final[Mapping[Endpoint, str]] = {
    Endpoint.CHAT: "chat",
    Endpoint.COMPLETIONS: "text_completion",
    Endpoint.EMBEDDINGS: "embeddings",
}

_PROVIDERS: Final[Mapping[BackendType, str]] = {
    BackendType.OPENAI: "openai",
    BackendType.ANTHROPIC: "anthropic",
    BackendType.GOOGLE: "gcp.gemini",
}

Value = str | int | float | bool
Attributes = dict[str, Value]


def operation(endpoint: Endpoint) -> str:
    """The conventions' name of an endpoint."""
    return OPERATIONS.get(endpoint, "chat")


def provider(type: BackendType) -> str:
    """The conventions' name of who serves; ours where they have none."""
    return _PROVIDERS.get(type, type.value)


def place(url: str) -> Attributes:
    """Host and port of a backend; nothing of its user information or path."""
    parts = urlsplit(url)
    if not parts.hostname:
        return {}
    return {ADDRESS: parts.hostname, PORT: parts.port or (443 if parts.scheme == "https" else 80)}
