"""Candidates for one kind of request, with their scores: worked out once, used by every request.

A decision is a pure function, and this is what it would work out again and again: who passes the
rules of facts (they change when a probe or the operator says so), and how good each one is (that
changes with its load, and loads are values: the same object means the same score). It is kept in
the picture of the fleet, and goes with it. Nothing here is a fact: a decision on a new, equal
picture is the same.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import compress
from operator import is_not
from typing import Final

from nexus.domain.backend import Load, Residency, Zone
from nexus.domain.fleet import Candidate, Fleet, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.seats import Seats
from nexus.routing.rules import KINDS, context
from nexus.routing.scoring import delay_ms, latency_points, load_points, priority_points

STEP: Final = 1 << 20
"""A point of score outweighs any number of requests in flight. A power small enough for the keys to
stay below 2**30, where Python's integers are fastest."""

MOST_KEPT: Final = 8192
"""Shortlists of one picture. What clients ask makes them, and there are only so many."""

_USUAL_ROOM: Final = 4
"""Requests that a server works on at once where it does not tell."""


class Shortlist:
    """Candidates in the fleet's order. Its places are their indexes."""

    __slots__ = (
        "_fitting",
        "_fixed",
        "_keys",
        "_lengths",
        "_loads",
        "_order",
        "_patience",
        "_places",
        "_prior",
        "_refusing",
        "_room",
        "_seats",
        "_worth",
        "candidates",
        "cold",
        "direct",
        "distinct",
        "ids",
        "limited",
        "policy",
        "warm",
    )

    def __init__(self, candidates: Sequence[Candidate], policy: Policy) -> None:
        self.candidates = candidates
        self.policy = policy
        faces = [each.backend.face for each in candidates]
        self.ids = [face.id for face in faces]
        self.distinct = len(set(self.ids)) == len(faces)
        """False where a backend lists the model twice."""
        self.direct: Zone | None = None
        """How far out a request of this kind may go, where nothing else is to be asked: its model
        is the first to be tried, and no policy binds it. Set by the first of its kind."""
        self.limited = any(face.max_concurrent is not None for face in faces)
        """True where somebody takes only so many requests."""
        self.cold = [place for place, each in enumerate(candidates) if must_load(each)]
        """Who must load the model first."""
        self.warm: list[tuple[int, int]] = []
        """Who need not, with the number of requests it works on at once; empty where all are."""
        if self.cold:
            self.warm = [
                (place, each.backend.places or _USUAL_ROOM)
                for place, each in enumerate(candidates)
                if each.model.loaded
            ]
        known = [
            (length, each.backend.face.type in context.REFUSES_LONG_ANSWERS)
            for each in candidates
            if (length := each.model.context_length) is not None
        ]
        self._lengths = sorted(length for length, _ in known)
        self._refusing = sorted(length for length, refuses in known if refuses)
        self._fitting: dict[tuple[int, int], Shortlist] = {}
        self._places = range(len(faces))
        self._seats = Seats(self.ids)
        self._room = [each.backend.places for each in candidates]
        self._worth = policy.weights.load
        self._patience = policy.weights.latency
        self._loads: Sequence[LoadView | None] = [_NEVER] * len(faces)
        wp = policy.weights.priority
        self._prior = [wp * priority_points(face.priority) for face in faces]
        self._fixed = [0] * len(faces)
        """Of each a hundred times its score but for the part that is load. Most changes of a load
        are of its requests in flight, and leave this as it was."""
        self._keys = [0] * len(faces)
        self._order = list(range(len(faces)))
        """The keys in ascending order, each times the number of places, plus the number of places
        behind its own: so no two are equal, and of equal keys the first place comes last."""

    def fitting(self, needs: Needs) -> Shortlist:
        """Those whose context is long enough for this request.

        What matters is which contexts are too short, and of these there are few combinations.
        """
        if not self._lengths:
            return self
        too_short = (
            bisect_left(self._lengths, needs.prompt_tokens),
            bisect_left(self._refusing, needs.max_tokens or 0),
        )
        if too_short == _NONE:
            return self
        found = self._fitting.get(too_short)
        if found is None:
            kept = context.keep(self.candidates, needs, {}, self.policy)
            found = self._fitting[too_short] = Shortlist(kept, self.policy)
        return found

    def keys(self, loads: Loads) -> list[int]:
        """Of each place its score, then its idleness, in one integer. Not to be changed.

        Integers sort much faster than tuples. Only the keys of loads that are other objects than
        last time are worked out: a request changes two of twenty.
        """
        now = self._seats.all(loads) or list(map(loads.get, self.ids))
        keys, before, fixed = self._keys, self._loads, self._fixed
        for place in compress(self._places, map(is_not, now, before)):
            load, was = now[place] or _IDLE, before[place] or _IDLE
            if (
                load.speeds is not was.speeds
                or load.latency_ms is not was.latency_ms
                or load.quiet_min is not was.quiet_min
            ):
                latency = latency_points(delay_ms(self.candidates[place], load))
                fixed[place] = self._prior[place] + self._patience * latency
            pending, room = load.pending, self._room[place]
            worth = 100 - pending if room is None and pending < 100 else load_points(pending, room)
            key = (fixed[place] + self._worth * worth) // 100 * STEP - pending
            old = keys[place]
            if key != old:
                keys[place] = key
                count, order = len(keys), self._order
                tail = count - 1 - place
                del order[bisect_left(order, old * count + tail)]
                insort(order, key * count + tail)
        self._loads = now
        return keys

    def best(self, loads: Loads, turn: int, most: int) -> tuple[list[int], list[int]]:
        """Places and keys: at most `most` places, the highest first, equals of it rotated by turn.

        The order is kept and not sorted anew: that made a fifth of a decision.
        """
        keys, order = self.keys(loads), self._order
        count = len(order)
        begin, equals = 0, 1
        if count > 1 and order[-2] // count == (highest := order[-1] // count):
            equals = count - bisect_left(order, highest * count)
            begin = turn % equals
        if not begin or begin + most <= equals:
            ranked = order[-1 - begin : -1 - begin - most : -1]
        else:
            ranked = order[-1 - begin : -equals - 1 : -1]  # around the end of the equals
            ranked += order[: -1 - min(begin, most) : -1]
            ranked += order[-equals - 1 : -most - 1 : -1]
            ranked = ranked[:most]
        places: list[int] = []
        for key in ranked:  # a comprehension would be a function made and called
            places.append(count - 1 - key % count)  # noqa: PERF401
        return places, keys


