"""Signs by which a server gives itself away: each function returns its evidence, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from nexus.backends import openai, reading
from nexus.backends.reading import Object
from nexus.domain.http import HttpReply

Replies = Mapping[str, HttpReply]
"""By path. A path that got no answer is there with status 0."""

MODELS = openai.MODELS.path
_NOBODY = HttpReply(0)


# ---- looking


def reply_at(replies: Replies, path: str) -> HttpReply:
    return replies.get(path, _NOBODY)


def body_at(replies: Replies, path: str) -> Object:
    return reading.document(reply_at(replies, path))


def headers_named(replies: Replies, name: str) -> Iterator[str]:
    return (reply.headers[name] for reply in replies.values() if name in reply.headers)


def listed(replies: Replies) -> tuple[Object, ...] | None:
    """The model list's entries; None when there is no list."""
    try:
        return tuple(entry for _, entry in openai.entries(reply_at(replies, MODELS)))
    except ValueError:
        return None


def all_entries(replies: Replies) -> tuple[Object, ...]:
    return listed(replies) or ()


def owned_by(replies: Replies, *names: str) -> str:
    for entry in all_entries(replies):
        owner = reading.text(entry.get("owned_by"))
        if owner.lower() in names:
            return f"models owned by {owner}"
    return ""


def fields_of(replies: Replies, *names: str) -> str:
    """Evidence when one entry has all of these fields."""
    found = any(all(name in entry for name in names) for entry in all_entries(replies))
    return f"models have {', '.join(names)}" if found else ""


def server(replies: Replies, start: str) -> str:
    found = next((s for s in headers_named(replies, "server") if s.lower().startswith(start)), "")
    return f"Server: {reading.short(found, 60)}" if found else ""


def introduces(replies: Replies, name: str) -> str:
    """`/.well-known/serviceinfo`, by which some servers introduce themselves."""
    software = reading.obj(body_at(replies, "/.well-known/serviceinfo").get("software"))
    said = reading.text(software.get("name"))
    return f"introduces itself as {said}" if said.lower().startswith(name) else ""


def only_version(replies: Replies, path: str) -> str:
    """The version at `path` when the answer has nothing else in it."""
    body = body_at(replies, path)
    return reading.short(body.get("version"), 40) if list(body) == ["version"] else ""


# ---- signs


def nexus(replies: Replies) -> str:
    """Another gateway like us. Its models are owned by its backends, so it has to be first."""
    welcome = body_at(replies, "/")
    if welcome.get("name") == "nexus" and "openai_base_url" in welcome:
        return "introduces itself as nexus"
    for answer in replies.values():
        if any(name.startswith("x-nexus-") for name in answer.headers):
            return "header X-Nexus"
    ours = any(
        reading.array(entry.get("backends")) is not None and "capabilities" in entry
        for entry in all_entries(replies)
    )
    return "models have backends" if ours else owned_by(replies, "nexus")


def litellm(replies: Replies) -> str:
    for reply in replies.values():
        for name in reply.headers:
            if name.startswith(("x-litellm-", "litellm-", "llm_provider-")):
                return f"header {name}"
    entries = all_entries(replies)
    same = entries and all(entry.get("created") == 1677610602 for entry in entries)
    return "every model created 1677610602" if same else ""


def kobold(replies: Replies) -> str:
    if body_at(replies, "/api/extra/version").get("result") == "KoboldCpp":
        return "/api/extra/version says KoboldCpp"
    return (
        owned_by(replies, "koboldcpp")
        or server(replies, "concedollama")
        or server(replies, "koboldcpp")
        or introduces(replies, "koboldcpp")
    )


def localai(replies: Replies) -> str:
    if next(headers_named(replies, "x-localai-node"), ""):
        return "header X-LocalAI-Node"
    known = reply_at(replies, "/.well-known/localai.json")
    told = reading.document(known) and not reading.error_text(known)
    return "/.well-known/localai.json" if told else ""


def llamacpp_header(replies: Replies) -> str:
    return server(replies, "llama.cpp") or server(replies, "llamafile")


def llamacpp_router(replies: Replies) -> str:
    told = body_at(replies, "/props").get("role") == "router"
    return "/props has the role router" if told and llamacpp_props(replies) else ""


def tgi(replies: Replies) -> str:
    info = body_at(replies, "/info")
    router = reading.text(info.get("router"))
    if router.startswith("text-generation-router"):
        return f"/info says {reading.short(router, 40)}"
    limits = "max_total_tokens" in info and "max_concurrent_requests" in info
    return "/info has text-generation-inference's limits" if limits else ""


def tgi_version(replies: Replies) -> str:
    return reading.short(body_at(replies, "/info").get("version"), 40)


def together(replies: Replies) -> str:
    """Its list is a bare array."""
    try:
        bare = reading.array(reading.parse(reply_at(replies, MODELS))) is not None
    except ValueError:
        return ""
    return (bare and fields_of(replies, "pricing", "type")) or ""


