"""How to choose among candidates that may serve: a strategy ranks them and says why.

Each is a function of the candidates, their loads, the weights and `turn`, the caller's counter,
which stands for chance and rotation alike. Equal turns choose equally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nexus.domain.backend import Load
from nexus.domain.fleet import Candidate, Loads
from nexus.domain.policy import Strategy, Weights
from nexus.routing.scoring import score

Ranking = tuple[list[Candidate], str]
"""Candidates, the chosen one first and the others best first; and why it was chosen."""

_IDLE: Final = Load()

_STEP: Final = 1 << 20
"""A point of score outweighs any number of requests in flight. A power small enough for the keys to
stay below 2**30, where Python's integers are fastest."""


def smart(candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int) -> Ranking:
    """The highest score; of equals the one with fewest requests in flight; of those by turn."""
    keys = _score_keys(candidates, loads, weights)
    ranked, best = _ranked(candidates, keys, turn)
    return ranked, f"highest_score:{ranked[0].backend.name}:{-(-best // _STEP)}"


def round_robin(
    candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int
) -> Ranking:
    """Everybody in turn, whatever the load."""
    index = turn % len(candidates)
    return _first(index, candidates, loads, weights), f"round_robin:index_{index}"


def priority_only(
    candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int
) -> Ranking:
    """The lowest priority number; of equals the least busy one; of those by turn."""
    keys = [
        -each.backend.face.priority * _STEP - loads.get(each.backend.face.id, _IDLE).pending
        for each in candidates
    ]
    ranked, _ = _ranked(candidates, keys, turn)
    chosen = ranked[0].backend.face
    return ranked, f"priority:{chosen.name}:{chosen.priority}"


def random(candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int) -> Ranking:
    """Uniform over turns, without order between them."""
    index = _mixed(turn) % len(candidates)
    ranked = _first(index, candidates, loads, weights)
    return ranked, f"random:{ranked[0].backend.name}"


STRATEGIES: Final[
    Mapping[Strategy, Callable[[Sequence[Candidate], Loads, Weights, int], Ranking]]
] = {
    Strategy.SMART: smart,
    Strategy.ROUND_ROBIN: round_robin,
    Strategy.PRIORITY_ONLY: priority_only,
    Strategy.RANDOM: random,
}


def points(candidate: Candidate, loads: Loads, weights: Weights) -> int:
    """The smart score of one candidate, for whoever explains."""
    face = candidate.backend.face
    load = loads.get(face.id, _IDLE)
    return score(face.priority, load.pending, load.latency_ms, weights)


def _score_keys(candidates: Sequence[Candidate], loads: Loads, weights: Weights) -> list[int]:
    """Score first, then idleness, as one integer: integers sort much faster than tuples."""
    keys: list[int] = []
    for candidate in candidates:
        face = candidate.backend.face
        load = loads.get(face.id, _IDLE)
        pending = load.pending
        keys.append(score(face.priority, pending, load.latency_ms, weights) * _STEP - pending)
    return keys


def _ranked(
    candidates: Sequence[Candidate], keys: list[int], turn: int
) -> tuple[list[Candidate], int]:
    """Best first, the equals at the top rotated by turn; and the best key."""
    best = max(keys)
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)
    equals = keys.count(best)
    if equals > 1:
        shift = turn % equals
        order[:equals] = order[shift:equals] + order[:shift]
    return [candidates[index] for index in order], best


def _first(
    index: int, candidates: Sequence[Candidate], loads: Loads, weights: Weights
) -> list[Candidate]:
    """The chosen one, then the others by score."""
    others = [*candidates[:index], *candidates[index + 1 :]]
    if not others:
        return [candidates[index]]
    ranked, _ = _ranked(others, _score_keys(others, loads, weights), 0)
    return [candidates[index], *ranked]


def _mixed(turn: int) -> int:
    """A well-mixed 64-bit number of each turn (splitmix64)."""
    mask = (1 << 64) - 1
    mixed = (turn + 1) * 0x9E3779B97F4A7C15 & mask
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
    return mixed ^ mixed >> 31
