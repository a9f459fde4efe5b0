"""Ollama: its native API and its OpenAI-compatible one. Pure.

Its habits: names without a tag mean `:latest`, too long prompts lose their beginning silently,
native errors are `{"error": "text"}`, native streams are NDJSON and the default.
"""

from __future__ import annotations

from dataclasses import replace

from nexus.domain.backend import Model
from nexus.simulator.answer import think
from nexus.simulator.ask import Ask, as_list, as_map, as_text, read_chat, read_inputs
from nexus.simulator.dialects.base import Heard, Moved, Situation, Work, is_get, stamp
from nexus.simulator.dialects.ollama_facts import running, show, tag
from nexus.simulator.dialects.ollama_voices import (
    Chat,
    NativeChat,
    NativeEmbed,
    NativeGenerate,
)
from nexus.simulator.dialects.openai import Generic
from nexus.simulator.dialects.voices import ChatVoice
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import TEXT, Reply, Request, reply_json

VERSION = "0.33.0-simulated"
_PLAIN = "text/plain"


class Ollama(Generic):
    """`localhost:11434`, without a key."""

    json_type = "application/json; charset=utf-8"

    def posts(self, spec: SimSpec) -> dict[str, str]:
        native = {"/api/chat": "native-chat", "/api/generate": "native-generate",
                  "/api/embed": "native-embed", "/api/show": "show"}  # fmt: skip
        return {**super().posts(spec), **native}

    def page(self, request: Request, situation: Situation) -> Reply | None:
        if is_get(request, "/"):
            return Reply(body=b"Ollama is running", type=TEXT)
        if is_get(request, "/api/version"):
            return reply_json({"version": VERSION})
        if is_get(request, "/api/status"):
            return reply_json({"cloud": {"disabled": True, "source": "simulated"}})
        if is_get(request, "/api/tags"):
            return reply_json({"models": [tag(m, situation) for m in situation.spec.models]})
        if is_get(request, "/api/ps"):
            return reply_json({"models": running(situation)})
        if request.method == "GET" and request.path.startswith("/v1/models/"):
            name = request.path.removeprefix("/v1/models/")
            model = self.find(name, situation)
            if model is None:
                return self.no_model(name, situation)
            return reply_json(_entry(model, situation))
        return super().page(request, situation)

    def models(self, situation: Situation) -> Reply:
        entries = [_entry(model, situation) for model in situation.spec.models]
        return reply_json({"object": "list", "data": entries})

    def find(self, name: str, situation: Situation) -> Model | None:
        wanted = name if ":" in name else f"{name}:latest"
        return next((m for m in situation.spec.models if m.id in {wanted, name}), None)

    def gate(self, request: Request, situation: Situation) -> Reply | None:
        # There is no key, and nothing to wait for: models load when they are asked for.
        return None

    def other(
        self, kind: str, data: dict[str, object], situation: Situation
    ) -> Reply | Work | Moved:
        name = as_text(data.get("model"))
        if not name:
            return reply_json({"error": "model is required"}, 400)
        model = self.find(name, situation)
        if model is None:
            return reply_json({"error": f"model '{name}' not found"}, 404)
        if kind == "show":
            return reply_json(show(model, situation))
        if (moved := _moved(kind, data, model, situation)) is not None:
            return moved
        refused = _native_refusal(kind, data, model)
        if refused is not None:
            return refused
        if kind == "native-embed":
            inputs = read_inputs(data) or ()
            ask = Ask(name, "\n".join(inputs))
            answer = replace(think(situation.spec, model, ask), text=(), calls=())
            return Work(
                model, answer, NativeEmbed(Heard(ask, answer, model, situation), inputs), False
            )
        ask = _native_ask(kind, data)
        answer = think(situation.spec, model, ask)
        speak = NativeChat if kind == "native-chat" else NativeGenerate
        return Work(model, answer, speak(Heard(ask, answer, model, situation)), ask.stream)

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return Chat(heard)

    def error(
        self, status: int, message: str, type: str, code: object = None, param: object = None
    ) -> Reply:
        kinds = {400: "invalid_request_error", 404: "not_found_error"}
        body = {"message": message, "type": kinds.get(status, "api_error")}
        return reply_json({"error": {**body, "param": None, "code": None}}, status)

    def failure(self, status: int) -> Reply:
        if status == 503:
            message = "server busy, please try again.  maximum pending requests exceeded"
            return self.error(503, message, "api_error")
        return self.error(status, "simulated failure", "api_error")

    def unknown_path(self, request: Request) -> Reply:
        return Reply(404, b"404 page not found", _PLAIN)

    def wrong_method(self, request: Request) -> Reply:
        return Reply(405, b"405 method not allowed", _PLAIN)

    def bad_json(self, why: str) -> Reply:
        return self.error(400, f"invalid character in body: {why}", "")

    def no_messages(self) -> Reply:
        return self.error(400, "[] is too short - 'messages'", "")

    def no_input(self) -> Reply:
        return self.error(400, "invalid input", "")

    def no_model(self, name: str, situation: Situation) -> Reply:
        return self.error(404, f"model '{name}' not found", "")

    def no_image(self, model: Model) -> Reply:
        message = f'"{model.id}" does not support image input'
        return self.error(400, message, "")

    def no_tools(self, model: Model) -> Reply:
        return self.error(400, f"{model.id} does not support tools", "")

    def no_chat(self, model: Model) -> Reply:
        return self.error(400, f'"{model.id}" does not support chat', "")

    def no_embeddings(self, model: Model) -> None:
        return None  # any model embeds

    def too_long(self, tokens: int, limit: int) -> None:
        return None  # the oldest messages are dropped without a word


