"""llama.cpp's server. Pure.

Its habits: any model name is accepted, wrong methods are "File Not Found", errors close the
connection, `timings` come beside `usage`, and a non-streaming generation goes on to its end after
the client has left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.domain.backend import Model
from nexus.simulator.ask import Ask, as_text
from nexus.simulator.dialects import llamacpp_router as router
from nexus.simulator.dialects.base import Dialect, Heard, Moved, Situation, Timing, Work, is_get
from nexus.simulator.dialects.voices import ChatVoice, EmbedVoice, TextVoice
from nexus.simulator.spec import TRAINED_FACTOR, SimSpec
from nexus.simulator.wire import Reply, Request, event, reply_json

BUILD = "b9999-simulated"
_HEALTH = ("/health", "/v1/health")


class LlamaCpp(Dialect):
    """One model per server, in `--parallel` slots of `n_ctx` tokens each."""

    headers = (("Server", "llama.cpp"), ("Access-Control-Allow-Origin", ""))
    stream_headers = (("X-Accel-Buffering", "no"),)
    json_type = "application/json; charset=utf-8"
    keep_alive_s = 5.0
    announces_keep_alive = True
    closes_after_errors = True
    finishes_unheard = True

    def posts(self, spec: SimSpec) -> dict[str, str]:
        plain = {"/chat/completions": "chat", "/completions": "text", "/embeddings": "embed"}
        levers = router.LEVERS if router.is_router(spec) else {}
        return {**super().posts(spec), **plain, **levers}

    def page(self, request: Request, situation: Situation) -> Reply | None:
        spec = situation.spec
        if request.method == "OPTIONS":
            return _preflight(request)
        if is_get(request, *_HEALTH):
            return reply_json({"status": "ok"})
        if is_get(request, "/v1/models", "/models"):
            return self.models(situation)
        routed = router.is_router(spec)
        if routed and is_get(request, "/props", "/slots", "/metrics"):
            return self._of_one(request, situation)
        if is_get(request, "/props"):
            return reply_json(_props(spec, spec.models[0] if spec.models else Model("none")))
        if is_get(request, "/slots"):
            full = situation.busy >= spec.slots
            if full and request.wants("fail_on_no_slot"):
                return self.error(503, "no slot available", "unavailable_error")
            return reply_json([_slot(i, situation) for i in range(spec.slots)])
        if is_get(request, "/metrics"):
            return Reply(body=_metrics(situation), type="text/plain; version=0.0.4")
        return None

    def is_open(self, request: Request) -> bool:
        return request.path in _HEALTH

    def _of_one(self, request: Request, situation: Situation) -> Reply:
        """What a router tells of itself, or of the model that the query names."""
        name = request.asked("model")
        if not name:
            if request.path == "/props":
                return router.props(BUILD)
            message = "model name is missing from the request"
            return self.error(400, message, "invalid_request_error")
        model = self.find(name, situation)
        if model is None:
            return self.no_model(name, situation)
        if model.id not in situation.loaded:
            return self.error(400, "model is not loaded", "invalid_request_error")
        if request.path == "/props":
            return reply_json(_props(situation.spec, model))
        if request.path == "/slots":
            return reply_json([_slot(i, situation) for i in range(situation.spec.slots)])
        return Reply(body=_metrics(situation), type="text/plain; version=0.0.4")

    def other(
        self, kind: str, data: dict[str, object], situation: Situation
    ) -> Reply | Work | Moved:
        """A router's levers."""
        model = self.find(as_text(data.get("model")), situation)
        if model is None:
            return self.unknown_path(Request("POST", f"/models/{kind}"))
        moved = router.pulled(kind, model, situation)
        if isinstance(moved, str):
            return self.error(400, moved, "invalid_request_error")
        return moved

    def no_model(self, name: str, situation: Situation) -> Reply:
        message = f"model '{name}' not found" if name else "model name is missing from the request"
        return self.error(400, message, "invalid_request_error")

    def find(self, name: str, situation: Situation) -> Model | None:
        if router.is_router(situation.spec):
            return super().find(name, situation)
        return situation.spec.models[0] if situation.spec.models else None

    def models(self, situation: Situation) -> Reply:
        models = situation.spec.models
        if router.is_router(situation.spec):
            entries = [
                router.listed(_entry(model, situation), model, situation) for model in models
            ]
            return reply_json({"data": entries, "object": "list"})
        return reply_json(
            {
                "models": [_ollama_like(model) for model in models],
                "object": "list",
                "data": [_entry(model, situation) for model in models],
            }
        )

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return _Chat(heard)

    def text_voice(self, heard: Heard) -> ChatVoice:
        return _Text(heard)

    def embed_voice(self, heard: Heard, inputs: tuple[str, ...]) -> EmbedVoice:
        return EmbedVoice(heard, inputs)

    def error(
        self, status: int, message: str, type: str, code: object = None, param: object = None
    ) -> Reply:
        return reply_json({"error": {"code": status, "message": message, "type": type}}, status)

    def failure(self, status: int) -> Reply:
        return self.error(status, "simulated failure", "server_error")

    def unauthorised(self, request: Request) -> Reply:
        return self.error(401, "Invalid API Key", "authentication_error")

    def not_ready(self, request: Request) -> Reply:
        return self.error(503, "Loading model", "unavailable_error")

    def unknown_path(self, request: Request) -> Reply:
        return self.error(404, "File Not Found", "not_found_error")

    def wrong_method(self, request: Request) -> Reply:
        return self.unknown_path(request)

    def bad_json(self, why: str) -> Reply:
        message = f"[json.exception.parse_error.101] parse error: {why}"
        return self.error(400, message, "invalid_request_error")

    def no_messages(self) -> Reply:
        return self.error(400, "'messages' is required", "invalid_request_error")

    def no_input(self) -> Reply:
        message = '"input" or "content" must be provided'
        return self.error(400, message, "invalid_request_error")

    def no_image(self, model: Model) -> Reply:
        message = (
            "image input is not supported - hint: if this is unexpected, you may need to provide "
            "the mmproj"
        )
        return self.error(500, message, "server_error")

    def no_chat(self, model: Model) -> None:
        return None

    def no_embeddings(self, model: Model) -> Reply:
        message = "This server does not support embeddings. Start it with `--embeddings`"
        return self.error(501, message, "not_supported_error")

    def too_long(self, tokens: int, limit: int) -> Reply:
        message = (
            f"request ({tokens} tokens) exceeds the available context size ({limit} tokens), "
            "try increasing it"
        )
        body = {"code": 400, "message": message, "type": "exceed_context_size_error"}
        return reply_json({"error": {**body, "n_prompt_tokens": tokens, "n_ctx": limit}}, 400)

    def too_much(self, ask: Ask, limit: int) -> None:
        return None


