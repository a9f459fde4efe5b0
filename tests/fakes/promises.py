"""What no decision may break, said a second time and in another way than the rules say it."""

from __future__ import annotations

from fnmatch import fnmatchcase

from nexus.domain.backend import Zone
from nexus.domain.decision import Decision
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import Needs
from nexus.domain.traffic import Privacy, TrafficPolicy


def broken(needs: Needs, fleet: Fleet, policy: Policy, decision: Decision) -> str:
    """Which promise this decision breaks; empty for none."""
    own = _names(needs.model, fleet, policy)
    served = [*own, decision.model]
    rules = [rule for name in served if (rule := _first(name, policy)) is not None]
    rules += _conditional(needs, served, policy)
    privacy = {rule.privacy for rule in rules}
    if needs.zone is Zone.RESTRICTED or Privacy.RESTRICTED in privacy:
        inside = True
    elif Privacy.UNRESTRICTED in privacy:
        inside = False
    elif policy.privacy is not None:
        inside = policy.privacy is Privacy.RESTRICTED
    else:
        inside = any(
            (model.zone or backend.face.zone) is Zone.RESTRICTED
            for backend in fleet.backends.values()
            for model in backend.models
            if model.id == decision.model
        )
    least = max([needs.min_tier, *(rule.min_tier or 0 for rule in rules)])
    for each in decision.order:
        zone = each.model.zone or each.backend.face.zone
        if inside and zone is not Zone.RESTRICTED:
            return f"{each.backend.name} is open"
        if each.backend.face.tier < least:
            return f"{each.backend.name} is of tier {each.backend.face.tier}, below {least}"
    if inside and decision.zone is not Zone.RESTRICTED:
        return "its sockets are not held to the zone"
    if decision.model != own[-1]:
        asked = [rule for name in own if (rule := _first(name, policy)) is not None]
        asked += _conditional(needs, own, policy)
        if needs.strict or not all(rule.fallback_allowed for rule in asked):
            return "a fallback serves that may not"
    return ""


def _names(model: str, fleet: Fleet, policy: Policy) -> list[str]:
    names = [model]
    while len(names) <= 3 and names[-1] in policy.aliases and names[-1] not in fleet.by_model:
        names.append(policy.aliases[names[-1]])
    return names


def _spelled(names: list[str]) -> list[str]:
    short = [name.removesuffix(":latest") for name in names]
    return [*names, *short, *(f"{name}:latest" for name in short)]


def _first(name: str, policy: Policy) -> TrafficPolicy | None:
    plain = [r for r in policy.traffic.rules if not r.when]
    forms = _spelled([name])
    return next((r for r in plain if any(fnmatchcase(f, r.pattern) for f in forms)), None)


def _conditional(needs: Needs, names: list[str], policy: Policy) -> list[TrafficPolicy]:
    """Every rule with conditions whose name and conditions are met."""
    met: list[TrafficPolicy] = []
    for rule in policy.traffic.rules:
        when = rule.when
        if when.tenants or when.endpoints or when.headers:
            tenant = not when.tenants or any(fnmatchcase(needs.tenant, t) for t in when.tenants)
            endpoint = not when.endpoints or needs.endpoint in when.endpoints
            headers = set(when.headers) <= set(needs.headers)
            named = any(fnmatchcase(name, rule.pattern) for name in _spelled(names))
            if tenant and endpoint and headers and named:
                met.append(rule)
    return met
