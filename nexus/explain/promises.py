"""Whether expectations hold under no loss, every single loss and every double one. Pure.

Looked at is not only the first choice but everybody who could ever be sent the request: all who may
serve the model, and all who may serve each fallback, for these take over when others are busy or
fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from nexus.domain.backend import Zone
from nexus.domain.decision import Decision, Refusal
from nexus.domain.fleet import Candidate, Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.text import clean
from nexus.errors import BadRequest
from nexus.explain.binding import binding
from nexus.explain.expectations import Expectation
from nexus.explain.losses import Loss, losses
from nexus.explain.worlds import settled, wide
from nexus.routing.refusal import error
from nexus.routing.router import decide


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A world in which an expectation does not hold."""

    loss: Loss
    backend: str
    """Where the request could go; empty where it was refused."""
    model: str
    """The one that would serve."""
    zone: Zone | None
    why: str
    """What happens there, in sentences."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one expectation."""

    name: str
    worlds: int
    """Losses that were looked at, none among them, up to the one that breaks it."""
    broken: Counterexample | None = None


def check(expectations: Iterable[Expectation], fleet: Fleet, policy: Policy) -> tuple[Verdict, ...]:
    """Check each expectation in every world.

    Raises:
        BadRequest: an expectation names a backend that is not there.
    """
    whole, everybody = settled(fleet), wide(policy)
    names = {each.name for each in fleet.backends.values()}
    found: list[Verdict] = []
    for each in expectations:
        if missing := [name for name in each.lands_on if name not in names]:
            listed = ", ".join(sorted(map(clean, names))) or "none"
            raise BadRequest(
                f"'{each.name}' names {clean(missing[0], 100)}, which is no backend. "
                f"Backends: {listed}"
            )
        found.append(_check(each, whole, everybody))
    return tuple(found)


def _check(expected: Expectation, fleet: Fleet, policy: Policy) -> Verdict:
    needs = expected.needs
    if policy.traffic.heard:
        needs = replace(needs, headers=policy.traffic.holding(expected.headers))
    worlds = 0
    for loss, left in losses(needs.model, fleet, policy, apart=expected.lands_on):
        worlds += 1
        broken = _broken(expected, needs, loss, left, policy)
        if broken is not None:
            return Verdict(expected.name, worlds, broken)
    return Verdict(expected.name, worlds)


def _broken(
    expected: Expectation, needs: Needs, loss: Loss, left: Fleet, policy: Policy
) -> Counterexample | None:
    first = decide(needs, left, {}, policy)
    if isinstance(first, Refusal):
        wrong = error(first, needs, left)
        lost = loss != Loss()
        expects_it = not expected.lands_on and expected.refused_with in ("", wrong.code)
        if lost or expects_it:
            return None
        said = f"It is refused with {wrong.status} {wrong.code}: {wrong.message}"
        return Counterexample(loss, "", first.model, None, said)
    for decision, candidate in _everybody(needs, left, policy, first):
        problem = ""
        if expected.refused_with:
            problem = "it is served"
        elif candidate.zone is expected.never_zone:
            problem = f"it can leave for zone {candidate.zone.value}"
        elif expected.lands_on and candidate.backend.name not in expected.lands_on:
            problem = "it can land elsewhere"
        if problem:
            why = _why(problem, decision, candidate, needs, left, policy)
            name = clean(candidate.backend.name)
            return Counterexample(loss, name, clean(decision.model), candidate.zone, why)
    return None


def _everybody(
    needs: Needs, fleet: Fleet, policy: Policy, first: Decision
) -> Iterator[tuple[Decision, Candidate]]:
    """Everybody who may serve, model by model, as if each one before had failed."""
    failed: dict[str, tuple[Candidate, ...]] = {}
    decision: Decision | Refusal = first
    while isinstance(decision, Decision):
        yield from ((decision, candidate) for candidate in decision.order)
        failed[decision.model] = ()
        without = replace(fleet, by_model={**fleet.by_model, **failed})
        decision = decide(needs, without, {}, policy)


def _why(
    problem: str,
    decision: Decision,
    candidate: Candidate,
    needs: Needs,
    fleet: Fleet,
    policy: Policy,
) -> str:
    """What leads there, and what does or does not bind it."""
    name, model = clean(candidate.backend.name), clean(decision.model)
    how = " as a fallback" if decision.fallback else ""
    how = " by an alias" if not how and decision.model != needs.model else how
    told = [
        f"{problem[:1].upper()}{problem[1:]}: {name} (zone {candidate.zone.value}, "
        f"tier {candidate.backend.face.tier}) may serve '{model}'{how}."
    ]
    bound = binding(needs, decision, fleet, policy)
    if zone := bound.get("zone"):
        told.append(f"It is bound to zone {zone['value']} ({zone['by']}).")
    elif candidate.zone is Zone.OPEN:
        told.append("Nothing binds its zone; a policy of privacy restricted would.")
    if tier := bound.get("min_tier"):
        told.append(f"It is bound to tier {tier['value']} and above ({tier['by']}).")
    return " ".join(told)