class _Chat(ChatVoice):
    def opening(self) -> bytes:
        return self.chunk({"role": "assistant", "content": None})

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        return {
            "choices": choices,
            "created": self.situation.unix_s,
            "id": self.ident(),
            "model": self.model.id,
            "system_fingerprint": BUILD,
            "object": "chat.completion.chunk",
        }

    def finish_chunk(self, timing: Timing) -> bytes:
        """`timings` ride on the last chunk, whichever that is."""
        choice = {"finish_reason": self.finish(), "index": 0, "delta": dict[str, object]()}
        frame = self.frame([choice])
        return event(frame if self.ask.include_usage else {**frame, **self.whole_extra(timing)})

    def usage_chunk(self, timing: Timing) -> bytes:
        return event({**self.frame([]), "usage": self.usage(), "timings": self._timings(timing)})

    def whole(self, timing: Timing) -> Reply:
        choice = {"finish_reason": self.finish(), "index": 0, "message": self.message()}
        frame = {**self.frame([choice]), "object": "chat.completion"}
        return reply_json({**frame, "usage": self.usage(), **self.whole_extra(timing)})

    def content(self) -> str | None:
        return self.spoken.content

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        return {"timings": self._timings(timing)}

    def usage(self) -> dict[str, object]:
        return {**super().usage(), "prompt_tokens_details": {"cached_tokens": 0}}

    def call_id(self, index: int) -> str:
        return self.situation.ident(32)

    def _timings(self, timing: Timing) -> dict[str, object]:
        read, written = self.spoken.prompt_tokens, self.spoken.tokens
        return {
            "cache_n": 0,
            "prompt_n": read,
            "prompt_ms": timing.prompt_ms,
            "prompt_per_token_ms": timing.prompt_ms / read,
            "prompt_per_second": read * 1000 / max(timing.prompt_ms, 0.001),
            "predicted_n": written,
            "predicted_ms": timing.predicted_ms,
            "predicted_per_token_ms": timing.predicted_ms / max(written, 1),
            "predicted_per_second": written * 1000 / max(timing.predicted_ms, 0.001),
        }


