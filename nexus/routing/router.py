"""Where a request goes. Pure and total: no clock, no chance, no I/O, no logging.

`decide` looks at the backends that have the model and at nothing else, and builds no explanation
for a request that can be served. `explain` runs the same rules and says what each candidate got.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from nexus.domain.backend import Load, Zone
from nexus.domain.decision import Decision, Refusal, RouteReason, Verdict
from nexus.domain.fleet import Candidate, Fleet, Loads
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Needs
from nexus.routing.affinity import prefer
from nexus.routing.aliases import hops, models_to_try
from nexus.routing.rules import FACTS, RULES, capacity, health, privacy, tier
from nexus.routing.shortlist import Shortlist, seen_before, shortlist
from nexus.routing.strategies import STRATEGIES, points
from nexus.routing.terms import bound, reach, terms_of

_IDLE: Final = Load()
_MATCH: Final = RouteReason.CAPABILITY_MATCH
_AFFINE: Final = frozenset({Strategy.SMART, Strategy.LEAST_PENDING})
"""Strategies that keep a conversation where its prompt is cached; the others promise something."""


def decide(
    needs: Needs, fleet: Fleet, loads: Loads, policy: Policy, *, turn: int = 0
) -> Decision | Refusal:
    """Choose where a request goes: an ordered plan, or every reason why there is none.

    Args:
        turn: the caller's counter; it rotates equals and stands for chance.
    """
    seen = seen_before(needs, fleet, policy)
    if seen is not None and seen.direct is not None:
        able = seen.fitting(needs)
        if able.candidates and not able.limited:
            name, zone = needs.model, seen.direct
            return _decision(needs, name, False, able, able, loads, policy, turn, False, zone)
    way, tried = _names(needs, fleet, policy)
    for name in tried:
        if name not in fleet.by_model:
            continue
        asked, zone = _bound(needs, name, way, fleet, policy)
        those = shortlist(name, asked, fleet, loads, policy)
        if asked is needs and tried == way == (needs.model,) and not policy.traffic.rules:
            those.direct = None if needs.zone is Zone.RESTRICTED else zone
        able = those.fitting(asked)
        spare = not able.candidates
        if spare:
            able = Shortlist(_spare(fleet.by_model[name], asked, loads, policy), policy)
        free = able
        if able.limited:
            found = capacity.keep(able.candidates, asked, loads, policy)
            if len(found) < len(able.candidates):
                free = Shortlist(found, policy)
        if free.candidates:
            decision = _decision(
                asked, name, name != way[-1], able, free, loads, policy, turn, spare, zone
            )
            if asked.zone is Zone.RESTRICTED and not decision.fallback:
                return _for_privacy(decision, asked, fleet, loads, policy)
            return decision
    return _refusal(needs, way, tried, fleet, loads, policy)


def explain(
    needs: Needs, fleet: Fleet, loads: Loads, policy: Policy, *, turn: int = 0
) -> tuple[Verdict, ...]:
    """What each candidate got: those of the plan in its order, then the others, then the rejected.

    Covers the resolved model and, as far as they were needed, its fallbacks.
    """
    outcome = decide(needs, fleet, loads, policy, turn=turn)
    if isinstance(outcome, Refusal):
        return outcome.verdicts
    way, tried = _names(needs, fleet, policy)
    looked_at = tried[: tried.index(outcome.model) + 1]
    verdicts = [
        verdict
        for name in looked_at
        for verdict in _verdicts(
            fleet.by_model.get(name, ()),
            _bound(needs, name, way, fleet, policy)[0],
            loads,
            policy,
        )
    ]
    if outcome.spare:  # the rules say no to each; for want of others it is a yes
        verdicts = [
            replace(each, score=points(each.candidate, loads, policy.weights), rejection=None)
            if each.candidate in outcome.order
            else each
            for each in verdicts
        ]
    place = {id(candidate): index for index, candidate in enumerate(outcome.order)}
    last = len(place)

    def rank(verdict: Verdict) -> tuple[bool, int, int]:
        position = place.get(id(verdict.candidate), last)
        return verdict.rejection is not None, position, -(verdict.score or 0)

    return tuple(sorted(verdicts, key=rank))


def _decision(
    needs: Needs,
    model: str,
    fallback: bool,
    able: Shortlist,
    free: Shortlist,
    loads: Loads,
    policy: Policy,
    turn: int,
    spare: bool,
    zone: Zone,
) -> Decision:
    """Rank the free candidates. `able` are those that passed every rule but capacity."""
    those, limit = free.candidates, policy.max_attempts or 1
    if len(those) == 1:
        order, why = [0], "only_backend_in_doubt" if spare else "only_healthy_backend"
    else:
        affine = bool(needs.affinity) and policy.strategy in _AFFINE
        most = limit if free.distinct and not affine else len(those)
        order, why = STRATEGIES[policy.strategy](free, loads, turn, most)
        if affine:
            order, why = prefer(needs.affinity, free, free.keys(loads), order, why)
    reason = _MATCH
    if fallback:
        reason, why = RouteReason.FAILOVER, f"fallback:{model}:{why}"
    elif free is not able and _is_second_best(those[order[0]], able.candidates, loads, policy):
        reason = RouteReason.CAPACITY_OVERFLOW
    if free.distinct:
        plan = tuple(map(those.__getitem__, order[:limit]))
    else:
        plan = _distinct(list(map(those.__getitem__, order)), limit)
    return Decision(needs.model, model, plan, reason, why, fallback, spare, zone)


def _names(needs: Needs, fleet: Fleet, policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names from the one asked for to the one it becomes; and the models to try, in order."""
    way = hops(needs.model, fleet.by_model, policy) if policy.aliases else (needs.model,)
    tried = models_to_try(way[-1], policy)
    if len(tried) > 1 and (needs.strict or not terms_of(way, needs, policy).fallback_allowed):
        tried = tried[:1]
    return way, tried


