"""What each request was decided on and what became of it: a bounded ring in memory.

A request pays for one small object: references to values that live anyway (needs, candidates,
loads, policy). Nothing is explained here; whoever asks runs the pure rules
again on what was kept. Never holds what was asked or answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import NamedTuple, cast

import msgspec

from nexus.domain.backend import Backend, BackendId, Speed
from nexus.domain.decision import Decision, Refusal
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.fleet import Candidate, Fleet, Loads, LoadView
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.seats import Seats

KEPT = 5000
"""Requests remembered in memory."""

MOST_LOADS = 64
"""Candidates of one request whose load is kept; of more, those of the plan and the first."""

MOST_PICTURES = 512
"""Models of one picture of the fleet whose candidates are shared among records."""

MOST_LATE = 10_000
"""Requests under way that outlived the ring; more than may be under way at once."""

_HOPS = 8
"""Names an alias may lead through; more than routing follows."""


class LoadThen(NamedTuple):
    """The part of a load that decisions read, for whoever makes a record from what was stored."""

    pending: int
    latency_ms: float | None
    speeds: Mapping[str, Speed] | None = None
    quiet_min: int = 0


class Then(msgspec.Struct, frozen=True, eq=False, gc=False):
    """The loads of some candidates at one moment, as a collection of pairs.

    Loads are values, so two lists are a copy of that moment. Pairs are made when somebody looks:
    made with every decision they cost three microseconds, and a megabyte of each thousand records.
    """

    ids: Sequence[BackendId]
    loads: Sequence[LoadView]

    @classmethod
    def of(cls, pairs: Collection[tuple[BackendId, LoadView]]) -> Then:
        """From pairs."""
        return cls([id for id, _ in pairs], [load for _, load in pairs])

    def __iter__(self) -> Iterator[tuple[BackendId, LoadView]]:
        return zip(self.ids, self.loads, strict=True)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, pair: object) -> bool:
        return any(pair == each for each in self)


class Record(msgspec.Struct, gc=False):
    """One request. Written by `Records` only."""

    request_id: str
    at: float
    """Unix seconds of the decision, or of the refusal where there was none."""
    needs: Needs | None = None
    """None where the request could not be read."""
    fleet: Fleet | None = None
    """The part of the picture that the decision looked at."""
    loads: Collection[tuple[BackendId, LoadView]] = ()
    """Of the candidates when the decision was made."""
    policy: Policy | None = None
    turn: int = 0
    answer: Decision | Refusal | None = None
    ended: RequestFinished | RequestRefused | None = None
    """None while it is under way."""
    later: Record | None = None
    """The decision that took over when every attempt of this one's plan had failed."""

    @property
    def model(self) -> str:
        """The model that was asked for."""
        if self.needs is not None:
            return self.needs.model
        return "" if self.ended is None else self.ended.requested

    @property
    def backend(self) -> str:
        """The name of the backend it went to; empty where it went nowhere."""
        if isinstance(self.ended, RequestFinished):
            return self.ended.backend
        if isinstance(self.answer, Decision):
            return self.answer.order[0].backend.name
        return ""

    @property
    def status(self) -> int | None:
        """The HTTP status; None while it is under way."""
        return None if self.ended is None else self.ended.status