_IDLE: Final = Load()
_NEVER: Final = Load(speeds={})
"""No other load has the same speeds."""
_NONE: Final = (0, 0)
_EMBEDDINGS: Final = Endpoint.EMBEDDINGS


def shortlist(name: str, needs: Needs, fleet: Fleet, loads: Loads, policy: Policy) -> Shortlist:
    """Who passes the rules of facts for model `name`, whatever the size of the request.

    The same object for the same kind of request.

    Args:
        needs: bound already.
    """
    kind, memo = _kind(name, needs), fleet.memo
    found = memo.get(kind)
    if not isinstance(found, Shortlist) or found.policy is not policy:
        candidates: Sequence[Candidate] = fleet.by_model.get(name, ())
        for rule in KINDS:
            candidates = rule.keep(candidates, needs, loads, policy)
        if len(memo) >= MOST_KEPT:
            memo.clear()
        found = memo[kind] = Shortlist(candidates, policy)
    return found


def _kind(name: str, needs: Needs) -> tuple[object, ...]:
    """All of the needs that rules of facts look at, but for the sizes."""
    return (
        name,
        needs.endpoint is _EMBEDDINGS,
        needs.vision,
        needs.audio,
        needs.tools,
        needs.json_mode,
        needs.zone,
        needs.min_tier,
    )


def seen_before(needs: Needs, fleet: Fleet, policy: Policy) -> Shortlist | None:
    """The shortlist of a request whose kind was decided before, where that is all it takes."""
    found = fleet.memo.get(_kind(needs.model, needs))
    if isinstance(found, Shortlist) and found.direct is not None and found.policy is policy:
        return found
    return None


def score_of(key: int) -> int:
    """The score in a key."""
    return -(-key // STEP)


def pending_of(key: int) -> int:
    """The requests in flight in a key."""
    return -key % STEP


def must_load(candidate: Candidate) -> bool:
    """True where the model is known not to be in memory."""
    residency = candidate.model.residency
    return residency is Residency.INSTALLED or residency is Residency.LOADING
