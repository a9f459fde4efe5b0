"""Rules that need more than one key. They read the raw tables and skip whatever is malformed.

The schema reports malformed values; these run beside it, so that one report holds both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast
from urllib.parse import urlsplit

from nexus.config.problems import Loc, Problem, found_at, key_path, printable
from nexus.domain.backend import BackendId
from nexus.domain.policy import Weights
from nexus.domain.traffic import Privacy
from nexus.domain.urls import backend_id, normalise

_LONGEST_CHAIN = 3

_CONDITIONS = ("tenants", "endpoints", "headers")
_ASKED = ("privacy", "min_tier", "max_cost_per_request", "fallback_allowed")

_PAID_HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "google": "generativelanguage.googleapis.com",
}
"""Services that answer nobody without a key. Other servers of these types may be open."""

Table = Mapping[str, object]


def cross_checks(raw: Table) -> Iterator[Problem]:
    """Every violated rule of the whole file, in no particular order."""
    routing = _table(raw, "routing")
    yield from _weights(_table(routing, "weights"))
    yield from _aliases(_table(routing, "aliases"))
    yield from _fallbacks(_table(routing, "fallbacks"))
    yield from _policies(_entries(routing, "policies"))
    yield from _backends(_entries(raw, "backends"))


def _weights(given: Table) -> Iterator[Problem]:
    default = Weights()
    parts = {
        name: given.get(name, getattr(default, name)) for name in ("priority", "load", "latency")
    }
    numbers = [part for part in parts.values() if type(part) is int and 0 <= part <= 100]
    if len(numbers) == len(parts) and sum(numbers) != 100:
        shown = " + ".join(f"{name} {part}" for name, part in parts.items())
        yield Problem(
            ("routing", "weights"),
            f"weights are percent and must sum to 100; {shown} is {sum(numbers)}",
        )


def _aliases(given: Table) -> Iterator[Problem]:
    names = {
        name.strip(): target.strip()
        for name, target in given.items()
        if isinstance(target, str) and target.strip()
    }
    reported: set[str] = set()
    for start in names:
        if start in reported:
            continue
        chain = [start]
        while (target := names.get(chain[-1])) is not None and target not in chain:
            chain.append(target)
        loc: Loc = ("routing", "aliases", start)
        if target is not None:
            circle = chain[chain.index(target) :]
            if start in circle:
                reported.update(circle)
                way = " -> ".join([*circle, target])
                yield Problem(
                    loc, f"circular alias: {way}; break it at one place", _show(names, start)
                )
        elif len(chain) - 1 > _LONGEST_CHAIN:
            way = " -> ".join(chain)
            yield Problem(
                loc,
                f"aliases are followed {_LONGEST_CHAIN} times at most; {way} is "
                f"{len(chain) - 1}; point it at {chain[-1]} directly",
                _show(names, start),
            )


def _show(names: Mapping[str, str], name: str) -> str:
    return printable(names[name])


def _fallbacks(given: Table) -> Iterator[Problem]:
    for model, targets in given.items():
        if not isinstance(targets, list):
            continue
        words = [item.strip() for item in cast("list[object]", targets) if isinstance(item, str)]
        loc: Loc = ("routing", "fallbacks", model)
        if model.strip() in words:
            yield Problem(loc, "a model cannot be its own fallback", printable(words))
        if twice := [word for at, word in enumerate(words) if word in words[:at]]:
            yield Problem(loc, f"{printable(twice[0])} is named twice", printable(words))


def _policies(entries: list[tuple[int, Table]]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for at, entry in entries:
        pattern = entry.get("model_pattern")
        conditions = {key: entry[key] for key in _CONDITIONS if entry.get(key)}
        if isinstance(pattern, str):
            first = seen.setdefault((pattern.strip(), repr(conditions)), at)
            if first != at:
                yield Problem(
                    ("routing", "policies", at, "model_pattern"),
                    f"routing.policies[{first}] has the same pattern and wins; join the two"
                    if not conditions
                    else f"routing.policies[{first}] binds the same requests; join the two",
                    printable(pattern),
                )
        yield from _condition(at, entry, conditions)


def _condition(at: int, entry: Table, conditions: Table) -> Iterator[Problem]:
    """What a client says may tighten and never loosen; what binds must ask for something."""
    privacy = entry.get("privacy")
    loose = isinstance(privacy, str) and privacy.strip().lower() == Privacy.UNRESTRICTED
    if loose and "headers" in conditions:
        yield Problem(
            ("routing", "policies", at, "privacy"),
            "a client could loosen its privacy by sending a header; bind this policy by tenant, "
            "or leave headers out",
            printable(privacy),
        )
    if conditions and not any(entry.get(key) not in (None, True) for key in _ASKED):
        yield Problem(
            ("routing", "policies", at, next(iter(conditions))),
            "binds requests and asks nothing of them; set privacy, min_tier or "
            "fallback_allowed = false",
        )


def _backends(entries: list[tuple[int, Table]]) -> Iterator[Problem]:
    ids: dict[BackendId, tuple[int, str]] = {}
    urls: dict[str, tuple[int, str]] = {}
    for at, entry in entries:
        name, url = entry.get("name"), entry.get("url")
        label = name.strip() if isinstance(name, str) else ""
        if label:
            loc: Loc = ("backends", at, "name")
            first, other = ids.setdefault(backend_id(label), (at, label))
            if first != at:
                same = "the same name" if label == other else f"nearly the same name ({other})"
                sentence = f"backends[{first}] has {same}; names must tell backends apart"
                yield Problem(loc, sentence, printable(label))
        if isinstance(url, str):
            yield from _url(at, url, label, entry, urls)


def _url(
    at: int, url: str, label: str, entry: Table, urls: dict[str, tuple[int, str]]
) -> Iterator[Problem]:
    try:
        plain = normalise(url)
    except ValueError:
        return
    loc: Loc = ("backends", at, "url")
    first, other = urls.setdefault(plain, (at, label))
    if first != at:
        who = f"{key_path(('backends', first))}" + (f" ({printable(other)})" if other else "")
        yield Problem(loc, f"{who} is the same server; keep one of them", found_at(loc, url))
    kind = entry.get("type")
    host = _PAID_HOSTS.get(kind.strip().lower()) if isinstance(kind, str) else None
    if host and urlsplit(plain).hostname == host and not entry.get("api_key_env"):
        yield Problem(
            ("backends", at, "api_key_env"),
            f"is missing: {host} needs a key; name the environment variable that holds it",
        )


def _table(table: Table, key: str) -> Table:
    value = table.get(key)
    return cast("Table", value) if isinstance(value, dict) else {}


def _entries(table: Table, key: str) -> list[tuple[int, Table]]:
    value = table.get(key)
    if not isinstance(value, list):
        return []
    items = enumerate(cast("list[object]", value))
    return [(at, cast("Table", item)) for at, item in items if isinstance(item, dict)]
