"""LM Studio: the OpenAI paths and its own `/api/v0` and `/api/v1` lists. Pure.

Its habits: any unknown path is 200 with an `error` text, models load when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.domain.backend import Model
from nexus.simulator.ask import as_text
from nexus.simulator.dialects.base import Heard, Moved, Situation, Timing, Work, is_get
from nexus.simulator.dialects.openai import Generic
from nexus.simulator.dialects.voices import ChatVoice
from nexus.simulator.spec import TRAINED_FACTOR, SimSpec
from nexus.simulator.wire import Reply, Request, reply_json


class LmStudio(Generic):
    """`localhost:1234`, Express underneath."""

    json_type = "application/json; charset=utf-8"
    headers = (("X-Powered-By", "Express"),)
    keep_alive_s = 5.0
    announces_keep_alive = True

    def posts(self, spec: SimSpec) -> dict[str, str]:
        v0 = {
            "/api/v0/chat/completions": "chat",
            "/api/v0/completions": "text",
            "/api/v0/embeddings": "embed",
        }
        levers = {"/api/v1/models/load": "load", "/api/v1/models/unload": "unload"}
        return {**super().posts(spec), **v0, **levers}

    def page(self, request: Request, situation: Situation) -> Reply | None:
        models = situation.spec.models
        if is_get(request, "/api/v0/models"):
            return reply_json({"object": "list", "data": [_v0(m, situation) for m in models]})
        if is_get(request, "/api/v1/models"):
            return reply_json({"models": [_v1(m, situation) for m in models]})
        if is_get(request, "/lmstudio-greeting"):
            return reply_json({"lmstudio": True})
        if is_get(request, "/lms-status"):
            return reply_json({"package": "lmstudio", "version": "0.4.6-simulated"})
        return super().page(request, situation)

    def other(
        self, kind: str, data: dict[str, object], situation: Situation
    ) -> Reply | Work | Moved:
        name = as_text(data.get("model" if kind == "load" else "instance_id"))
        model = self.find(name, situation)
        if kind == "unload":
            if model is None or model.id not in situation.loaded:
                return self.error(404, f"No instance '{name}' is loaded.", "model_not_found")
            return Moved(reply_json({"instance_id": model.id}), unload=frozenset({model.id}))
        if model is None:
            return self.no_model(name, situation)
        told = {"type": "embedding" if model.embeddings else "llm", "instance_id": model.id}
        loaded = reply_json({**told, "load_time_seconds": 1.0, "status": "loaded"})
        return Moved(loaded, load=frozenset({model.id}))

    def models(self, situation: Situation) -> Reply:
        entries = [
            {"id": model.id, "object": "model", "owned_by": "organization_owner"}
            for model in situation.spec.models
        ]
        return reply_json({"object": "list", "data": entries})

    def not_ready(self, request: Request) -> None:
        return None

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return _Chat(heard)

    def failure(self, status: int) -> Reply:
        return reply_json({"error": "simulated failure"}, status)

    def unauthorised(self, request: Request) -> Reply:
        message = "An LM Studio API token is required to make requests to this server."
        return self.error(401, message, "invalid_request_error", "invalid_api_key")

    def unknown_path(self, request: Request) -> Reply:
        message = f"Unexpected endpoint or method. ({request.method} {request.path})"
        return reply_json({"error": message})

    def wrong_method(self, request: Request) -> Reply:
        return self.unknown_path(request)

    def bad_json(self, why: str) -> Reply:
        return reply_json({"error": f"Invalid JSON: {why}"}, 400)

    def no_messages(self) -> Reply:
        return reply_json({"error": "'messages' field is required"}, 400)

    def no_input(self) -> Reply:
        return reply_json({"error": "'input' field is required"}, 400)

    def no_model(self, name: str, situation: Situation) -> Reply:
        message = f"Model '{name}' not found. Please specify a valid model."
        return self.error(404, message, "invalid_request_error", "model_not_found", "model")

    def no_image(self, model: Model) -> Reply:
        return reply_json({"error": "Model does not support images. Please use a VLM."}, 400)

    def no_chat(self, model: Model) -> Reply:
        return reply_json({"error": f"Model '{model.id}' is not a chat model."}, 400)

    def no_embeddings(self, model: Model) -> Reply:
        message = f"Model '{model.id}' is not an embedding model."
        return reply_json({"error": message}, 400)

    def too_long(self, tokens: int, limit: int) -> Reply:
        message = (
            f"Trying to keep the first {tokens} tokens when context the overflows. However, the "
            f"model is loaded with context length of only {limit} tokens, which is not enough. "
            "The prompt is longer than the context length."
        )
        return reply_json({"error": message}, 400)


class _Chat(ChatVoice):
    """The fingerprint is the model's name."""

    def opening(self) -> bytes:
        return b""

    def chunk(self, delta: dict[str, object], finish: str | None = None) -> bytes:
        return super().chunk(delta if finish else {"role": "assistant", **delta}, finish)

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        return {**super().frame(choices), "system_fingerprint": self.model.id}

    def choice_extra(self) -> dict[str, object]:
        return {"logprobs": None}

    def content(self) -> str:
        return self.spoken.content

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        seconds = max(timing.predicted_ms, 0.001) / 1000
        return {
            "stats": {
                "tokens_per_second": self.spoken.tokens / seconds,
                "time_to_first_token": timing.prompt_ms / 1000,
                "stop_reason": "eosFound",
            },
            "system_fingerprint": self.model.id,
        }


def _v0(model: Model, situation: Situation) -> dict[str, object]:
    loaded = model.id in situation.loaded
    kind = "embeddings" if model.embeddings else "vlm" if model.vision else "llm"
    context = model.context_length or 4096
    entry: dict[str, object] = {
        "id": model.id,
        "object": "model",
        "type": kind,
        "publisher": model.id.rpartition("/")[0] or "simulated",
        "arch": "simulated",
        "compatibility_type": "mlx",
        "quantization": "4bit",
        "state": "loaded" if loaded else "not-loaded",
        "max_context_length": context * TRAINED_FACTOR,
    }
    if loaded:
        entry["loaded_context_length"] = context
    if model.tools:
        entry["capabilities"] = ["tool_use"]
    return entry


def _v1(model: Model, situation: Situation) -> dict[str, object]:
    context = model.context_length or 4096
    instances: list[dict[str, object]] = []
    if model.id in situation.loaded:
        config = {"context_length": context, "parallel": situation.spec.slots}
        instances.append({"id": model.id, "config": config})
    entry: dict[str, object] = {
        "type": "embedding" if model.embeddings else "llm",
        "publisher": model.id.rpartition("/")[0] or "simulated",
        "key": model.id,
        "display_name": f"{model.id} (simulated)",
        "architecture": "simulated",
        "quantization": {"name": "4bit", "bits_per_weight": 4},
        "size_bytes": 4_500_000_000,
        "params_string": "8B",
        "loaded_instances": instances,
        "max_context_length": context * TRAINED_FACTOR,
        "format": "mlx",
    }
    if not model.embeddings:
        entry["capabilities"] = {
            "vision": bool(model.vision),
            "trained_for_tool_use": bool(model.tools),
            **({"reasoning": {"allowed_options": ["off", "on"]}} if model.reasoning else {}),
        }
    return entry
