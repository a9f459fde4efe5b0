"""What a request needs, read from its body in one pass."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from nexus.domain.backend import Zone
from nexus.domain.value import value


class Endpoint(StrEnum):
    """The relayed paths. The value is the path clients post to."""

    CHAT = "/v1/chat/completions"
    COMPLETIONS = "/v1/completions"
    EMBEDDINGS = "/v1/embeddings"


PATHS: Mapping[str, Endpoint] = {
    path: endpoint
    for endpoint in Endpoint
    for path in (endpoint.value, endpoint.value.removeprefix("/v1"))
}
"""The relayed paths, with and without `/v1` (some tools leave it out)."""

ANONYMOUS = "anonymous"
"""The tenant of a request that does not say whose it is."""


@value
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
    zone: Zone | None = None
    """`restricted`: the request stays with backends of that zone. Anything else asks nothing."""
    zone_by: str = ""
    """Who asks that, for a sentence: `the client`, `policy 'llama*'`."""
    min_tier: int = 0
    """Least capability tier of a backend that may serve; 0 asks nothing."""
    tier_by: str = ""
    strict: bool = False
    """The model that was asked for and no other: fallbacks are not used."""
    flexible: bool = False
    """Said by the client; any backend of the least tier or above, which is the usual anyway."""
    affinity: str = ""
    """Requests with the same text share a prompt cache. Chosen by clients: never shown."""
    tenant: str = ANONYMOUS
    """Whose request it is, as policies name tenants."""
    headers: tuple[tuple[str, str], ...] = ()
    """The conditions on headers that policies name and that hold, as those name them."""