def _moved(
    kind: str, data: dict[str, object], model: Model, situation: Situation
) -> Reply | Moved | None:
    """An empty prompt loads; with `keep_alive` 0 it unloads. None for a request with content."""
    if kind == "native-embed":
        if read_inputs(data):
            return None
        empty = {"model": model.id, "embeddings": list[object]()}
        return Moved(reply_json(empty), load=frozenset({model.id}))
    if data.get("prompt" if kind == "native-generate" else "messages") or data.get("tools"):
        return None
    said = {"model": model.id, "created_at": stamp(situation.unix_s), "response": "", "done": True}
    if data.get("keep_alive") == 0:
        done = reply_json({**said, "done_reason": "unload"})
        return Moved(done, unload=frozenset({model.id}))
    if model.chat is False:
        return None
    return Moved(reply_json({**said, "done_reason": "load"}), load=frozenset({model.id}))


def _native_refusal(kind: str, data: dict[str, object], model: Model) -> Reply | None:
    if kind == "native-embed":
        return None
    if model.chat is False:
        word = "chat" if kind == "native-chat" else "generate"
        return reply_json({"error": f'"{model.id}" does not support {word}'}, 400)
    if data.get("tools") and model.tools is False:
        return reply_json({"error": f"{model.id} does not support tools"}, 400)
    return None


def _native_ask(kind: str, data: dict[str, object]) -> Ask:
    """Native bodies say `format` and `options.num_predict`, and stream unless told not to."""
    shape = data.get("format")
    body = dict(data)
    if kind == "native-generate":
        body["messages"] = [{"role": "user", "content": data.get("prompt")}]
    ask = read_chat(body)
    limit = as_map(data.get("options")).get("num_predict")
    images = any(as_list(as_map(m).get("images")) for m in as_list(body.get("messages")))
    return replace(
        ask,
        stream=data.get("stream") is not False,
        json_mode=bool(shape),
        schema=shape if isinstance(shape, dict) else None,
        max_tokens=limit if isinstance(limit, int) and limit > 0 else None,
        image=images or bool(data.get("images")),
    )


def _entry(model: Model, situation: Situation) -> dict[str, object]:
    owner = model.id.rpartition("/")[0] or "library"
    return {"id": model.id, "object": "model", "created": situation.unix_s, "owned_by": owner}
