"""What the benches send and answer."""

from __future__ import annotations

import json

MODEL = "bench"

_PROSE = (
    'You are careful. Summarise the document and say "why" each step matters.\nUse plain words. '
)


def chat_body(*, stream: bool = False, size: int = 1000) -> bytes:
    """A chat request of about `size` bytes."""
    messages = [
        {"role": "system", "content": "You are a helpful assistant."},
        {"role": "user", "content": (_PROSE * (size // len(_PROSE) + 1))[: max(0, size - 190)]},
    ]
    return json.dumps(
        {"model": MODEL, "messages": messages, "temperature": 0.2, "stream": stream}
    ).encode()


def models_answer() -> bytes:
    """What lists the one model."""
    return json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model"}]}).encode()


def unary_answer() -> bytes:
    """A chat completion of 1 KB with its usage."""
    text = (_PROSE * 10)[:700]
    message = {"role": "assistant", "content": text}
    return json.dumps(
        {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 150, "total_tokens": 350},
        }
    ).encode()


def event(text: str | None) -> bytes:
    """One event of a stream; None makes the last one."""
    delta = {"content": text} if text is not None else {}
    finish = None if text is not None else "stop"
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": MODEL,
        "choices": [choice],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