def _bound(
    needs: Needs, name: str, way: tuple[str, ...], fleet: Fleet, policy: Policy
) -> tuple[Needs, Zone]:
    """The needs with what binds them when `name` serves, and how far out that may go."""
    asks = bool(policy.traffic.rules) or policy.privacy is not None or needs.zone is not None
    if not asks and name not in fleet.mixed:  # most often
        return needs, Zone.RESTRICTED if name in fleet.restricted else Zone.OPEN
    terms = terms_of((*way, name), needs, policy)
    asked = bound(needs, name, terms, fleet, policy)
    return asked, reach(asked, name, terms, fleet, policy)


def _for_privacy(
    decision: Decision, asked: Needs, fleet: Fleet, loads: Loads, policy: Policy
) -> Decision:
    """The decision, with privacy as its reason where somebody else would have been eligible."""
    free = replace(asked, zone=None)
    others: Sequence[Candidate] = [
        each for each in fleet.by_model[decision.model] if each.zone is not Zone.RESTRICTED
    ]
    for rule in FACTS:
        others = rule.keep(others, free, loads, policy)
    return replace(decision, reason=RouteReason.PRIVACY_REQUIREMENT) if others else decision


def _refusal(
    needs: Needs,
    way: tuple[str, ...],
    tried: tuple[str, ...],
    fleet: Fleet,
    loads: Loads,
    policy: Policy,
) -> Refusal:
    """Every reason why nobody serves."""
    verdicts: list[Verdict] = []
    least: int | None = None
    zone: Zone | None = None
    for name in tried:
        asked, _ = _bound(needs, name, way, fleet, policy)
        found = _verdicts(fleet.by_model.get(name, ()), asked, loads, policy)
        rules = {each.rejection.rule for each in found if each.rejection is not None}
        if tier.RULE in rules:
            least = max(least or 0, asked.min_tier)
        if privacy.RULE in rules:
            zone = asked.zone
        verdicts += found
    return Refusal(
        requested=needs.model,
        model=way[-1],
        known=any(name in fleet.by_model for name in tried),
        verdicts=tuple(verdicts),
        tried=tried,
        required_tier=least,
        zone_required=zone,
    )


def _spare(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> Sequence[Candidate]:
    """Backends that requests ran aground on, and that pass every other rule."""
    found = health.spare(candidates)
    for rule in FACTS:
        if found and rule is not health:
            found = rule.keep(found, needs, loads, policy)
    return found


def _is_second_best(
    chosen: Candidate, able: Sequence[Candidate], loads: Loads, policy: Policy
) -> bool:
    """True when somebody saturated would be preferred if nobody were busy.

    Load is left out of the comparison on purpose: a saturated backend scores low because it is
    saturated, and that is what the header is to say.
    """
    if policy.strategy is Strategy.PRIORITY_ONLY:
        return any(each.backend.face.priority < chosen.backend.face.priority for each in able)
    best = _unloaded(chosen, loads, policy)
    return any(_unloaded(each, loads, policy) > best for each in able)


def _unloaded(candidate: Candidate, loads: Loads, policy: Policy) -> int:
    face = candidate.backend.face
    load = loads.get(face.id, _IDLE)
    idle = Load(latency_ms=load.latency_ms, speeds=load.speeds, quiet_min=load.quiet_min)
    return points(candidate, {face.id: idle}, policy.weights)


def _distinct(ranked: Sequence[Candidate], limit: int) -> tuple[Candidate, ...]:
    """The first `limit` backends. A backend that lists a model twice is still one backend."""
    distinct = {each.backend.face.id: each for each in reversed(ranked)}
    wanted = dict.fromkeys(each.backend.face.id for each in ranked)
    return tuple([distinct[id] for id in wanted][:limit])


def _verdicts(
    candidates: Sequence[Candidate], needs: Needs, loads: Loads, policy: Policy
) -> list[Verdict]:
    found: list[Verdict] = []
    for candidate in candidates:
        load = loads.get(candidate.backend.id, _IDLE)
        for rule in RULES:
            rejection = rule.rejection(candidate, needs, load, policy)
            if rejection is not None:
                found.append(Verdict(candidate, rejection=rejection))
                break
        else:
            found.append(Verdict(candidate, score=points(candidate, loads, policy.weights)))
    return found
