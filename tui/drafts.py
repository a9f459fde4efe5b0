"""Edits of the routes that are not applied yet: what they would be, and what is wrong with them.

Pure. A draft is a `Routes` like the one in force; each function returns a new one. The gateway
checks again before it applies anything: what is said here is said early, while somebody types.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import NamedTuple

from nexus.domain.conditions import Conditions
from nexus.domain.policy import Strategy, Weights
from nexus.domain.request import Endpoint
from nexus.domain.routes import Routes
from nexus.domain.traffic import Privacy, TrafficPolicy

MOST_HOPS = 3
"""Aliases are followed this far (contract of the router)."""


class RowKey(NamedTuple):
    """Which rule."""

    kind: str
    """`setting`, `alias`, `fallback` or `policy`."""
    name: str
    """Of the setting, alias or model; the place of a policy, from 0."""


Words = Mapping[str, str]
"""What was typed, by field."""


class Checked(NamedTuple):
    """What is wrong and what is doubtful about typed words, by field."""

    errors: dict[str, str]
    notes: dict[str, str]


# ---- aliases


def check_alias(routes: Routes, old: str | None, words: Words, known: Collection[str]) -> Checked:
    """An alias that was typed; `old` is the one it replaces, `known` what backends list."""
    found = Checked({}, {})
    name, target = words["name"].strip(), words["target"].strip()
    if not name:
        found.errors["name"] = "a name is needed"
    elif name != old and name in routes.aliases:
        found.errors["name"] = "there is an alias of that name"
    elif name in known:
        found.notes["name"] = "a real model of that name wins over the alias"
    if not target:
        found.errors["target"] = "the model it leads to"
    elif way := circle({**_others(routes, old), name: target}, name):
        found.errors["target"] = f"a circle: {' → '.join(way)}"
    elif depth({**_others(routes, old), name: target}, name) > MOST_HOPS:
        found.errors["target"] = f"more than {MOST_HOPS} aliases one after another"
    elif target not in known and target not in routes.aliases:
        found.notes["target"] = "no backend lists it now"
    return found


def _others(routes: Routes, old: str | None) -> dict[str, str]:
    return {name: target for name, target in routes.aliases.items() if name != old}


def circle(aliases: Mapping[str, str], start: str) -> list[str]:
    """The names of a circle that `start` is led into; empty when there is none."""
    way = [start]
    while (following := aliases.get(way[-1])) is not None:
        if following in way:
            return [*way[way.index(following) :], following]
        way.append(following)
    return []


def depth(aliases: Mapping[str, str], start: str) -> int:
    """Aliases from `start` to a name that is none. There must be no circle."""
    hops, name = 0, start
    while name in aliases:
        hops, name = hops + 1, aliases[name]
    return hops


def with_alias(routes: Routes, old: str | None, words: Words) -> Routes:
    """With a new alias, or with another one in the place of `old`."""
    name, target = words["name"].strip(), words["target"].strip()
    return replace(routes, aliases=_put(routes.aliases, old, name, target))


# ---- fallbacks


def check_fallback(
    routes: Routes, old: str | None, words: Words, known: Collection[str]
) -> Checked:
    """A chain that was typed: models after a comma."""
    found = Checked({}, {})
    model, chain = words["model"].strip(), listed(words["chain"])
    if not model:
        found.errors["model"] = "the model that may be missing"
    elif model != old and model in routes.fallbacks:
        found.errors["model"] = "it has a chain already"
    elif model not in known:
        found.notes["model"] = "no backend lists it now"
    if not chain:
        found.errors["chain"] = "one model or more, after commas"
    elif model in chain:
        found.errors["chain"] = "a model cannot replace itself"
    elif len(set(chain)) != len(chain):
        found.errors["chain"] = "a model stands there twice"
    elif missing := [name for name in chain if name not in known and name not in routes.aliases]:
        found.notes["chain"] = f"no backend lists {', '.join(missing)} now"
    return found


def with_fallback(routes: Routes, old: str | None, words: Words) -> Routes:
    """With a new chain, or with another one in the place of that of `old`."""
    model, chain = words["model"].strip(), listed(words["chain"])
    return replace(routes, fallbacks=_put(routes.fallbacks, old, model, chain))


# ---- policies


def policy_words(policy: TrafficPolicy | None) -> dict[str, str]:
    """A policy as the form shows it; None is an empty form."""
    if policy is None:
        policy = TrafficPolicy("")
    when = policy.when
    return {
        "pattern": policy.pattern,
        "privacy": policy.privacy.value if policy.privacy else "",
        "min_tier": "" if policy.min_tier is None else str(policy.min_tier),
        "fallbacks": "yes" if policy.fallback_allowed else "no",
        "max_cost": "" if policy.max_cost_usd is None else f"{policy.max_cost_usd:g}",
        "tenants": ", ".join(when.tenants),
        "endpoints": ", ".join(each.name.lower() for each in when.endpoints),
        "headers": ", ".join(f"{name}={glob}" for name, glob in when.headers),
    }


def check_policy(words: Words) -> Checked:
    """A policy that was typed."""
    found = Checked({}, {})
    errors = found.errors
    if not words["pattern"].strip():
        errors["pattern"] = "a glob over model names: llama*, *"
    privacy = words["privacy"].strip().lower()
    if privacy and privacy not in set(Privacy):
        errors["privacy"] = "restricted, unrestricted, or nothing"
    tier = words["min_tier"].strip()
    if tier and not (tier.isascii() and tier.isdigit() and 1 <= int(tier) <= 5):
        errors["min_tier"] = "1 to 5, or nothing"
    if words["fallbacks"].strip().lower() not in ("yes", "no"):
        errors["fallbacks"] = "yes or no"
    if (cost := words["max_cost"].strip()) and _money(cost) is None:
        errors["max_cost"] = "US dollars, or nothing"
    names = {each.name.lower() for each in Endpoint}
    if wrong := [word for word in listed(words["endpoints"]) if word.lower() not in names]:
        errors["endpoints"] = f"no endpoint is called {wrong[0]}; there are {', '.join(names)}"
    headers = listed(words["headers"])
    if any("=" not in each or not each.partition("=")[0].strip() for each in headers):
        errors["headers"] = "Name=glob, after commas"
    elif headers and privacy == Privacy.UNRESTRICTED:
        errors["headers"] = "clients send what they like: a header can only restrict"
    asks = privacy or tier or cost or words["fallbacks"].strip().lower() == "no"
    if not errors and not asks:
        found.notes["privacy"] = "this policy asks for nothing"
    return found


def with_policy(routes: Routes, at: int | None, words: Words) -> Routes:
    """With a new policy at the end, or another one in the place of number `at`."""
    endpoints = {each.name.lower(): each for each in Endpoint}
    privacy = words["privacy"].strip().lower()
    tier = words["min_tier"].strip()
    pairs = [each.partition("=") for each in listed(words["headers"])]
    policy = TrafficPolicy(
        words["pattern"].strip(),
        Privacy(privacy) if privacy else None,
        int(tier) if tier else None,
        words["fallbacks"].strip().lower() != "no",
        _money(words["max_cost"].strip()),
        Conditions(
            listed(words["tenants"]),
            tuple(endpoints[word.lower()] for word in listed(words["endpoints"])),
            tuple(sorted((name.strip().lower(), glob.strip()) for name, _, glob in pairs)),
        ),
    )
    policies = list(routes.policies)
    if at is None:
        policies.append(policy)
    else:
        policies[at] = policy
    return replace(routes, policies=tuple(policies))


def moved(routes: Routes, at: int, by: int) -> Routes:
    """With policy number `at` earlier (-1) or later (1): the first that matches a name counts."""
    to = at + by
    if not 0 <= to < len(routes.policies):
        return routes
    policies = list(routes.policies)
    policies.insert(to, policies.pop(at))
    return replace(routes, policies=tuple(policies))


# ---- strategy and weights


def setting_words(routes: Routes) -> dict[str, str]:
    """Strategy, weights and retries as the form shows them."""
    parts = routes.weights
    return {
        "strategy": routes.strategy.value,
        "weights": f"{parts.priority} {parts.load} {parts.latency}",
        "max_retries": str(routes.max_retries),
    }


def check_settings(words: Words) -> Checked:
    """Strategy, weights and retries that were typed."""
    found = Checked({}, {})
    strategy = words["strategy"].strip().lower()
    if strategy not in set(Strategy):
        found.errors["strategy"] = " ".join(Strategy)
    parts = _weights(words["weights"])
    if parts is None:
        found.errors["weights"] = "three numbers from 0 to 100: priority, load, latency"
    elif sum(parts) != 100:
        found.errors["weights"] = f"they must sum to 100, and sum to {sum(parts)}"
    elif strategy != Strategy.SMART:
        found.notes["weights"] = "only the strategy smart looks at them"
    retries = words["max_retries"].strip()
    if not (retries.isascii() and retries.isdigit() and int(retries) <= 100):
        found.errors["max_retries"] = "0 to 100"
    return found


def with_settings(routes: Routes, words: Words) -> Routes:
    """With another strategy, weights and retries; the words must have been checked."""
    parts = _weights(words["weights"])
    return replace(
        routes,
        strategy=Strategy(words["strategy"].strip().lower()),
        weights=Weights(*parts) if parts else routes.weights,
        max_retries=int(words["max_retries"]),
    )


# ---- any


def without(routes: Routes, key: RowKey) -> Routes:
    """Without one rule. A setting stays."""
    match key.kind:
        case "alias":
            return replace(routes, aliases=_others(routes, key.name))
        case "fallback":
            left = {name: chain for name, chain in routes.fallbacks.items() if name != key.name}
            return replace(routes, fallbacks=left)
        case "policy":
            at = int(key.name)
            return replace(routes, policies=routes.policies[:at] + routes.policies[at + 1 :])
        case _:
            return routes


def listed(text: str) -> tuple[str, ...]:
    """Words after commas."""
    return tuple(word for part in text.split(",") if (word := part.strip()))


def _put(
    table: Mapping[str, str] | Mapping[str, tuple[str, ...]],
    old: str | None,
    name: str,
    value: str | tuple[str, ...],
) -> dict[str, object]:
    """A table with `name`, where `old` stood or at the end."""
    if old is None or old not in table:
        return {**table, name: value}
    return {
        (name if key == old else key): (value if key == old else kept)
        for key, kept in table.items()
    }


def _weights(text: str) -> tuple[int, int, int] | None:
    parts = text.replace(",", " ").split()
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    first, second, third = (int(part) for part in parts)
    return (first, second, third) if max(first, second, third) <= 100 else None


def _money(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if 0 <= amount < 1e9 else None
