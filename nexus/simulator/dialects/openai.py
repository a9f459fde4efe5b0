"""OpenAI's own service, and the plainest server that speaks like it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.domain.backend import Model
from nexus.simulator.dialects.base import Dialect, Heard, Situation, Timing
from nexus.simulator.dialects.voices import ChatVoice, EmbedVoice, TextVoice
from nexus.simulator.prose import number
from nexus.simulator.wire import Reply, Request, event, reply_json

FINGERPRINT = "fp_simulated"


class Generic(Dialect):
    """Says `owned_by: simulated` and nothing that would give away another server."""

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return ChatVoice(heard)

    def text_voice(self, heard: Heard) -> ChatVoice:
        return TextVoice(heard)

    def embed_voice(self, heard: Heard, inputs: tuple[str, ...]) -> EmbedVoice:
        return EmbedVoice(heard, inputs)


class OpenAi(Generic):
    """api.openai.com. Codes are strings; every error has all four fields."""

    headers = (
        ("openai-version", "2020-10-01"),
        ("openai-organization", "simulated"),
        ("openai-processing-ms", "12"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-ratelimit-limit-tokens", "2000000"),
        ("x-ratelimit-remaining-tokens", "1999980"),
        ("x-ratelimit-reset-tokens", "0s"),
    )

    def page(self, request: Request, situation: Situation) -> Reply | None:
        listed = super().page(request, situation)
        if listed is not None or not request.path.startswith("/v1/models/"):
            return listed
        name = request.path.removeprefix("/v1/models/")
        model = self.find(name, situation)
        return self.no_model(name, situation) if model is None else reply_json(_entry(model))

    def models(self, situation: Situation) -> Reply:
        return reply_json({"object": "list", "data": [_entry(m) for m in situation.spec.models]})

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return _Chat(heard)

    def failure(self, status: int) -> Reply:
        if status == 429:
            return self.error(429, "Rate limit reached (simulated).", "requests",
                              "rate_limit_exceeded")  # fmt: skip
        return self.error(status, "The server had an error (simulated).", "server_error")

    def unauthorised(self, request: Request) -> Reply:
        if request.bearer() is None:
            message = (
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth."
            )
            return self.error(401, message, "invalid_request_error")
        message = "Incorrect API key provided: simulated servers do not repeat keys."
        return self.error(401, message, "invalid_request_error", "invalid_api_key")

    def unknown_path(self, request: Request) -> Reply:
        message = f"Invalid URL ({request.method} {request.path})"
        return self.error(404, message, "invalid_request_error")

    def wrong_method(self, request: Request) -> Reply:
        message = f"Not allowed to {request.method} on {request.path}."
        return self.error(405, message, "invalid_request_error", "method_not_supported")

    def bad_json(self, why: str) -> Reply:
        message = f"We could not parse the JSON body of your request. ({why})"
        return self.error(400, message, "invalid_request_error", "invalid_json")

    def no_model(self, name: str, situation: Situation) -> Reply:
        message = f"The model `{name}` does not exist or you do not have access to it."
        return self.error(404, message, "invalid_request_error", "model_not_found")

    def no_image(self, model: Model) -> Reply:
        message = "Invalid content type. image_url is only supported by certain models."
        return self.error(
            400, message, "invalid_request_error", "invalid_value", "messages.[0].content.[1].type"
        )

    def no_chat(self, model: Model) -> Reply:
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
        )
        return self.error(404, message, "invalid_request_error", None, "model")

    def no_embeddings(self, model: Model) -> Reply:
        return self.error(
            403, "You are not allowed to generate embeddings from this model",
            "invalid_request_error",
        )  # fmt: skip


class _Chat(ChatVoice):
    """Chunks are padded against size analysis, and say `usage: null` when usage is coming."""

    def message(self) -> dict[str, object]:
        return {**super().message(), "refusal": None, "annotations": []}

    def choice_extra(self) -> dict[str, object]:
        return {"logprobs": None}

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        return {"service_tier": "default", "system_fingerprint": FINGERPRINT}

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        extra: dict[str, object] = {"service_tier": "default", "system_fingerprint": FINGERPRINT}
        if self.ask.include_usage:
            extra["usage"] = None
        return {**super().frame(choices), **extra}

    def chunk(self, delta: dict[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        padding = f"{number(self.situation.ident(16), repr(delta)):016x}"
        return event({**self.frame([choice]), "obfuscation": padding[: 4 + len(repr(delta)) % 12]})

    def opening(self) -> bytes:
        return self.chunk({"role": "assistant", "content": "", "refusal": None})

    def usage(self) -> dict[str, object]:
        return {
            **super().usage(),
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }


def _entry(model: Model) -> dict[str, object]:
    return {
        "id": model.id,
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "system",
        "shutdown_date": None,
    }
