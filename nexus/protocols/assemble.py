"""The chunks of a stream -> the one answer that a client who asked for no stream expects.

For servers that go on generating after a client of a non-streaming request has left: they are asked
for a stream, which they do stop, and the answer is put together here. Written after llama.cpp's two
forms of the same answer; what it does not know it keeps. Everything fed is hostile text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, cast

import msgspec

_decode = msgspec.json.Decoder().decode

_TEXTS: Final = frozenset({"content", "reasoning_content", "reasoning", "thinking", "refusal"})
"""Delta fields whose pieces are joined. Any other string replaces the one before."""

_STREAM_ONLY: Final = frozenset({"prompt_progress"})
"""Top-level fields that mean nothing once the answer is whole."""

_NOTHING: Final = frozenset({b"", b"[DONE]", b"null"})
"""Payloads that say nothing. llama.cpp begins its stream for several prompts with a null."""

_UNREADABLE: Final = {
    "message": "The backend sent an event that cannot be read.",
    "type": "server_error",
    "code": "upstream_broken",
}

Json = dict[str, object]


class Assembler:
    """Feed it the `data:` payload of every event; ask `error`, `complete`, `result()` at the end.

    Memory is that of the finished answer. Never raises.
    """

    __slots__ = ("_choices", "_error", "_top")

    def __init__(self) -> None:
        self._top: Json = {}
        self._choices: dict[int, _Choice] = {}
        self._error: Mapping[str, object] | None = None

    @property
    def error(self) -> Mapping[str, object] | None:
        """The error object that came in the stream, if one did: `{"message": ..., ...}`."""
        return self._error

    @property
    def complete(self) -> bool:
        """True when every choice has said why it ended."""
        return bool(self._choices) and all(
            choice.fields.get("finish_reason") is not None for choice in self._choices.values()
        )

    def feed(self, data: bytes) -> None:
        """Take one event's payload. `[DONE]` and emptiness are ignored."""
        data = data.strip()
        if data in _NOTHING:
            return
        chunk = _object(_read(data))
        if chunk is None:
            self._error = self._error or _UNREADABLE
            return
        error = chunk.pop("error", None)
        if error:
            said = _object(error)
            self._error = said if said is not None else {"message": str(error)}
        for fields in _objects(chunk.pop("choices", None)):
            index = fields.get("index", 0)
            if isinstance(index, int):
                self._choices.setdefault(index, _Choice(index)).feed(fields)
        # Repeated in every chunk, or said in the last one only; `usage: null` means "not yet".
        for key, value in chunk.items():
            if value is not None and key not in _STREAM_ONLY:
                self._top[key] = value

    def result(self) -> bytes:
        """The unary answer as JSON. What has come so far, when the stream was cut."""
        kind = str(self._top.get("object", "chat.completion"))
        answer: Json = {
            "choices": [choice.answer() for _, choice in sorted(self._choices.items())],
            **self._top,
            "object": kind.removesuffix(".chunk"),
        }
        try:
            return _encoded(answer)
        except RecursionError:
            self._error = _UNREADABLE
            return _encoded({"error": _UNREADABLE})


def as_events(answer: bytes) -> bytes | None:
    """The other way round: a whole answer as the stream that was asked for, one event and its end.

    None where it is no answer with choices.
    """
    found = _object(_read(answer))
    choices = _objects(found.get("choices")) if found is not None else []
    if found is None or not choices:
        return None
    for choice in choices:
        message = _object(choice.pop("message", None))
        if message is not None:
            for index, call in enumerate(_objects(message.get("tool_calls"))):
                call.setdefault("index", index)
            choice["delta"] = message
    if any("delta" in choice for choice in choices):
        found["object"] = "chat.completion.chunk"
    return b"data: " + _encoded(found) + b"\n\ndata: [DONE]\n\n"


