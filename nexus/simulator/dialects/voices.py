"""OpenAI's answer shapes: chat, legacy completions and embeddings, whole and in chunks. Pure.

Dialects subclass these to add their fields and habits.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping, Sequence

from nexus.simulator.answer import Step
from nexus.simulator.dialects.base import Heard, Timing
from nexus.simulator.prose import embedding, number
from nexus.simulator.wire import DONE, Reply, event, reply_json

EMBEDDING_SIZE = 64
"""Numbers per vector: few, because they are simulated."""


class ChatVoice:
    """`/v1/chat/completions`."""

    content_type = "text/event-stream"
    usage_always = False
    """True where usage comes without `stream_options.include_usage`."""

    def __init__(self, heard: Heard) -> None:
        self.ask = heard.ask
        self.spoken = heard.answer
        self.model = heard.model
        self.situation = heard.situation

    def opening(self) -> bytes:
        return self.chunk({"role": "assistant", "content": ""})

    def step(self, step: Step, last: bool) -> bytes:
        if step.call is None:
            return self.chunk({"content": step.text})
        if step.name is not None:
            function = {"name": step.name, "arguments": step.text}
            call: dict[str, object] = {
                "index": step.call, "id": self.call_id(step.call), "type": "function",
                "function": function,
            }  # fmt: skip
        else:
            call = {"index": step.call, "function": {"arguments": step.text}}
        return self.chunk({"tool_calls": [call]})

    def closing(self, timing: Timing) -> bytes:
        usage = self.usage_chunk(timing) if self.ask.include_usage or self.usage_always else b""
        return self.finish_chunk(timing) + usage + DONE

    def whole(self, timing: Timing) -> Reply:
        choice = {
            "index": 0,
            "message": self.message(),
            **self.choice_extra(),
            "finish_reason": self.finish(),
        }
        return reply_json(
            {
                "id": self.ident(),
                "object": "chat.completion",
                "created": self.situation.unix_s,
                "model": self.model.id,
                "choices": [choice],
                "usage": self.usage(),
                **self.whole_extra(timing),
            }
        )

    # The parts that dialects replace.

    def chunk(self, delta: dict[str, object], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return event(self.frame([choice]))

    def finish_chunk(self, timing: Timing) -> bytes:
        return self.chunk({}, self.finish())

    def usage_chunk(self, timing: Timing) -> bytes:
        return event({**self.frame([]), "usage": self.usage()})

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """The fields every chunk has."""
        return {
            "id": self.ident(),
            "object": "chat.completion.chunk",
            "created": self.situation.unix_s,
            "model": self.model.id,
            "choices": choices,
        }

    def message(self) -> dict[str, object]:
        said: dict[str, object] = {"role": "assistant", "content": self.content()}
        if self.spoken.calls:
            said["tool_calls"] = self.calls()
        return said

    def content(self) -> str | None:
        """Text of a whole answer; null beside tool calls in most dialects."""
        return None if self.spoken.calls else self.spoken.content

    def calls(self) -> list[dict[str, object]]:
        return [
            {
                "id": self.call_id(i),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for i, call in enumerate(self.spoken.calls)
        ]

    def choice_extra(self) -> dict[str, object]:
        return {}

    def whole_extra(self, timing: Timing) -> dict[str, object]:
        return {}

    def finish(self) -> str:
        return self.spoken.finish

    def usage(self) -> dict[str, object]:
        prompt, written = self.spoken.prompt_tokens, self.spoken.tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": written,
            "total_tokens": prompt + written,
        }

    def ident(self) -> str:
        return f"chatcmpl-{self.situation.ident(24)}"

    def call_id(self, index: int) -> str:
        return f"call_{number(self.situation.ident(16), str(index)):016x}"


class TextVoice(ChatVoice):
    """`/v1/completions`: no role, no tool calls, `text` instead of a delta."""

    def opening(self) -> bytes:
        return b""

    def step(self, step: Step, last: bool) -> bytes:
        return event(self.frame([self.text_choice(step.text, None)]))

    def finish_chunk(self, timing: Timing) -> bytes:
        return event(self.frame([self.text_choice("", self.finish())]))

    def frame(self, choices: Sequence[Mapping[str, object]]) -> dict[str, object]:
        return {**super().frame(choices), "object": "text_completion"}

    def whole(self, timing: Timing) -> Reply:
        return reply_json(
            {
                **self.frame([self.text_choice(self.spoken.content, self.finish())]),
                "usage": self.usage(),
                **self.whole_extra(timing),
            }
        )

    def text_choice(self, text: str, finish: str | None) -> dict[str, object]:
        return {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}

    def ident(self) -> str:
        return f"cmpl-{self.situation.ident(24)}"


class EmbedVoice:
    """`/v1/embeddings`. Never streamed."""

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
                "object": "list",
                "data": [
                    {"object": "embedding", "embedding": self.vector(text), "index": i}
                    for i, text in enumerate(self.inputs)
                ],
                "model": self.heard.model.id,
                "usage": self.usage(),
                **self.extra(),
            }
        )

    def vector(self, text: str) -> list[float] | str:
        """Numbers, or base64 of little-endian floats, which the OpenAI SDK asks for."""
        numbers = embedding(text, EMBEDDING_SIZE)
        if self.heard.ask.base64:
            return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        return numbers

    def usage(self) -> dict[str, object]:
        tokens = self.heard.answer.prompt_tokens
        return {"prompt_tokens": tokens, "total_tokens": tokens}

    def extra(self) -> dict[str, object]:
        return {}
