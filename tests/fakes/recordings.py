"""Chat answers recorded from a real llama.cpp server (tests/data/captures), unary and streamed."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.captures import capture


def unary(name: str) -> Any:
    """The decoded JSON answer, for instance of `llamacpp/chat`."""
    return json.loads(capture(name).body)


def stream(name: str) -> bytes:
    """The bytes of a recorded event stream."""
    return capture(name).body


def payloads(raw: bytes) -> list[bytes]:
    """The `data:` payloads of a stream."""
    return [line[5:].strip() for line in raw.splitlines() if line.startswith(b"data:")]
