"""Tell servers apart by what they answer, never by port or status alone.

Servers imitate each other (Ollama's `/api/tags`, llama.cpp's `/props`, vLLM's `/version`), so the
table is ordered: those that say who they are come first, imitators before what they imitate, and
what only looks like OpenAI comes last and is called generic. All questions are GETs without a body
and none is ever paid for: `/health`, which some proxies answer by asking every model, is asked only
of servers that cannot be one. Services known by the name of their host are asked nothing.

Ask `next_calls` until it has no more; then `recognise`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from nexus.backends import signs
from nexus.backends.hosts import service_at
from nexus.backends.signs import MODELS, Replies
from nexus.domain.backend import BackendType
from nexus.domain.http import HttpCall

_DEEPER = (
    "/",
    "/api/version",
    "/api/status",
    "/api/ps",
    "/props",
    "/version",
    "/info",
    "/api/v1/models",
    "/api/v0/models",
    "/.well-known/serviceinfo",
    "/.well-known/localai.json",
    "/api/extra/version",
)


class Sureness(StrEnum):
    """How much a sign proves."""

    CERTAIN = "certain"
    """It says so itself, in a way that nothing else is known to imitate."""
    LIKELY = "likely"
    """It behaves so; an unknown server may too."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a server is, and what gave it away."""

    type: BackendType
    product: str
    """`Ollama`, `llama.cpp`, `KoboldCpp`, ..."""
    evidence: str
    version: str = ""
    sure: Sureness = Sureness.CERTAIN


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One line of the table. `sign` gives the evidence, or nothing."""

    product: str
    type: BackendType
    sign: Callable[[Replies], str]
    version: Callable[[Replies], str] = lambda replies: ""
    sure: Sureness = Sureness.CERTAIN


def next_calls(replies: Replies, url: str = "") -> tuple[HttpCall, ...]:
    """What to ask, given what is known; nothing when it would not tell more."""
    if service_at(url):
        return ()
    if MODELS not in replies:
        return (HttpCall(MODELS),)
    first = replies[MODELS]
    if is_nexus(replies):
        paths: tuple[str, ...] = ()
    elif signs.llamacpp_header(replies):
        paths = ("/props",)
    elif signs.vllm_list(replies):
        paths = ("/version",)
    elif signs.exo_list(replies):
        paths = ()
    elif (
        first.status in (401, 403)
        or signs.listed(replies) is not None
        or signs.lmstudio_any_path(replies)
        or signs.ollama_404(first)
    ):
        paths = _DEEPER
    else:
        paths = ()
    if not paths or all(path in replies for path in paths):
        paths = ("/health",) if signs.like_transformers(replies) else ()
    return tuple(HttpCall(path) for path in paths if path not in replies)


def recognise(replies: Replies, url: str = "") -> Recognition | None:
    """Who answered; None for what is not an LLM server, or does not show it."""
    if service := service_at(url):
        return Recognition(*service)
    if is_nexus(replies):
        return None
    for line in TABLE:
        if evidence := line.sign(replies):
            return Recognition(line.type, line.product, evidence, line.version(replies), line.sure)
    return None


def is_nexus(replies: Replies) -> bool:
    """True where the other end is a Nexus: routing to it could go in circles."""
    return bool(signs.nexus(replies))


def _named(
    product: str,
    sign: Callable[[Replies], str],
    version: Callable[[Replies], str] = lambda replies: "",
) -> Fingerprint:
    return Fingerprint(product, BackendType.GENERIC, sign, version)


TABLE: tuple[Fingerprint, ...] = (
    # Those that say who they are, or that imitate one further down.
    _named("LiteLLM", signs.litellm),
    _named("KoboldCpp", signs.kobold),
    _named("TabbyAPI", lambda r: signs.introduces(r, "tabbyapi") or signs.owned_by(r, "tabbyapi")),
    _named("Aphrodite", lambda r: signs.introduces(r, "aphrodite")),
    _named("LocalAI", signs.localai),
    _named(
        "Lemonade",
        lambda r: signs.owned_by(r, "lemonade") or signs.fields_of(r, "recipe", "checkpoint"),
    ),
    _named("SGLang", lambda r: signs.owned_by(r, "sglang")),
    _named("llama-swap", lambda r: signs.owned_by(r, "llama-swap")),
    _named("GPUStack", lambda r: signs.owned_by(r, "gpustack")),
    _named("TGI", signs.tgi, version=signs.tgi_version),
    _named("OpenRouter", lambda r: signs.fields_of(r, "pricing", "architecture", "top_provider")),
    _named("Groq", lambda r: signs.fields_of(r, "context_window", "active")),
    _named("Together", signs.together),
    # The dialects.
    Fingerprint(
        "llama.cpp router", BackendType.LLAMACPP, signs.llamacpp_router, signs.llamacpp_version
    ),
    Fingerprint("llama.cpp", BackendType.LLAMACPP, signs.llamacpp_header, signs.llamacpp_version),
    Fingerprint(
        "vLLM",
        BackendType.VLLM,
        lambda r: signs.vllm_list(r) or signs.vllm_closed(r),
        lambda r: signs.only_version(r, "/version"),
    ),
    Fingerprint("exo", BackendType.EXO, signs.exo_list),
    Fingerprint(
        "LM Studio",
        BackendType.LMSTUDIO,
        lambda r: signs.lmstudio_api(r) or signs.lmstudio_any_path(r),
    ),
    Fingerprint("llama.cpp", BackendType.LLAMACPP, signs.llamacpp_props, signs.llamacpp_version),
    Fingerprint(
        "Ollama", BackendType.OLLAMA, signs.ollama, lambda r: signs.only_version(r, "/api/version")
    ),
    Fingerprint("OpenAI", BackendType.OPENAI, signs.openai_headers),
    Fingerprint("Anthropic", BackendType.ANTHROPIC, signs.anthropic),
    Fingerprint("Google Gemini", BackendType.GOOGLE, signs.google),
    # Anything else with a model list.
    Fingerprint(
        "MLX-LM",
        BackendType.GENERIC,
        lambda r: signs.like_openai(r) and signs.server(r, "basehttp"),
        sure=Sureness.LIKELY,
    ),
    Fingerprint(
        "transformers serve", BackendType.GENERIC, signs.transformers, sure=Sureness.LIKELY
    ),
    _named("OpenAI-compatible", signs.like_openai),
)