class Records:
    """The last requests by id.

    Args:
        unix: Unix seconds.
        kept: how many.
    """

    def __init__(self, unix: Callable[[], float], kept: int = KEPT) -> None:
        self._unix = unix
        self._kept = kept
        self._records: dict[str, Record] = {}
        self._ids: deque[str] = deque()
        """Of the records, the oldest first: a dictionary finds its first one slowly."""
        self._late: dict[str, Record] = {}
        """Requests that fell out of the ring before they ended."""
        self._seen: Fleet | None = None
        self._by: Policy | None = None
        self._pictures: dict[str, tuple[Fleet, Seats]] = {}

    def decided(
        self,
        request_id: str,
        needs: Needs,
        fleet: Fleet,
        loads: Loads,
        policy: Policy,
        turn: int,
        answer: Decision | Refusal,
    ) -> Record:
        """Remember a decision together with everything it followed from.

        The second one of a request is kept beside the first.

        Args:
            loads: of the candidates, read at once.
        """
        records = self._records
        if request_id in records or request_id in self._late:
            return self._decided_again(request_id, needs, fleet, loads, policy, turn, answer)
        record = self.snapshot(request_id, needs, fleet, loads, policy, turn, answer)
        records[request_id] = record
        self._ids.append(request_id)
        if len(records) > self._kept:
            self._evict()
        return record

    def _decided_again(
        self,
        request_id: str,
        needs: Needs,
        fleet: Fleet,
        loads: Loads,
        policy: Policy,
        turn: int,
        answer: Decision | Refusal,
    ) -> Record:
        first = self._records.get(request_id) or self._late[request_id]
        part = _part(fleet, needs.model, policy)  # a picture of its own, which nobody shares
        then = _loads_of(Seats(list(part.backends)), loads, answer)
        first.later = Record(request_id, self._unix(), needs, part, then, policy, turn, answer)
        return first.later

    def snapshot(
        self,
        request_id: str,
        needs: Needs,
        fleet: Fleet,
        loads: Loads,
        policy: Policy,
        turn: int,
        answer: Decision | Refusal,
    ) -> Record:
        """A record that is not remembered: for a decision that nobody carries out."""
        if fleet is not self._seen or policy is not self._by:
            self._seen, self._by = fleet, policy
            self._pictures.clear()
        known = self._pictures.get(needs.model)
        if known is None:
            if len(self._pictures) >= MOST_PICTURES:
                self._pictures.clear()
            part = _part(fleet, needs.model, policy)
            known = self._pictures[needs.model] = part, Seats(list(part.backends))
        part, seats = known
        then = _loads_of(seats, loads, answer)
        return Record(request_id, self._unix(), needs, part, then, policy, turn, answer)

    def ended(self, event: RequestFinished | RequestRefused) -> Record:
        """Remember what became of a request."""
        id = event.request_id
        record = self._records.get(id)
        if record is None:
            record = self._late.pop(id, None) or Record(id, event.at)
            self._records[id] = record
            self._ids.append(id)
            if len(self._records) > self._kept:
                self._evict()
        # A plan whose backends all left ends as a request, and is then told as a refusal.
        record.ended = record.ended or event
        return record

    def _evict(self) -> None:
        """Forget the oldest, but for one that is under way: its end wants to know of it."""
        id = self._ids.popleft()
        oldest = self._records.pop(id)
        if oldest.ended is None:
            if len(self._late) >= MOST_LATE:
                del self._late[next(iter(self._late))]
            self._late[id] = oldest

    def get(self, request_id: str) -> Record | None:
        """One request, while it is remembered."""
        return self._records.get(request_id) or self._late.get(request_id)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        """The oldest first."""
        return iter(list(self._records.values()))


def _loads_of(seats: Seats, loads: Loads, answer: Decision | Refusal) -> Then:
    ids = seats.ids
    if len(ids) > MOST_LOADS:
        planned = answer.order if isinstance(answer, Decision) else ()
        ids = list(dict.fromkeys([*(each.backend.id for each in planned), *ids]))[:MOST_LOADS]
        seats = Seats(ids)
    found = seats.all(loads)
    if found is not None:
        return Then(ids, found)
    return Then.of(_known(ids, loads))


def _known(ids: Sequence[BackendId], loads: Loads) -> list[tuple[BackendId, LoadView]]:
    """No load means an idle backend."""
    return [(id, load) for id in ids if (load := loads.get(id)) is not None]


def _part(fleet: Fleet, model: str, policy: Policy) -> Fleet:
    """What a decision about `model` may look at: its aliases, their fallbacks, their candidates."""
    names: dict[str, None] = {model: None}
    name = model
    for _ in range(_HOPS):
        target = policy.aliases.get(name)
        if target is None:
            break
        names[target] = None
        name = target
    for name in list(names):
        names.update(dict.fromkeys(policy.fallbacks.get(name, ())))
    by_model: dict[str, tuple[Candidate, ...]] = {}
    backends: dict[BackendId, Backend] = {}
    for name in names:
        candidates = fleet.by_model.get(name)
        if candidates is not None:  # a name that nobody has any more may still be known
            by_model[name] = candidates
            backends.update((each.backend.face.id, each.backend) for each in candidates)
    # Sets of names are cut to these, so that an old picture is not kept alive by a record.
    sets: dict[str, frozenset[str]] = {}
    for field in fields(fleet):
        names_told: object = getattr(fleet, field.name)
        if isinstance(names_told, frozenset):
            sets[field.name] = cast("frozenset[str]", names_told) & by_model.keys()
    return replace(fleet, backends=backends, by_model=by_model, **sets)