def anthropic(replies: Replies) -> str:
    first = reply_at(replies, MODELS)
    if any(name.startswith("anthropic-") for name in first.headers):
        return "headers anthropic-*"
    body = reading.error_document(first)
    refused = reading.obj(body.get("error")).get("type") == "authentication_error"
    if body.get("type") == "error" and refused and "request-id" in first.headers:
        return "its way to refuse, with a request-id"
    return ""


def google(replies: Replies) -> str:
    models = reading.objects(body_at(replies, MODELS).get("models"))
    if any("supportedGenerationMethods" in entry for entry in models):
        return "models have supportedGenerationMethods"
    return ""


def like_transformers(replies: Replies) -> bool:
    """An empty list from uvicorn, and none of the paths of the others. Never LiteLLM."""
    if litellm(replies) or listed(replies) != () or not server(replies, "uvicorn"):
        return False
    return not any(200 <= reply.status < 300 for path, reply in replies.items() if path in _OTHERS)


def transformers(replies: Replies) -> str:
    if like_transformers(replies) and body_at(replies, "/health").get("status") == "ok":
        return "an empty list, and its /health"
    return ""


_OTHERS = frozenset(
    {"/version", "/info", "/props", "/api/version", "/.well-known/serviceinfo", "/api/v1/models"}
)


def llamacpp_props(replies: Replies) -> str:
    props = body_at(replies, "/props")
    if "default_generation_settings" in props and (
        ("total_slots" in props and ("build_info" in props or "chat_template" in props))
        or props.get("role") == "router"
    ):
        return "/props has llama.cpp's settings"
    return ""


def llamacpp_version(replies: Replies) -> str:
    return reading.short(body_at(replies, "/props").get("build_info"), 40)


def vllm_list(replies: Replies) -> str:
    owner = owned_by(replies, "vllm")
    return owner if owner and fields_of(replies, "max_model_len", "permission") else ""


def vllm_closed(replies: Replies) -> str:
    """With a key set, `/version` stays open and the refusal has a shape of its own."""
    first = reply_at(replies, MODELS)
    refused = first.status == 401 and reading.error_document(first) == {"error": "Unauthorized"}
    if refused and server(replies, "uvicorn") and only_version(replies, "/version"):
        return "/version, and its way to refuse"
    return ""


def lmstudio_any_path(replies: Replies) -> str:
    for reply in replies.values():
        if reply.status == 200 and reading.error_text(reply).startswith(
            "Unexpected endpoint or method"
        ):
            return "answers 200 to unknown paths, as LM Studio does"
    return ""


def lmstudio_api(replies: Replies) -> str:
    newer = reading.objects(body_at(replies, "/api/v1/models").get("models"))
    if any("key" in entry and "loaded_instances" in entry for entry in newer):
        return "/api/v1/models has loaded_instances"
    older = reading.objects(body_at(replies, "/api/v0/models").get("data"))
    if any("state" in entry and "compatibility_type" in entry for entry in older):
        return "/api/v0/models has compatibility_type"
    return ""


def exo_list(replies: Replies) -> str:
    return owned_by(replies, "exo") or fields_of(
        replies, "supports_tensor", "storage_size_megabytes"
    )


def ollama(replies: Replies) -> str:
    """`/api/version` alone is imitated; what must go with it is not."""
    if not only_version(replies, "/api/version"):
        return ""
    foreign = {"created_by", "root", "max_model_len", "recipe", "meta", "permission"}
    if any(not foreign.isdisjoint(entry) for entry in all_entries(replies)):
        return ""
    if "cloud" in body_at(replies, "/api/status"):
        return "/api/version and /api/status"
    running = reading.objects(body_at(replies, "/api/ps").get("models"))
    if any("expires_at" in entry and "size_vram" in entry for entry in running):
        return "/api/version and /api/ps"
    entries = all_entries(replies)
    if entries and all(
        ":" in reading.text(entry.get("id")) and entry.get("owned_by") for entry in entries
    ):
        return owned_by(replies, "library") and "/api/version and models owned by library"
    # Older and empty: its router's own words for a path that is not there.
    status = reply_at(replies, "/api/status")
    empty = listed(replies) == ()
    if empty and status.status == 404 and status.body.strip() == b"404 page not found":
        return "/api/version and its own 404"
    return ""


def openai_headers(replies: Replies) -> str:
    first = reply_at(replies, MODELS)
    if any(name in first.headers for name in ("openai-version", "openai-processing-ms")):
        return "header openai-version"
    return ""


def ollama_404(first: HttpReply) -> bool:
    """A 404 in a server's own words: a very old Ollama has no `/v1/models`."""
    return first.status == 404 and first.body.strip() == b"404 page not found"


def like_openai(replies: Replies) -> str:
    models = listed(replies)
    is_list = models or (models == () and body_at(replies, MODELS).get("object") == "list")
    return "/v1/models is a list of models" if is_list else ""