class _Text(TextVoice, _Chat):
    """Its last chunk has usage and timings, asked for or not."""

    def finish_chunk(self, timing: Timing) -> bytes:
        frame = self.frame([self.text_choice("", self.finish())])
        return event({**frame, "usage": self.usage(), **self.whole_extra(timing)})

    def usage_chunk(self, timing: Timing) -> bytes:
        return b""

    def ident(self) -> str:
        return f"chatcmpl-{self.situation.ident(24)}"


def _preflight(request: Request) -> Reply:
    return Reply(
        type="text/html",
        headers=(
            ("Access-Control-Allow-Credentials", "true"),
            ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
            ("Access-Control-Allow-Headers", "*"),
        ),
    )


def _entry(model: Model, situation: Situation) -> dict[str, object]:
    sees = ["image"] if model.vision else []
    context = model.context_length or 4096
    return {
        "id": model.id,
        "aliases": [model.id],
        "tags": [],
        "object": "model",
        "architecture": {"input_modalities": ["text", *sees], "output_modalities": ["text"]},
        "created": situation.unix_s,
        "owned_by": "llamacpp",
        "meta": {
            "vocab_type": 2,
            "n_vocab": 151_936,
            "n_ctx": context,
            "n_ctx_train": context * TRAINED_FACTOR,
            "n_embd": 3584,
            "n_params": 7_615_616_512,
            "size": 4_677_120_000,
            "ftype": "Q4_K - Medium",
        },
    }


def _ollama_like(model: Model) -> dict[str, object]:
    return {
        "name": model.id,
        "model": model.id,
        "modified_at": "",
        "size": "",
        "digest": "",
        "type": "model",
        "description": "",
        "tags": [""],
        "capabilities": ["completion", *(["multimodal"] if model.vision else [])],
        "parameters": "",
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": "",
            "families": [""],
            "parameter_size": "",
            "quantization_level": "",
        },
    }


def _slot(index: int, situation: Situation) -> dict[str, object]:
    context = situation.spec.models[0].context_length if situation.spec.models else None
    return {
        "id": index,
        "n_ctx": context or 4096,
        "speculative": False,
        "is_processing": index < situation.busy,
    }


def _props(spec: SimSpec, model: Model) -> dict[str, object]:
    tools = model.tools is not False
    return {
        "default_generation_settings": {
            "params": {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "max_tokens": -1},
            "n_ctx": model.context_length or 4096,
        },
        "total_slots": spec.slots,
        "model_alias": model.id,
        "model_ftype": "Q4_K - Medium",
        "model_path": f"/models/{model.id}.gguf",
        "modalities": {"vision": bool(model.vision), "video": False, "audio": bool(model.audio)},
        "media_marker": "<__media__>",
        "endpoint_slots": True,
        "endpoint_props": True,
        "endpoint_metrics": True,
        "ui": False,
        "ui_settings": {},
        "chat_template": "",
        "chat_template_caps": {
            "supports_object_arguments": tools,
            "supports_parallel_tool_calls": tools,
            "supports_preserve_reasoning": False,
            "supports_reasoning_effort": False,
            "supports_string_content": True,
            "supports_system_role": True,
            "supports_tool_calls": tools,
            "supports_tools": tools,
            "supports_typed_content": False,
        },
        "bos_token": "<s>",
        "eos_token": "</s>",
        "build_info": BUILD,
        "is_sleeping": False,
        "cors_proxy_enabled": False,
    }


def _metrics(situation: Situation) -> bytes:
    lines = (
        "# TYPE llamacpp:tokens_predicted_total counter",
        f"llamacpp:tokens_predicted_total {situation.generated}",
        "# TYPE llamacpp:requests_processing gauge",
        f"llamacpp:requests_processing {situation.busy}",
        "# TYPE llamacpp:requests_deferred gauge",
        f"llamacpp:requests_deferred {situation.waiting}",
    )
    return ("\n".join(lines) + "\n").encode()
