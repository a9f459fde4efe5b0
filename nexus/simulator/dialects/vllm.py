"""vLLM behind uvicorn. Pure.

Its habits: `code` is a number, unknown paths are FastAPI's `{"detail"}`, only `/v1` needs a key,
answers are full of nulls, and on `length` the last text chunk carries the finish reason.
"""

from __future__ import annotations

from nexus.domain.backend import Model
from nexus.simulator.answer import Step
from nexus.simulator.ask import Ask
from nexus.simulator.dialects.base import Dialect, Heard, Moved, Situation, Timing, Work, is_get
from nexus.simulator.dialects.voices import ChatVoice, EmbedVoice, TextVoice
from nexus.simulator.prose import number
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import Reply, Request, event, nulls, reply_json

VERSION = "0.32.0+simulated"
FINGERPRINT = "vllm-0.32.0-simulated"
_LEVERS = ("/sleep", "/wake_up")
_SSE = "text/event-stream; charset=utf-8"


class Vllm(Dialect):
    """One engine. Without an embedding model there is no embedding route, and the reverse."""

    headers = (("server", "uvicorn"), ("vary", "Origin"))
    keep_alive_s = 5.0
    waits_for_a_wake = True

    def posts(self, spec: SimSpec) -> dict[str, str]:
        paths = dict[str, str]()
        if any(model.chat is not False for model in spec.models):
            paths |= {"/v1/chat/completions": "chat", "/v1/completions": "text"}
        if any(model.embeddings for model in spec.models):
            paths["/v1/embeddings"] = "embed"
        return paths

    def page(self, request: Request, situation: Situation) -> Reply | None:
        if is_get(request, "/health", "/ping"):
            return Reply(type=None)
        if is_get(request, "/version"):
            return reply_json({"version": VERSION})
        if is_get(request, "/is_sleeping"):
            return reply_json({"is_sleeping": not situation.loaded})
        if is_get(request, "/load"):
            return reply_json({"server_load": situation.busy + situation.waiting})
        if is_get(request, "/metrics"):
            return Reply(body=_metrics(situation), type="text/plain; version=1.0.0; charset=utf-8")
        return super().page(request, situation)

    def answer(self, request: Request, situation: Situation) -> Reply | Work | Moved:
        """In development mode, the whole engine sleeps and wakes; these posts have no body."""
        if request.method == "POST" and request.path in _LEVERS:
            models = frozenset(model.id for model in situation.spec.models)
            if request.path == "/wake_up":
                return Moved(Reply(type=None), load=models)
            return Moved(reply_json({"status": "sleeping", "level": 1}), unload=models)
        return super().answer(request, situation)

    def is_open(self, request: Request) -> bool:
        return not request.path.startswith("/v1")

    def not_ready(self, request: Request) -> None:
        # A starting vLLM has not bound its port yet: there is nothing it could answer.
        return None

    def models(self, situation: Situation) -> Reply:
        entries = [_entry(model, situation) for model in situation.spec.models]
        return reply_json({"object": "list", "data": entries})

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return _Chat(heard)

    def text_voice(self, heard: Heard) -> ChatVoice:
        return _Text(heard)

    def embed_voice(self, heard: Heard, inputs: tuple[str, ...]) -> EmbedVoice:
        return _Embed(heard, inputs)

    def error(
        self, status: int, message: str, type: str, code: object = None, param: object = None
    ) -> Reply:
        body = {"message": message, "type": type, "param": param, "code": status}
        return reply_json({"error": body}, status)

    def failure(self, status: int) -> Reply:
        return self.error(status, "simulated failure", "InternalServerError")

    def unauthorised(self, request: Request) -> Reply:
        return reply_json({"error": "Unauthorized"}, 401)

    def unknown_path(self, request: Request) -> Reply:
        return reply_json({"detail": "Not Found"}, 404)

    def wrong_method(self, request: Request) -> Reply:
        return reply_json({"detail": "Method Not Allowed"}, 405, allow="POST")

    def bad_json(self, why: str) -> Reply:
        message = (
            "1 validation error:\n  {'type': 'json_invalid', 'loc': 'body.0', "
            f"'msg': 'JSON decode error', 'ctx': {{'error': {why!r}}}}}"
        )
        return self.error(400, message, "Bad Request", None, "body.0")

    def no_messages(self) -> Reply:
        message = (
            "1 validation error:\n  {'type': 'missing', 'loc': 'body.messages', "
            "'msg': 'Field required'}"
        )
        return self.error(400, message, "Bad Request", None, "body.messages")

    def no_model(self, name: str, situation: Situation) -> Reply:
        known = ", ".join(model.id for model in situation.spec.models)
        message = f"The model `{name}` does not exist. Valid aliases: {known}."
        return self.error(404, message, "NotFoundError", None, "model")

    def no_image(self, model: Model) -> Reply:
        return self.error(400, f"{model.id} is not a multimodal model", "BadRequestError")

    def no_chat(self, model: Model) -> Reply:
        message = "The model does not support Chat Completions API"
        return self.error(400, message, "BadRequestError")

    def no_embeddings(self, model: Model) -> Reply:
        return self.error(400, "The model does not support Embeddings API", "BadRequestError")

    def too_long(self, tokens: int, limit: int) -> Reply:
        # The number it names is the limit plus one, not the prompt's length.
        message = (
            f"This model's maximum context length is {limit} tokens. However, your prompt contains "
            f"at least {limit + 1} input tokens, which exceeds this limit even without any output "
            "tokens. Please reduce the length of the input prompt. "
            f"(parameter=input_tokens, value={limit + 1})"
        )
        return self.error(400, message, "BadRequestError", None, "input_tokens")

    def too_much(self, ask: Ask, limit: int) -> Reply:
        message = (
            f"max_tokens={ask.max_tokens} cannot be greater than max_model_len={limit}. Please "
            f"request fewer output tokens. (parameter=max_tokens, value={ask.max_tokens})"
        )
        return self.error(400, message, "BadRequestError", None, "max_tokens")


