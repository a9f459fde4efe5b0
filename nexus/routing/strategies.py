"""How to choose among candidates that may serve: a strategy ranks them and says why.

Each is a function of the candidates, their loads, the weights and `turn`, the caller's counter,
which stands for chance and rotation alike. Equal turns choose equally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nexus.domain.backend import Load, Residency
from nexus.domain.fleet import Candidate, Loads
from nexus.domain.policy import Strategy, Weights
from nexus.routing.scoring import score

Ranking = tuple[list[Candidate], str]
"""Candidates, the chosen one first and the others best first; and why it was chosen."""

_IDLE: Final = Load()

_INSTALLED: Final = Residency.INSTALLED
_LOADING: Final = Residency.LOADING

_USUAL_ROOM: Final = 4
"""Requests that a server works on at once where it does not tell."""

_STEP: Final = 1 << 20
"""A point of score outweighs any number of requests in flight. A power small enough for the keys to
stay below 2**30, where Python's integers are fastest."""

_BEHIND: Final = 128 * _STEP
"""More than any score."""


def smart(candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int) -> Ranking:
    """The highest score; of equals the one with fewest requests in flight; of those by turn.

    Backends that must load the model first come after those that have it loaded and have room.
    """
    keys = _score_keys(candidates, loads, weights)
    _loaded_first(candidates, keys, loads)
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


def least_pending(
    candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int
) -> Ranking:
    """The fewest requests in flight; of equals the highest score; of those by turn."""
    keys: list[int] = []
    for candidate in candidates:
        face = candidate.backend.face
        load = loads.get(face.id, _IDLE)
        points = score(face.priority, load.pending, load.latency_ms, weights)
        keys.append(points - load.pending * 128)
    ranked, _ = _ranked(candidates, keys, turn)
    chosen = ranked[0].backend.face
    pending = loads.get(chosen.id, _IDLE).pending
    return ranked, f"least_pending:{chosen.name}:{pending}"


def power_of_two(
    candidates: Sequence[Candidate], loads: Loads, weights: Weights, turn: int
) -> Ranking:
    """Two drawn by chance, and of these the one with fewer requests in flight, or the first."""
    count = len(candidates)
    drawn = _mixed(turn)
    one = drawn % count
    two = (one + 1 + (drawn >> 32) % max(1, count - 1)) % count
    pending = [loads.get(candidates[i].backend.face.id, _IDLE).pending for i in (one, two)]
    index = two if pending[1] < pending[0] else one
    ranked = _first(index, candidates, loads, weights)
    return ranked, f"power_of_two:{ranked[0].backend.name}"


STRATEGIES: Final[
    Mapping[Strategy, Callable[[Sequence[Candidate], Loads, Weights, int], Ranking]]
] = {
    Strategy.SMART: smart,
    Strategy.ROUND_ROBIN: round_robin,
    Strategy.PRIORITY_ONLY: priority_only,
    Strategy.RANDOM: random,
    Strategy.LEAST_PENDING: least_pending,
    Strategy.POWER_OF_TWO: power_of_two,
}


def points(candidate: Candidate, loads: Loads, weights: Weights) -> int:
    """The smart score of one candidate, for whoever explains."""
    face = candidate.backend.face
    load = loads.get(face.id, _IDLE)
    return score(face.priority, load.pending, load.latency_ms, weights)


def must_load(candidate: Candidate) -> bool:
    """True where the model is known not to be in memory."""
    residency = candidate.model.residency
    return residency is _INSTALLED or residency is _LOADING


def _loaded_first(candidates: Sequence[Candidate], keys: list[int], loads: Loads) -> None:
    """Put those that must load the model behind all others, while one that need not has room."""
    cold = [  # asked for each candidate of every request: no call of `must_load`
        index
        for index, each in enumerate(candidates)
        if (residency := each.model.residency) is _INSTALLED or residency is _LOADING
    ]
    if not cold or len(cold) == len(keys):
        return
    for each in candidates:
        if each.model.loaded:
            backend = each.backend
            room = backend.slots or backend.face.max_concurrent or _USUAL_ROOM
            if loads.get(backend.face.id, _IDLE).pending < room:
                for index in cold:
                    keys[index] -= _BEHIND
                return


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
