"""Requests of one conversation go where its prompt is cached already, while that costs little.

By rendezvous hashing: each backend draws a number from the key and its own id, and the highest
draw is preferred. Nothing is stored, all gateways agree, and a backend that leaves moves only its
own conversations. Only candidates that are about as good as the best, and have about as little to
do as the idlest, take part: a cache is worth a few points and not a queue. Where a backend tells
how many it works on at once, what it has in flight costs it no points here while a place is free.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from nexus.routing.scoring import load_points
from nexus.routing.shortlist import Shortlist, pending_of, score_of

NEAR_POINTS: Final = 3
"""Points of score below the best that still take part."""

MORE_PENDING: Final = 4
"""Requests in flight above the idlest that still take part."""

DRAWS_KEPT: Final = 4096
"""Numbers drawn that are remembered: a conversation asks for the same ones with each turn, and one
costs 2 microseconds."""


def prefer(
    key: str, those: Shortlist, keys: list[int], order: list[int], why: str
) -> tuple[list[int], str]:
    """The ranking with the conversation's backend first, and why.

    Args:
        key: any text that the requests of a conversation have in common.
        keys: of the shortlist's places.
        order: places, best first, not empty.
        why: of the ranking as it is.
    """
    first = order[0]
    most = min(pending_of(keys[place]) for place in order) + MORE_PENDING
    good = [score_of(keys[place]) + _excused(place, those, keys) for place in order]
    enough = good[0] - NEAR_POINTS
    cold = those.cold
    near = [
        place
        for place, points in zip(order, good, strict=True)
        if pending_of(keys[place]) <= most
        and points >= enough
        and (place in cold) == (first in cold)
    ]
    if len(near) < 2:
        return order, why
    chosen = max(near, key=lambda place: _draw(key, those.ids[place]))
    others = [place for place in order if place != chosen]
    name = those.candidates[chosen].backend.face.name
    return [chosen, *others], f"affinity:{name}:{score_of(keys[chosen])}"


def _excused(place: int, those: Shortlist, keys: list[int]) -> int:
    """Points that places cost a backend with a free one, beyond what it would pay without them."""
    places = those.candidates[place].backend.places
    if not places:
        return 0
    pending = pending_of(keys[place])
    if pending >= places:
        return 0
    more = load_points(pending, None) - load_points(pending, places)
    return max(0, those.policy.weights.load * more // 100)


@lru_cache(maxsize=DRAWS_KEPT)
def _draw(key: str, backend_id: str) -> bytes:
    """Evenly spread, and the same in every process."""
    text = f"{key}\0{backend_id}".encode("utf-8", "surrogatepass")
    return blake2b(text, digest_size=8).digest()