class _Chat(ChatVoice):
    content_type = _SSE

    def opening(self) -> bytes:
        choice: dict[str, object] = {
            "index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None,
            "finish_reason": None,
        }  # fmt: skip
        frame = self.frame([choice])
        return event({**frame, "prompt_token_ids": None, "prompt_text": None})

    def chunk(self, delta: dict[str, object], finish: str | None = None) -> bytes:
        choice: dict[str, object] = {
            "index": 0, "delta": delta, "logprobs": None, "finish_reason": finish,
        }  # fmt: skip
        if finish is not None:
            choice["stop_reason"] = None
        return event(self.frame([{**choice, "token_ids": None}]))

    def step(self, step: Step, last: bool) -> bytes:
        if step.call is not None:
            call: dict[str, object] = {"index": step.call, "function": {"arguments": step.text}}
            if step.name is not None:
                call = {
                    "id": self.call_id(step.call), "type": "function", "index": step.call,
                    "function": {"name": step.name},
                }  # fmt: skip
            return self.chunk({"content": None, "tool_calls": [call]})
        finish = "length" if last and self.finish() == "length" else None
        return self.chunk({"content": step.text}, finish)

    def finish_chunk(self, timing: Timing) -> bytes:
        if self.finish() == "length":
            return b""
        choice: dict[str, object] = {
            "index": 0, "delta": {}, "logprobs": None, "finish_reason": self.finish(),
            "stop_reason": None, "token_ids": None,
        }  # fmt: skip
        return event({**self.frame([choice]), "system_fingerprint": FINGERPRINT})

    def usage_chunk(self, timing: Timing) -> bytes:
        usage = super().usage()
        return event({**self.frame([]), "usage": usage, "system_fingerprint": FINGERPRINT})

    def message(self) -> dict[str, object]:
        names = ("refusal", "annotations", "audio", "function_call", "reasoning")
        return {**super().message(), **nulls(*names)}

    def choice_extra(self) -> dict[str, object]:
        return nulls(*("logprobs", "stop_reason", "token_ids", "routed_experts"))

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        names = (
            "service_tier", "prompt_logprobs", "prompt_token_ids", "prompt_text",
            "kv_transfer_params", "ec_transfer_params", "metrics",
        )  # fmt: skip
        return {**nulls(*names), "system_fingerprint": FINGERPRINT}

    def usage(self) -> dict[str, object]:
        details = ("prompt_tokens_details", "completion_tokens_details")
        return {**super().usage(), **nulls(*details)}

    def ident(self) -> str:
        return f"chatcmpl-{self.situation.ident(16)}"

    def call_id(self, index: int) -> str:
        return f"chatcmpl-tool-{number(self.situation.ident(16), str(index)):016x}"


class _Text(TextVoice, _Chat):
    content_type = _SSE

    def step(self, step: Step, last: bool) -> bytes:
        frame = self.frame([self._choice(step.text, self.finish() if last else None)])
        return event({**frame, "system_fingerprint": FINGERPRINT} if last else frame)

    def finish_chunk(self, timing: Timing) -> bytes:
        return b""

    def text_choice(self, text: str, finish: str | None) -> dict[str, object]:
        names = ("prompt_logprobs", "routed_experts")
        return {**self._choice(text, finish), **nulls(*names)}

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        names = ("service_tier", "kv_transfer_params", "ec_transfer_params", "metrics")
        return {**nulls(*names), "system_fingerprint": FINGERPRINT}

    def ident(self) -> str:
        return f"cmpl-{self.situation.ident(16)}"

    def _choice(self, text: str, finish: str | None) -> dict[str, object]:
        names = ("stop_reason", "prompt_token_ids", "token_ids")
        choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
        return {**choice, **nulls(*names)}


class _Embed(EmbedVoice):
    def usage(self) -> dict[str, object]:
        details = ("prompt_tokens_details", "completion_tokens_details")
        return {**super().usage(), "completion_tokens": 0, **nulls(*details)}

    def extra(self) -> dict[str, object]:
        situation = self.heard.situation
        return {"id": f"embd-{situation.ident(16)}", "created": situation.unix_s}


def _entry(model: Model, situation: Situation) -> dict[str, object]:
    permission = {
        "id": f"modelperm-{number(model.id):016x}",
        "object": "model_permission",
        "created": situation.unix_s,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    return {
        "id": model.id,
        "object": "model",
        "created": situation.unix_s,
        "owned_by": "vllm",
        "root": f"/models/{model.id}",
        "parent": None,
        "max_model_len": model.context_length,
        "permission": [permission],
    }


def _metrics(situation: Situation) -> bytes:
    lines: list[str] = []
    for name, value in (
        ("num_requests_running", situation.busy),
        ("num_requests_waiting", situation.waiting),
        ("kv_cache_usage_perc", situation.busy / max(1, situation.spec.slots)),
    ):
        lines += [f"# TYPE vllm:{name} gauge", f'vllm:{name}{{engine="0"}} {float(value)}']
    return ("\n".join(lines) + "\n").encode()
