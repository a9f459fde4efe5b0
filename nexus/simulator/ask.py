"""Reads OpenAI-shaped request bodies: what is asked, of which model, and how. Pure.

Nothing here decides what is refused; each dialect does, in its own words.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

BYTES_PER_TOKEN = 4


class BadBody(Exception):
    """The body is not a JSON object. The argument says where it stops being one."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to a model."""

    model: str
    prompt: str
    """All text of the request, joined."""
    has_messages: bool = True
    stream: bool = False
    include_usage: bool = False
    image: bool = False
    tools: tuple[Mapping[str, object], ...] = ()
    """The `function` objects."""
    must_call: str | None = None
    """Name in `tool_choice`, if one is."""
    may_call: bool = True
    """False after a tool's result and for `tool_choice: "none"`."""
    json_mode: bool = False
    schema: object = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    base64: bool = False
    """Embeddings as base64, which the OpenAI SDK asks for by itself."""

    @property
    def prompt_tokens(self) -> int:
        """Estimate, at least 1."""
        return max(1, len(self.prompt.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object in `body`. Raises `BadBody`."""
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise BadBody(str(exc)) from exc
    if not isinstance(value, dict):
        raise BadBody("the body is not an object")
    return cast("dict[str, object]", value)


def read_chat(data: Mapping[str, object]) -> Ask:
    """The needs of a chat/completions body."""
    messages = [as_map(m) for m in as_list(data.get("messages"))]
    texts = [" ".join(_texts(message.get("content"))) for message in messages]
    tools = tuple(as_map(as_map(tool).get("function")) for tool in as_list(data.get("tools")))
    choice = data.get("tool_choice")
    last_role = messages[-1].get("role") if messages else None
    shape = as_map(data.get("response_format"))
    prompt = "\n".join(texts) + (json.dumps(tools) if tools else "")
    return Ask(
        model=as_text(data.get("model")),
        prompt=prompt,
        has_messages="messages" in data,
        stream=data.get("stream") is True,
        include_usage=as_map(data.get("stream_options")).get("include_usage") is True,
        image=any(_has_image(message.get("content")) for message in messages),
        tools=tools,
        must_call=as_text(as_map(as_map(choice).get("function")).get("name")) or None,
        may_call=last_role != "tool" and choice != "none",
        json_mode=shape.get("type") in {"json_object", "json_schema"},
        schema=as_map(shape.get("json_schema")).get("schema", shape.get("schema")),
        max_tokens=_limit(data.get("max_completion_tokens", data.get("max_tokens"))),
        stop=_stops(data.get("stop")),
    )


def read_completion(data: Mapping[str, object]) -> Ask:
    """The needs of a legacy completions body."""
    prompt = data.get("prompt")
    text = prompt if isinstance(prompt, str) else " ".join(_texts(prompt))
    return Ask(
        model=as_text(data.get("model")),
        prompt=text,
        stream=data.get("stream") is True,
        include_usage=as_map(data.get("stream_options")).get("include_usage") is True,
        max_tokens=_limit(data.get("max_tokens")),
        stop=_stops(data.get("stop")),
    )


def read_inputs(data: Mapping[str, object]) -> tuple[str, ...] | None:
    """The texts of an embeddings body; None when there are none."""
    value = data.get("input")
    if isinstance(value, str):
        return (value,)
    items = as_list(value)
    if items and all(isinstance(item, int) for item in items):
        return (" ".join(map(str, items)),)
    return tuple(item if isinstance(item, str) else json.dumps(item) for item in items) or None


def as_map(value: object) -> Mapping[str, object]:
    """`value` if it is an object, else an empty one."""
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """`value` if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """`value` if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in as_list(content):
        yield part if isinstance(part, str) else as_text(as_map(part).get("text"))


def _has_image(content: object) -> bool:
    return any(as_map(p).get("type") in {"image_url", "input_image"} for p in as_list(content))


def _limit(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and value > 0
    return cast("int", value) if whole else None


def _stops(value: object) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else as_list(value)
    return tuple(item for item in found if isinstance(item, str) and item)
