"""Has a stream begun to answer? Comments, roles and empty pieces are not an answer yet. Pure.

Until it has, nothing that a client could show has been made, and another backend may take over.
What is not understood counts as an answer: holding back too much would be worse.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Any, Final, cast

import msgspec

MAX_HELD_BYTES: Final = 16 * 1024
"""More than this is an answer, whatever it says."""

_decode = msgspec.json.Decoder().decode
_SPLIT = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_LINES = re.compile(rb"\r\n|\n|\r")


class Opening(Enum):
    """What the first bytes of a stream are."""

    NOTHING = auto()
    """Nothing to show: it may still move."""
    OUTPUT = auto()
    ERROR = auto()
    """An error before any output."""


def opening(data: bytes) -> Opening:
    """Judge the first bytes of an event stream. The last event may be incomplete."""
    if len(data) > MAX_HELD_BYTES:
        return Opening.OUTPUT
    *events, _ = _SPLIT.split(data)
    for event in events:
        found = _event(event)
        if found is not Opening.NOTHING:
            return found
    return Opening.NOTHING


def error_in(answer: bytes) -> str | None:
    """What a whole JSON answer says went wrong; None where it is an answer.

    An error beside an answer (`"error": null` is common) is the client's to read.
    """
    try:
        decoded: Any = _decode(answer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    fields = cast("dict[str, Any]", decoded)
    error = fields.get("error")
    if not error or fields.get("choices") or fields.get("data"):
        return None
    message: Any = (
        cast("dict[str, Any]", error).get("message") if isinstance(error, dict) else error
    )
    return message if isinstance(message, str) else ""


def _event(event: bytes) -> Opening:
    lines = [line for line in _LINES.split(event) if line and not line.startswith(b":")]
    if not lines:
        return Opening.NOTHING
    texts = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    if len(texts) != 1 or len(lines) != 1:
        return Opening.OUTPUT  # named or folded events are another protocol's
    try:
        decoded: Any = _decode(texts[0])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Opening.OUTPUT  # `[DONE]` is one
    if not isinstance(decoded, dict):
        return Opening.OUTPUT
    chunk = cast("dict[str, Any]", decoded)
    if chunk.get("error"):
        return Opening.ERROR
    choices = chunk.get("choices")
    if not isinstance(choices, list) or chunk.get("usage"):
        return Opening.OUTPUT
    silent = all(_is_silent(choice) for choice in cast("list[object]", choices))
    return Opening.NOTHING if silent else Opening.OUTPUT


def _is_silent(choice: object) -> bool:
    """True for a choice that says who speaks and nothing else."""
    if not isinstance(choice, dict):
        return False
    fields = cast("dict[str, Any]", choice)
    if fields.get("finish_reason") or fields.get("text"):
        return False
    delta = fields.get("delta")
    if delta is None:
        return True
    if not isinstance(delta, dict):
        return False
    pieces = cast("dict[str, Any]", delta)
    return all(name == "role" or not value for name, value in pieces.items())
