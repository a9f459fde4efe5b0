"""The text that simulated models write: readable, repeatable, and open about being simulated. Pure.

The same model and prompt give the same text in every process and on every machine.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import cast

_SENTENCES = tuple(
    sentence.strip()
    for sentence in """
    A gateway gives every client one address and every server its share of the work.
    Requests go to the server that has the model, has room, and answered fastest of late.
    When a server goes away, its traffic moves to the next best one before the client notices.
    Private prompts stay on machines you own; only open work may leave the house.
    A queue is a promise to be fair to those who came first.
    The first token is the one people wait for, so it is the one worth measuring.
    Small models answer small questions well, and they answer them now.
    A health check is a question asked so often that the answer is always fresh.
    Tokens stream through unchanged, byte for byte, as the server wrote them.
    Capacity is what is left when nobody is looking; load is what you find when you look.
    A good dashboard tells you what changed without making you search for it.
    Draining a server means letting it finish its sentences before it leaves the room.
    """.strip().splitlines()
)
_TOPICS = ("routing", "latency", "capacity", "privacy", "failover", "streaming")


def number(*parts: str) -> int:
    """A 64-bit number that depends on `parts` alone."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest())


def write(server: str, model: str, prompt: str, tokens: int) -> tuple[str, ...]:
    """`tokens` pieces of text, one word each; the first sentence says who really answers."""
    seed = number(model, prompt)
    words = f"This is a simulated answer by {model} on {server}.".split()
    turn = seed
    while len(words) < tokens:
        words += _SENTENCES[turn % len(_SENTENCES)].split()
        turn += 1 + seed % 4
    return tuple(word if i == 0 else " " + word for i, word in enumerate(words[:tokens]))


def sample(schema: object, seed: int, depth: int = 0) -> object:
    """A small value that fits the common part of JSON Schema: what models answer when forced to."""
    if not isinstance(schema, Mapping) or depth > 6:
        return {}
    known = cast("Mapping[str, object]", schema)
    if "const" in known:
        return known["const"]
    options = known.get("enum")
    if isinstance(options, list) and options:
        return cast("list[object]", options)[seed % len(cast("list[object]", options))]
    match known.get("type"):
        case "object" | None if isinstance(known.get("properties"), Mapping):
            properties = cast("Mapping[str, object]", known["properties"])
            return {
                name: sample(part, seed + i, depth + 1)
                for i, (name, part) in enumerate(properties.items())
            }
        case "array":
            return [sample(known.get("items"), seed, depth + 1)]
        case "integer" | "number":
            return seed % 40
        case "boolean":
            return seed % 2 == 0
        case "string":
            return ("Paris", "Oslo", "Kyoto", "Quito")[seed % 4]
        case _:
            return {}


def topic(seed: int) -> str:
    """A word for JSON answers without a schema."""
    return _TOPICS[seed % len(_TOPICS)]


def embedding(text: str, size: int) -> list[float]:
    """A unit vector; texts that share words point in similar directions."""
    vector = [0.0] * size
    for word in text.lower().split() or [""]:
        value = number(word)
        for i in range(size):
            value = (value * 6364136223846793005 + 1442695040888963407) % 2**64
            vector[i] += (value >> 33) / 2**30 - 1
    length = math.sqrt(math.fsum(part * part for part in vector)) or 1.0
    return [round(part / length, 8) for part in vector]
