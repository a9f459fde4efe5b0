"""Recorded exchanges with real servers, and their shapes: what keys an answer has at any depth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

CAPTURES = Path(__file__).parents[1] / "data" / "captures"


@dataclass(frozen=True)
class Captured:
    """One request and its answer."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]
    status: int
    text: str

    @property
    def json(self) -> object:
        return json.loads(self.text)


def captured(server: str, case: str) -> Captured:
    """`tests/data/captures/SERVER/CASE.json`."""
    found = json.loads((CAPTURES / server / f"{case}.json").read_text("utf-8"))
    asked, said = found["request"], found["response"]
    body = asked.get("body")
    raw = b"" if body is None else body.encode() if isinstance(body, str) else dump(body)
    return Captured(
        asked["method"],
        asked["path"],
        raw,
        {name.lower(): value for name, value in asked.get("headers", {}).items()},
        said["status"],
        dump(said["json"]).decode() if "json" in said else said.get("text", ""),
    )


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def shape(value: object) -> object:
    """`value` with every leaf replaced by ..., and lists by the shape of their first element."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return ...


def events(stream: str) -> list[object]:
    """Data of the events of an SSE stream; `[DONE]` as text."""
    data = [part.removeprefix("data: ") for part in stream.split("\n\n") if part.strip()]
    return ["[DONE]" if part == "[DONE]" else json.loads(part) for part in data]


def shapes(stream: str) -> list[object]:
    """Shapes of the events, repetitions in a row told once."""
    found: list[object] = []
    for part in events(stream):
        this = part if isinstance(part, str) else shape(part)
        if not found or found[-1] != this:
            found.append(this)
    return found
