"""Recorded requests decided again in another fleet or under another policy. Pure.

Requests that ask the same are decided once, so a hundred thousand cost a few hundred decisions. A
request stays where it went unless that backend could no longer take it, or was the first choice
and another one is now; what moves goes to the new first choice, and equals take turns. Where a
request's backend could not be decided for even before (it has left, or a fallback stood in), it is
taken to have gone to the first choice of before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from math import lcm
from typing import cast

from nexus.domain.backend import BackendId, Load, Zone
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.history import Asked
from nexus.domain.policy import Policy
from nexus.domain.request import ANONYMOUS, Needs
from nexus.explain.pressure import Pressure, over, peak
from nexus.explain.sameness import Sameness
from nexus.explain.worlds import Outcome, outcome, settled, wide, without
from nexus.routing.refusal import error


@dataclass(frozen=True, slots=True)
class Move:
    """Requests that would go elsewhere."""

    model: str
    """The one asked for."""
    source: str
    target: str
    served: str
    """The model that would serve them."""
    requests: int
    leaves_zone: bool
    """True where they stayed in zone restricted, and would not."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Requests that would be refused, or would be no longer."""

    model: str
    status: int
    code: str
    why: str
    requests: int


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What would become of the requests of a time."""

    requests: int
    shapes: int
    """Different requests among them: each was decided once."""
    first_at: float | None
    """Unix seconds of the first of them."""
    last_at: float | None
    stay: int
    moves: tuple[Move, ...]
    """The most frequent first."""
    refused: tuple[Refused, ...]
    still_refused: int
    served_now: tuple[tuple[str, str, int], ...]
    """Refused then: model, the backend that would take it, requests."""
    pressure: tuple[Pressure, ...]
    """Of every backend whose requests would change, the most loaded first."""

    @property
    def moved(self) -> int:
        """Requests that would go elsewhere."""
        return sum(each.requests for each in self.moves)


_Key = tuple[int, str, str, str, int, int | None]
"""Kind of needs, model, tenant, backend, and the sizes."""

_Span = tuple[list[float], list[float]]
"""When requests began, and when they ended: Unix seconds."""


@dataclass(slots=True)
class _Group:
    """Requests that ask the same and went to the same backend."""

    needs: Needs
    backend: str
    refused: bool
    begins: list[float] = field(default_factory=list[float])
    ends: list[float] = field(default_factory=list[float])


def what_if(
    past: Iterable[Asked],
    fleet: Fleet,
    policy_before: Policy,
    policy_after: Policy,
    dropped: Collection[BackendId] = (),
    *,
    fleet_after: Fleet | None = None,
    loads: Loads | None = None,
) -> WhatIf:
    """Decide again.

    Args:
        past: what was recorded, in any order.
        fleet: as it is.
        dropped: backends that would not be there.
        fleet_after: as it would be; None for the same.
        loads: of now; only the latencies count.
    """
    before = settled(fleet)
    after = without(settled(fleet_after) if fleet_after is not None else before, dropped)
    groups = _grouped(past, Sameness((before, after), (policy_before, policy_after)))
    calm = {id: Load(latency_ms=each.latency_ms) for id, each in (loads or {}).items()}
    wide_before, wide_after = wide(policy_before), wide(policy_after)
    outcomes: dict[Needs, tuple[Outcome, Outcome]] = {}
    work = _Work(after)
    for group in groups:
        both = outcomes.get(group.needs)
        if both is None:
            both = outcomes[group.needs] = (
                outcome(group.needs, before, wide_before, calm),
                outcome(group.needs, after, wide_after, calm),
            )
        work.settle(group, *both)
    return WhatIf(
        requests=sum(len(group.begins) for group in groups),
        shapes=len(outcomes),
        first_at=min((min(group.begins) for group in groups), default=None),
        last_at=max((max(group.begins) for group in groups), default=None),
        stay=work.stay,
        moves=tuple(Move(*key[:4], n, key[4]) for key, n in work.moves.most_common()),
        refused=tuple(Refused(*key, n) for key, n in work.refused.most_common()),
        still_refused=work.still_refused,
        served_now=tuple((*key, n) for key, n in work.served_now.most_common()),
        pressure=_pressure(work, before, after),
    )


class _Work:
    """The counts while they are made."""

    def __init__(self, after: Fleet) -> None:
        self._after = after
        self.stay = self.still_refused = 0
        self.moves: Counter[tuple[str, str, str, str, bool]] = Counter()
        self.refused: Counter[tuple[str, int, str, str]] = Counter()
        self.served_now: Counter[tuple[str, str]] = Counter()
        self.then: dict[str, list[_Span]] = {}
        """By backend: what it had."""
        self.now: dict[str, list[_Span]] = {}
        """By backend: what it would have."""
        self.changed: dict[str, None] = {}
        """Backends that would have something else."""

    def settle(self, group: _Group, then: Outcome, now: Outcome) -> None:
        """What becomes of one group."""
        count = len(group.begins)
        if group.refused or then.refusal is not None:
            if now.refusal is not None:
                self.still_refused += count
            elif then.refusal is None:  # it was refused for what has passed since
                self.stay += count
            else:
                self.served_now[group.needs.model, " or ".join(now.firsts)] += count
            return
        sources = (group.backend,) if group.backend in then.names else then.firsts
        period = 1 if now.refusal is not None else lcm(len(sources), len(now.firsts))
        if period == 1 or _all_stay(sources, then, now):
            period = len(sources)
        for number in range(min(period, count)):
            source = sources[number % len(sources)]
            span = group.begins[number::period], group.ends[number::period]
            self.then.setdefault(source, []).append(span)
            if now.refusal is None:
                self._goes(group, source, _target(source, number, then, now), span, then, now)
                continue
            wrong = error(now.refusal, group.needs, self._after)
            why = (group.needs.model, wrong.status, wrong.code, wrong.message)
            self.refused[why] += len(span[0])
            self.changed[source] = None

    def _goes(
        self, group: _Group, source: str, target: str, span: _Span, then: Outcome, now: Outcome
    ) -> None:
        self.now.setdefault(target, []).append(span)
        if target == source and then.model == now.model:
            self.stay += len(span[0])
            return
        leaves = _zone(source, then) is Zone.RESTRICTED and _zone(target, now) is Zone.OPEN
        self.moves[group.needs.model, source, target, now.model, leaves] += len(span[0])
        if source != target:
            self.changed |= {source: None, target: None}


def _all_stay(sources: tuple[str, ...], then: Outcome, now: Outcome) -> bool:
    return then.firsts == now.firsts and set(sources) <= set(now.names)


def _target(source: str, number: int, then: Outcome, now: Outcome) -> str:
    """Where one request would go.

    Args:
        source: where it went.
        number: its turn among its like.
    """
    firsts = now.firsts
    if source not in now.names or (source in then.firsts and source not in firsts):
        return firsts[number % len(firsts)]
    new = [each for each in firsts if each not in then.firsts]
    if source in then.firsts and new:  # newcomers take their turns too
        turn = number % len(firsts)
        return source if turn < len(firsts) - len(new) else new[turn - len(firsts)]
    return source


def _zone(name: str, found: Outcome) -> Zone | None:
    return next((each.zone for each in found.able if each.backend.name == name), None)


def _grouped(past: Iterable[Asked], same: Sameness) -> list[_Group]:
    """Column by column: a loop over rows would take three times as long."""
    columns = tuple(zip(*past, strict=True))
    if not columns:
        return []
    at, _, models, shapes, prompts, limits, tenants, backends, _, durations = columns
    by_id: dict[int, Needs] = {id(each): each for each in shapes}
    plain = {key: same.plain(each) for key, each in by_id.items()}
    kinds: list[Needs] = list(dict.fromkeys(plain.values()))
    place = {needs: number for number, needs in enumerate(kinds)}
    numbers = {key: place[needs] for key, needs in plain.items()}
    sizes = {each: same.size(each) for each in {*prompts, *limits} if each is not None}
    keys = zip(
        map(numbers.__getitem__, map(id, shapes)),
        models,
        tenants if same.by_tenant else repeat(ANONYMOUS),
        backends,
        map(sizes.__getitem__, prompts),
        map(sizes.get, limits),
        strict=False,
    )
    groups: dict[_Key, _Group] = {}
    for key, begin, duration_ms in zip(cast("Iterable[_Key]", keys), at, durations, strict=False):
        group = groups.get(key)
        if group is None:
            number, model, tenant, backend, prompt, limit = key
            needs = replace(
                kinds[number], model=model, tenant=tenant, prompt_tokens=prompt, max_tokens=limit
            )
            group = groups[key] = _Group(needs, backend, not backend)
        group.begins.append(begin)
        group.ends.append(begin + duration_ms / 1000)
    return list(groups.values())


def _pressure(work: _Work, before: Fleet, after: Fleet) -> tuple[Pressure, ...]:
    """Of every backend that would get other requests than it got."""
    places = {
        each.name: min((n for n in (each.face.max_concurrent, each.slots) if n), default=None)
        for fleet in (before, after)
        for each in fleet.backends.values()
    }
    told: list[Pressure] = []
    for name in work.changed:
        most = places.get(name)
        then, now = (_pressed(spans.get(name, []), most) for spans in (work.then, work.now))
        told.append(Pressure(name, most, then[0], now[0], then[1], now[1], then[2], now[2]))
    return tuple(sorted(told, key=lambda each: (-each.over_after_s, -each.peak_after)))


def _pressed(spans: list[_Span], places: int | None) -> tuple[int, int, float]:
    """Requests, the most at once, and seconds with more than there are places for."""
    begins = sorted(chain.from_iterable(span[0] for span in spans))
    ends = sorted(chain.from_iterable(span[1] for span in spans))
    most = peak(begins, ends)
    crowded = places is not None and most > places
    return len(begins), most, over(begins, ends, places) if crowded and places else 0.0
