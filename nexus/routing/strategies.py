"""How to choose among candidates that may serve: a strategy ranks them and says why.

Each is a function of the shortlist, the loads, `turn`, the caller's counter, which stands for
chance and rotation alike, and how many places are wanted. Equal turns choose equally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from nexus.domain.fleet import Candidate, Loads
from nexus.domain.policy import Strategy, Weights
from nexus.routing.scoring import points_of
from nexus.routing.shortlist import STEP, Shortlist, pending_of, score_of

Ranking = tuple[list[int], str]
"""Places of the shortlist, the chosen one first and the others best first; and why that one."""

_BEHIND: Final = 128 * STEP
"""More than any score."""


def smart(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """The highest score; of equals the one with fewest requests in flight; of those by turn.

    Backends that must load the model first come after those that have it loaded and have room.
    """
    order, keys = those.best(loads, turn, most)
    if those.warm:
        keys = _loaded_first(those, keys)
        order = _ranked(keys, turn)[:most]
    best = order[0]
    return order, f"highest_score:{those.candidates[best].backend.face.name}:{score_of(keys[best])}"


def round_robin(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """Everybody in turn, whatever the load."""
    place = turn % len(those.candidates)
    return _first(place, those, loads, most), f"round_robin:index_{place}"


def priority_only(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """The lowest priority number; of equals the least busy one; of those by turn."""
    faces = [each.backend.face for each in those.candidates]
    order = _ranked(
        [
            -face.priority * STEP - pending_of(key)
            for face, key in zip(faces, those.keys(loads), strict=True)
        ],
        turn,
    )
    chosen = faces[order[0]]
    return order[:most], f"priority:{chosen.name}:{chosen.priority}"


def random(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """Uniform over turns, without order between them."""
    place = _mixed(turn) % len(those.candidates)
    return _first(place, those, loads, most), f"random:{those.candidates[place].backend.face.name}"


def least_pending(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """The fewest requests in flight; of equals the highest score; of those by turn."""
    keys = those.keys(loads)
    order = _ranked([score_of(key) - pending_of(key) * 128 for key in keys], turn)
    chosen = order[0]
    name = those.candidates[chosen].backend.face.name
    return order[:most], f"least_pending:{name}:{pending_of(keys[chosen])}"


def power_of_two(those: Shortlist, loads: Loads, turn: int, most: int) -> Ranking:
    """Two drawn by chance, and of these the one with fewer requests in flight, or the first."""
    count = len(those.candidates)
    drawn = _mixed(turn)
    one = drawn % count
    two = (one + 1 + (drawn >> 32) % max(1, count - 1)) % count
    keys = those.keys(loads)
    place = two if pending_of(keys[two]) < pending_of(keys[one]) else one
    why = f"power_of_two:{those.candidates[place].backend.face.name}"
    return _first(place, those, loads, most), why


STRATEGIES: Final[Mapping[Strategy, Callable[[Shortlist, Loads, int, int], Ranking]]] = {
    Strategy.SMART: smart,
    Strategy.ROUND_ROBIN: round_robin,
    Strategy.PRIORITY_ONLY: priority_only,
    Strategy.RANDOM: random,
    Strategy.LEAST_PENDING: least_pending,
    Strategy.POWER_OF_TWO: power_of_two,
}


def points(candidate: Candidate, loads: Loads, weights: Weights) -> int:
    """The smart score of one candidate, for whoever explains."""
    return points_of(candidate, loads.get(candidate.backend.face.id), weights)


def _loaded_first(those: Shortlist, keys: list[int]) -> list[int]:
    """Those that must load the model behind all others, while one that need not has room."""
    if any(pending_of(keys[place]) < room for place, room in those.warm):
        keys = keys.copy()
        for place in those.cold:
            keys[place] -= _BEHIND
    return keys


def _ranked(keys: Sequence[int], turn: int) -> list[int]:
    """Places, the best first, the equals at the top rotated by turn."""
    best = max(keys)
    order = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)
    equals = keys.count(best)
    if equals > 1:
        shift = turn % equals
        order[:equals] = order[shift:equals] + order[:shift]
    return order


def _first(place: int, those: Shortlist, loads: Loads, most: int) -> list[int]:
    """The chosen one, then the others by score."""
    others, _ = those.best(loads, 0, most)
    return [place, *[each for each in others if each != place][: most - 1]]


def _mixed(turn: int) -> int:
    """A well-mixed 64-bit number of each turn (splitmix64)."""
    mask = (1 << 64) - 1
    mixed = (turn + 1) * 0x9E3779B97F4A7C15 & mask
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & mask
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
    return mixed ^ mixed >> 31
