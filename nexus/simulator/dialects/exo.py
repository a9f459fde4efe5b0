"""An exo cluster behind one of its nodes. Pure.

Its habits: the model list is a catalogue, only running instances answer; streams open with a
comment, carry usage in the finish chunk, and close the connection.
"""

from __future__ import annotations

from nexus.domain.backend import Model
from nexus.simulator.answer import Step
from nexus.simulator.dialects.base import Heard, Situation, Timing, is_get
from nexus.simulator.dialects.ollama_facts import running, tag
from nexus.simulator.dialects.openai import Generic
from nexus.simulator.dialects.voices import ChatVoice
from nexus.simulator.prose import number
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import DONE, Reply, Request, event, reply_json

_NAMES = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Unavailable"}


class Exo(Generic):
    """`localhost:52415`; two nodes share every model."""

    headers = (("server", "uvicorn"),)
    keep_alive_s = 5.0
    closes_after_streams = True

    def posts(self, spec: SimSpec) -> dict[str, str]:
        return {"/v1/chat/completions": "chat"}

    def page(self, request: Request, situation: Situation) -> Reply | None:
        if is_get(request, "/"):
            page = b"<!doctype html><title>exo (simulated)</title>"
            return Reply(body=page, type="text/html; charset=utf-8")
        if is_get(request, "/node_id"):
            return reply_json(f"simulated-{number(situation.spec.name):016x}")
        if is_get(request, "/state"):
            return reply_json(_state(situation))
        if is_get(request, "/ollama/api/version"):
            return reply_json({"version": "1.0.0"})
        if is_get(request, "/ollama/api/ps"):
            return reply_json({"models": running(situation)})
        if is_get(request, "/ollama/api/tags"):
            return reply_json({"models": [tag(m, situation) for m in situation.spec.models]})
        return super().page(request, situation)

    def find(self, name: str, situation: Situation) -> Model | None:
        """Only what runs; the rest of the catalogue is not found."""
        model = super().find(name, situation)
        return model if model is not None and model.id in situation.loaded else None

    def models(self, situation: Situation) -> Reply:
        entries = [_entry(model, situation) for model in situation.spec.models]
        return reply_json({"object": "list", "data": entries})

    def not_ready(self, request: Request) -> None:
        return None

    def chat_voice(self, heard: Heard) -> ChatVoice:
        return _Chat(heard)

    def error(
        self, status: int, message: str, type: str, code: object = None, param: object = None
    ) -> Reply:
        kind = _NAMES.get(status, "Internal Server Error")
        body = {"message": message, "type": kind, "param": None, "code": status}
        return reply_json({"error": body}, status)

    def failure(self, status: int) -> Reply:
        return self.error(status, "simulated failure", "")

    def unknown_path(self, request: Request) -> Reply:
        return self.error(404, "Not Found", "")

    def wrong_method(self, request: Request) -> Reply:
        return self.error(405, "Method Not Allowed", "")

    def no_model(self, name: str, situation: Situation) -> Reply:
        return self.error(404, f"No instance found for model {name}", "")

    def no_image(self, model: Model) -> Reply:
        return self.error(400, f"Model {model.id} does not support images", "")

    def too_long(self, tokens: int, limit: int) -> None:
        return None


class _Chat(ChatVoice):
    def opening(self) -> bytes:
        return b": keep-alive\n\n"

    def step(self, step: Step, last: bool) -> bytes:
        """The role in every chunk; text, finish and usage together in the last."""
        if step.call is None:
            return self._said({"content": step.text}, last)
        if not last:
            return b""
        calls = [{**call, "index": i} for i, call in enumerate(self.calls())]
        return self._said({"content": None, "tool_calls": calls}, last)

    def closing(self, timing: Timing) -> bytes:
        return (b"" if self.spoken.steps else self._said({"content": ""}, True)) + DONE

    def content(self) -> str:
        return self.spoken.content

    def ident(self) -> str:
        text = self.situation.ident(32)
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def _said(self, delta: dict[str, object], last: bool) -> bytes:
        choice = {
            "index": 0,
            "delta": {"role": "assistant", **delta},
            "logprobs": None,
            "finish_reason": self.finish() if last else None,
        }
        frame = self.frame([choice])
        return event({**frame, "usage": self.usage()} if last else frame)


def _entry(model: Model, situation: Situation) -> dict[str, object]:
    return {
        "id": model.id,
        "object": "model",
        "created": situation.unix_s,
        "owned_by": "exo",
        "hugging_face_id": f"mlx-community/{model.id}",
        "name": model.id,
        "description": "simulated",
        "context_length": model.context_length or 0,
        "tags": [],
        "storage_size_megabytes": 17_000,
        "supports_tensor": True,
        "tasks": ["TextGeneration"],
        "is_custom": False,
        "family": "",
        "quantization": "4bit",
        "base_model": model.id,
        "capabilities": [
            word
            for word, true in (("text", True), ("vision", model.vision),
                               ("thinking", model.reasoning))
            if true
        ],
    }  # fmt: skip


def _state(situation: Situation) -> dict[str, object]:
    nodes = [f"simulated-{number(situation.spec.name, str(i)):012x}" for i in range(2)]
    instances = {
        f"instance-{number(model_id):012x}": {
            "MlxRingInstance": {
                "instanceId": f"instance-{number(model_id):012x}",
                "shardAssignments": {
                    "modelId": model_id,
                    "runnerToShard": {},
                    "nodeToRunner": {node: f"runner-{node}" for node in nodes},
                },
            }
        }
        for model_id in sorted(situation.loaded)
    }
    return {
        "instances": instances,
        "runners": {f"runner-{node}": {"RunnerReady": {}} for node in nodes},
        "downloads": {},
        "tasks": {},
        "nodeMemory": {
            node: {"ramTotal": {"inBytes": 137_438_953_472},
                   "ramAvailable": {"inBytes": 90_000_000_000}}
            for node in nodes
        },
        "nodeIdentities": {node: {"friendlyName": node} for node in nodes},
        "topology": {"nodes": nodes, "connections": {}},
        "lastSeen": dict.fromkeys(nodes, situation.unix_s),
    }  # fmt: skip
