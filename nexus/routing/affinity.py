"""Requests of one conversation go where its prompt is cached already, while that costs little.

By rendezvous hashing: each backend draws a number from the key and its own id, and the highest
draw is preferred. Nothing is stored, all gateways agree, and a backend that leaves moves only its
own conversations. Only candidates that are about as good as the best, and have about as little to
do as the idlest, take part: a cache is worth a few points and not a queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from nexus.domain.backend import Load
from nexus.domain.fleet import Candidate, Loads
from nexus.domain.policy import Weights
from nexus.routing.strategies import must_load, points

NEAR_POINTS: Final = 3
"""Points of score below the best that still take part."""

MORE_PENDING: Final = 4
"""Requests in flight above the idlest that still take part."""

_IDLE: Final = Load()


def prefer(
    key: str, ranked: list[Candidate], why: str, loads: Loads, weights: Weights
) -> tuple[list[Candidate], str]:
    """The ranking with the conversation's backend first, and why.

    Args:
        key: any text that the requests of a conversation have in common.
        ranked: best first, not empty.
        why: of the ranking as it is.
    """
    first = ranked[0]
    least = min(loads.get(each.backend.face.id, _IDLE).pending for each in ranked)
    enough = points(first, loads, weights) - NEAR_POINTS
    near = [
        each
        for each in ranked
        if loads.get(each.backend.face.id, _IDLE).pending <= least + MORE_PENDING
        and points(each, loads, weights) >= enough
        and must_load(each) == must_load(first)
    ]
    if len(near) < 2:
        return ranked, why
    chosen = max(near, key=lambda each: _draw(key, each.backend.face.id))
    others: Sequence[Candidate] = [each for each in ranked if each is not chosen]
    name, score = chosen.backend.name, points(chosen, loads, weights)
    return [chosen, *others], f"affinity:{name}:{score}"


def _draw(key: str, backend_id: str) -> bytes:
    """Evenly spread, and the same in every process."""
    text = f"{key}\0{backend_id}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=8).digest()
