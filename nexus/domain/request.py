"""What a request needs, read from its body in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Endpoint(StrEnum):
    """The relayed paths. The value is the path clients post to."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"


@dataclass(frozen=True, slots=True)
class Needs:
    """Everything routing may know about a request. Nothing is required that it does not ask for."""

    endpoint: Endpoint
    model: str
    stream: bool = False
    vision: bool = False
    audio: bool = False
    tools: bool = False
    json_mode: bool = False
    prompt_tokens: int = 0
    """Estimate of the prompt, tokens (bytes / 4; the contract's rule, section 6.4)."""
    max_tokens: int | None = None
    """What the client allows for the answer, tokens."""
