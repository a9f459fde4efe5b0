"""Recorded requests decided again in another fleet or under another policy. Pure.

Requests that ask the same are decided once, so a hundred thousand cost a few hundred decisions. A
request stays where it went unless that backend could no longer take it, or was the first choice
and another one is now; what moves goes to the new first choice, and equals take turns. Where a
request's backend could not be decided for even before (it has left, or a fallback stood in), it is
taken to have gone to the first choice of before.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from math import lcm

from nexus.domain.backend import BackendId, Load, Zone
from nexus.domain.fleet import Fleet, Loads
from nexus.domain.history import Asked, Columns, columns_of
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
    lost_anyway: int = 0
    """Served then, and refused by the fleet of now with the change and without it."""

    @property
    def moved(self) -> int:
        """Requests that would go elsewhere."""
        return sum(each.requests for each in self.moves)


_Size = int | None
"""Tokens that stand for all numbers of tokens that are decided alike."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Requests that ask the same and went to the same backend."""

    needs: Needs
    backend: str
    """Empty where they were refused."""
    numbers: list[int]


def what_if(
    past: Iterable[Asked] | Columns,
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
        loads: of now; only how fast they were counts.
    """
    before = settled(fleet)
    after = without(settled(fleet_after) if fleet_after is not None else before, dropped)
    same = Sameness((before, after), (policy_before, policy_after))
    told = past if isinstance(past, Columns) else columns_of(past)
    groups = _grouped(told, same)
    calm = {
        id: Load(latency_ms=each.latency_ms, speeds=each.speeds, quiet_min=each.quiet_min)
        for id, each in (loads or {}).items()
    }
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
        requests=len(told.at),
        shapes=len(outcomes),
        first_at=min(told.at, default=None),
        last_at=max(told.at, default=None),
        stay=work.stay,
        moves=tuple(Move(*key[:4], n, key[4]) for key, n in work.moves.most_common()),
        refused=tuple(Refused(*key, n) for key, n in work.refused.most_common()),
        still_refused=work.still_refused,
        lost_anyway=work.lost_anyway,
        served_now=tuple((*key, n) for key, n in work.served_now.most_common()),
        pressure=_pressure(work, told, before, after),
    )


class _Work:
    """The counts while they are made."""

    def __init__(self, after: Fleet) -> None:
        self._after = after
        self.stay = self.still_refused = self.lost_anyway = 0
        self.moves: Counter[tuple[str, str, str, str, bool]] = Counter()
        self.refused: Counter[tuple[str, int, str, str]] = Counter()
        self.served_now: Counter[tuple[str, str]] = Counter()
        self.then: dict[str, list[list[int]]] = {}
        """By backend: the numbers of what it had."""
        self.now: dict[str, list[list[int]]] = {}
        """By backend: the numbers of what it would have."""
        self.changed: dict[str, None] = {}
        """Backends that would have something else."""

    def settle(self, group: _Group, then: Outcome, now: Outcome) -> None:
        """What becomes of one group."""
        count = len(group.numbers)
        if not group.backend or then.refusal is not None:
            if now.refusal is not None:
                self.still_refused += 0 if group.backend else count
                self.lost_anyway += count if group.backend else 0
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
            those = group.numbers[number::period]
            self.then.setdefault(source, []).append(those)
            if now.refusal is None:
                self._goes(group, source, _target(source, number, then, now), those, then, now)
                continue
            wrong = error(now.refusal, group.needs, self._after)
            why = (group.needs.model, wrong.status, wrong.code, wrong.message)
            self.refused[why] += len(those)
            self.changed[source] = None

    def _goes(
        self, group: _Group, source: str, target: str, those: list[int], then: Outcome, now: Outcome
    ) -> None:
        self.now.setdefault(target, []).append(those)
        if target == source and then.model == now.model:
            self.stay += len(those)
            return
        leaves = _zone(source, then) is Zone.RESTRICTED and _zone(target, now) is Zone.OPEN
        self.moves[group.needs.model, source, target, now.model, leaves] += len(those)
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


def _grouped(past: Columns, same: Sameness) -> list[_Group]:
    """Those that are decided alike and went to the same backend, together."""
    shapes: dict[int, int] = {}  # the number of a shape by its identity
    plain: dict[Needs, int] = {}
    by_tenant = same.by_tenant
    alike: dict[tuple[int, str, str, str, _Size, _Size], list[int]] = {}
    for (_, prompt, limit), those in _by_kind(past, same).items():
        model, shape, tenant, backend, _ = past.kinds[those[0]]
        number = shapes.get(id(shape))
        if number is None:
            number = shapes[id(shape)] = plain.setdefault(same.plain(shape), len(plain))
        whose = tenant if by_tenant else ANONYMOUS
        alike.setdefault((number, model, whose, backend, prompt, limit), []).extend(those)
    named = list(plain)
    groups: list[_Group] = []
    for (number, model, tenant, backend, prompt, limit), those in alike.items():
        needs = replace(
            named[number],
            model=model,
            tenant=tenant,
            prompt_tokens=prompt or 0,
            max_tokens=limit,
        )
        groups.append(_Group(needs, backend, those))
    return groups


def _by_kind(past: Columns, same: Sameness) -> dict[tuple[int, _Size, _Size], list[int]]:
    """The numbers of requests by the identity of their kind, and their sizes.

    One loop over all requests, and so as little in it as can be.
    """
    prompts, limits = same.sizes(past.prompt_tokens), same.sizes(past.max_tokens)
    ids = map(id, past.kinds)
    one_size = len(set(prompts.values())) <= 1 and len(set(limits.values())) <= 1
    if one_size:
        plain: defaultdict[int, list[int]] = defaultdict(list)
        for number, kind in enumerate(ids):
            plain[kind].append(number)
        prompt = next(iter(prompts.values()), 0)
        limit = next(iter(limits.values()), None)
        return {(kind, prompt, limit): those for kind, those in plain.items()}
    keys = zip(
        ids,
        map(prompts.__getitem__, past.prompt_tokens),
        map(limits.__getitem__, past.max_tokens),
        strict=True,
    )
    found: defaultdict[tuple[int, _Size, _Size], list[int]] = defaultdict(list)
    for number, key in enumerate(keys):
        found[key].append(number)
    return found


def _pressure(work: _Work, times: Columns, before: Fleet, after: Fleet) -> tuple[Pressure, ...]:
    """Of every backend that would get other requests than it got."""
    places = {
        each.name: each.places for fleet in (before, after) for each in fleet.backends.values()
    }
    told: list[Pressure] = []
    for name in work.changed:
        most = places.get(name)
        then, now = (_pressed(spans.get(name, []), times, most) for spans in (work.then, work.now))
        told.append(Pressure(name, most, then[0], now[0], then[1], now[1], then[2], now[2]))
    return tuple(sorted(told, key=lambda each: (-each.over_after_s, -each.peak_after)))


def _pressed(spans: list[list[int]], times: Columns, places: int | None) -> tuple[int, int, float]:
    """Requests, the most at once, and seconds with more than there are places for."""
    numbers = list(chain.from_iterable(spans))
    at = list(map(times.at.__getitem__, numbers))
    ends = list(map(times.ended_at.__getitem__, numbers))
    at.sort()
    ends.sort()
    most = peak(at, ends)
    crowded = places is not None and most > places
    return len(at), most, over(at, ends, places) if crowded and places else 0.0