class _Choice:
    """One choice as it grows."""

    __slots__ = ("_message", "_pieces", "_tools", "fields")

    def __init__(self, index: int) -> None:
        self.fields: Json = {"finish_reason": None, "index": index}
        self._message: Json | None = None
        self._pieces: dict[str, list[str]] = {}
        self._tools: dict[int, _ToolCall] = {}

    def feed(self, fields: Json) -> None:
        for key, value in fields.items():
            if key == "delta":
                self._feed_delta(_object(value) or {})
            elif key == "text" and isinstance(value, str):
                self._pieces.setdefault("text", []).append(value)
            elif key != "index":
                _merge(self.fields, key, value)

    def _feed_delta(self, delta: Json) -> None:
        message = self._message
        if message is None:
            message = self._message = {"role": "assistant", "content": ""}
        for key, value in delta.items():
            if key == "tool_calls":
                for position, fragment in enumerate(_objects(value)):
                    self._tool(fragment, position).feed(fragment)
            elif key in _TEXTS and isinstance(value, str):
                self._pieces.setdefault(key, []).append(value)
            elif key == "function_call":
                call = _object(message.setdefault("function_call", {}))
                _merge_function(call if call is not None else {}, value)
            elif value is not None:
                _merge(message, key, value)

    def _tool(self, fragment: Json, position: int) -> _ToolCall:
        index = fragment.get("index")
        if not isinstance(index, int):
            index = position  # the unary form inside a stream: whole calls, all at once
        return self._tools.setdefault(index, _ToolCall())

    def answer(self) -> Json:
        texts = {key: "".join(pieces) for key, pieces in self._pieces.items()}
        if self._message is None:
            return {"text": texts.pop("text", ""), **self.fields}
        message: Json = {**self._message, **texts}
        if self._tools:
            message["tool_calls"] = [call.fields for _, call in sorted(self._tools.items())]
        return {**self.fields, "message": message}


class _ToolCall:
    """One tool call: its id, type and name come once, its arguments in pieces."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: Json = {}

    def feed(self, fragment: Json) -> None:
        for key, value in fragment.items():
            if key == "function":
                function = _object(self.fields.setdefault("function", {}))
                _merge_function(function if function is not None else {}, value)
            elif key != "index" and value is not None:
                self.fields[key] = value


def _merge_function(function: Json, fragment: object) -> None:
    """Add a piece of a function call in place: arguments grow, anything else is said once."""
    for key, value in (_object(fragment) or {}).items():
        before = function.get(key)
        if key == "arguments" and isinstance(before, str) and isinstance(value, str):
            function[key] = before + value
        elif value is not None and value != "":
            function[key] = value
        else:
            function.setdefault(key, value)


def _merge(into: Json, key: str, value: object) -> None:
    """Set a field in place: lists grow, also those in an object (logprobs); null says nothing."""
    before = into.get(key)
    if value is None:
        into.setdefault(key, None)
    elif isinstance(before, list) and isinstance(value, list):
        cast("list[object]", before).extend(cast("list[object]", value))
    elif isinstance(before, dict) and isinstance(value, dict):
        inside = cast("Json", before)
        for name, part in cast("Json", value).items():
            grown = inside.get(name)
            if isinstance(grown, list) and isinstance(part, list):
                cast("list[object]", grown).extend(cast("list[object]", part))
            elif part is not None or name not in inside:
                inside[name] = part
    else:
        into[key] = value


def _read(data: bytes) -> object:
    """The decoded payload; None when it cannot be read."""
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # a lone surrogate, which generators cut in the middle of an emoji do send
        return cast("object", json.loads(data))
    except (ValueError, RecursionError):
        return None


def _encoded(answer: Json) -> bytes:
    try:
        return msgspec.json.encode(answer)
    except UnicodeEncodeError:
        return json.dumps(answer, separators=(",", ":")).encode()


def _object(value: object) -> Json | None:
    return cast("Json", value) if isinstance(value, dict) else None


def _objects(value: object) -> list[Json]:
    """The objects of an array; nothing where there is none."""
    if not isinstance(value, list):
        return []
    items = cast("list[object]", value)
    return [cast("Json", item) for item in items if isinstance(item, dict)]
