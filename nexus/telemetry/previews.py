"""The first words of prompts, for the log, where `logging.enable_content_logging` asks for them.

Off by default, and then this does not exist. Kept from a request's arrival to its line; bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import cast

import msgspec

MOST = 4096
"""Requests whose preview waits for their end."""
CHARS = 100


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None


class _Body(msgspec.Struct):
    messages: list[_Message] | None = None
    prompt: object = None
    input: object = None


_decode = msgspec.json.Decoder(_Body).decode


class Previews:
    """By request id."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()

    def keep(self, request_id: str, body: bytes) -> None:
        """Remember how a request begins."""
        text = preview(body)
        if text:
            self._kept[request_id] = text
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)

    def take(self, request_id: str) -> str:
        """How it began, once; empty where it has no text."""
        return self._kept.pop(request_id, "")


def preview(body: bytes) -> str:
    """The first characters of the first message, prompt or input; nothing where it has no text."""
    try:
        asked = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    first = asked.prompt or asked.input
    if isinstance(first, list):
        first = cast("list[object]", first)[0] if first else ""
    if asked.messages:
        first = asked.messages[0].content
        if isinstance(first, list):
            first = next((part.text for part in first if part.text), "")
    return first[:CHARS] if isinstance(first, str) else ""
