"""How Ollama answers: OpenAI chunks with a fingerprint of its own, and native NDJSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from nexus.simulator.answer import Step
from nexus.simulator.dialects.base import Heard, Timing, stamp
from nexus.simulator.dialects.voices import EMBEDDING_SIZE, ChatVoice
from nexus.simulator.prose import embedding
from nexus.simulator.wire import Reply, dumps, event, reply_json

FINGERPRINT = "fp_ollama"
_NS_PER_MS = 1_000_000


class Chat(ChatVoice):
    """`/v1/chat/completions`: the first chunk has the role and the first text together."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(heard)
        self._silent = True

    def opening(self) -> bytes:
        return b""

    def chunk(self, delta: dict[str, object], finish: str | None = None) -> bytes:
        if self._silent:
            delta = {"role": "assistant", "content": "", **delta}
            self._silent = False
        elif finish is not None:
            delta = {"role": "assistant", "content": ""}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event(self.frame([choice]))

    def step(self, step: Step, last: bool) -> bytes:
        """A tool call comes in one chunk, when it is complete."""
        if step.call is None:
            return super().step(step, last)
        if step.name is None:
            return b""
        call = {**self.calls()[step.call], "index": step.call}
        return self.chunk({"content": "", "tool_calls": [call]})

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        return {**super().frame(choices), "system_fingerprint": FINGERPRINT}

    def content(self) -> str:
        return self.spoken.content

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        return {"system_fingerprint": FINGERPRINT}

    def ident(self) -> str:
        return f"chatcmpl-{int(self.situation.ident(8), 16) % 1000}"


class NativeChat:
    """`/api/chat`: one JSON object per line, the last one `done`."""

    content_type = "application/x-ndjson"

    def __init__(self, heard: Heard) -> None:
        self.heard = heard

    def opening(self) -> bytes:
        return b""

    def step(self, step: Step, last: bool) -> bytes:
        if step.call is None:
            return self._line(self.part(step.text))
        if step.name is None:
            return b""
        return self._line({"message": self._called(self.heard.answer.content)})

    def closing(self, timing: Timing) -> bytes:
        return self._line({**self.part(""), **self._numbers(timing)})

    def whole(self, timing: Timing) -> Reply:
        text = self.heard.answer.content
        said = {"message": self._called(text)} if self.heard.answer.calls else self.part(text)
        return reply_json({**self._frame(), **said, **self._numbers(timing)})

    def part(self, text: str) -> dict[str, object]:
        """A piece of text in the place this path has for it."""
        return {"message": {"role": "assistant", "content": text}}

    def _called(self, text: str) -> dict[str, object]:
        """Arguments are an object here, not a string."""
        calls = [
            {"function": {"index": i, "name": c.name, "arguments": json.loads(c.arguments)}}
            for i, c in enumerate(self.heard.answer.calls)
        ]
        return {"role": "assistant", "content": text, "tool_calls": calls}

    def _frame(self) -> dict[str, object]:
        return {"model": self.heard.model.id, "created_at": stamp(self.heard.situation.unix_s)}

    def _line(self, said: dict[str, object]) -> bytes:
        return dumps({**self._frame(), "done": False, **said}) + b"\n"

    def _numbers(self, timing: Timing) -> dict[str, object]:
        finish = self.heard.answer.finish
        return {
            "done": True,
            "done_reason": finish if finish == "length" else "stop",
            "total_duration": int((timing.prompt_ms + timing.predicted_ms) * _NS_PER_MS),
            "load_duration": 0,
            "prompt_eval_count": self.heard.answer.prompt_tokens,
            "prompt_eval_duration": int(timing.prompt_ms * _NS_PER_MS),
            "eval_count": self.heard.answer.tokens,
            "eval_duration": int(timing.predicted_ms * _NS_PER_MS),
        }


class NativeGenerate(NativeChat):
    """`/api/generate`: the same lines with `response` instead of a message."""

    def part(self, text: str) -> dict[str, object]:
        return {"response": text}


class NativeEmbed:
    """`/api/embed`."""

    content_type = "application/json"

    def __init__(self, heard: Heard, inputs: tuple[str, ...]) -> None:
        self.heard = heard
        self.inputs = inputs

    def opening(self) -> bytes:
        return b""

    def step(self, step: Step, last: bool) -> bytes:
        return b""

    def closing(self, timing: Timing) -> bytes:
        return b""

    def whole(self, timing: Timing) -> Reply:
        return reply_json(
            {
                "model": self.heard.model.id,
                "embeddings": [embedding(text, EMBEDDING_SIZE) for text in self.inputs],
                "total_duration": int(timing.prompt_ms * _NS_PER_MS),
                "load_duration": 0,
                "prompt_eval_count": self.heard.answer.prompt_tokens,
            }
        )
