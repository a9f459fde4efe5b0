"""The routing section as operators edit it at run time: as a value, and back into a text. Pure.

Only what differs is touched, so comments, order and spelling of everything else stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, MutableMapping, MutableSequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from nexus.config.edit import Table, dump, parse
from nexus.domain.routes import Routes
from nexus.domain.traffic import TrafficPolicy

if TYPE_CHECKING:
    from nexus.config.settings import NexusConfig


def routes_of(config: NexusConfig) -> Routes:
    """The routes that a configuration says."""
    policy = config.policy()
    return versioned(
        Routes(
            strategy=policy.strategy,
            weights=policy.weights,
            max_retries=policy.max_attempts - 1,
            aliases=dict(policy.aliases),
            fallbacks={model: tuple(names) for model, names in policy.fallbacks.items()},
            policies=policy.traffic.rules,
        )
    )


def versioned(routes: Routes) -> Routes:
    """The same with the version that follows from what they say."""
    aliases, fallbacks = sorted(routes.aliases.items()), sorted(routes.fallbacks.items())
    said = repr((replace(routes, version="", aliases={}, fallbacks={}), aliases, fallbacks))
    return replace(routes, version=hashlib.sha256(said.encode()).hexdigest()[:12])


def with_routes(text: str, old: Routes, new: Routes) -> str:
    """The configuration file with new routes in place of the old ones.

    Args:
        text: the file.
        old: what is in force; what is the same in `new` is not touched.
    """
    document = parse(text)
    routing = _Lazy(document, "routing")
    if new.strategy is not old.strategy:
        routing.table()["strategy"] = new.strategy.value
    if new.max_retries != old.max_retries:
        routing.table()["max_retries"] = new.max_retries
    if new.weights != old.weights:
        _update(routing.below("weights"), asdict(old.weights), asdict(new.weights))
        # All three or none: a missing one would take its default and break the sum.
        for name, value in asdict(new.weights).items():
            routing.below("weights").table().setdefault(name, value)
    _update(routing.below("aliases"), old.aliases, new.aliases)
    _update(routing.below("fallbacks"), _lists(old.fallbacks), _lists(new.fallbacks))
    if new.policies != old.policies:
        _set_policies(routing, new.policies)
    return dump(document)


def difference(old: str, new: str) -> tuple[str, ...]:
    """The lines that go (`- `) and come (`+ `)."""
    from difflib import unified_diff  # late: only after an edit

    lines = unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")
    told = (line for line in lines if not line.startswith(("---", "+++", "@@")))
    return tuple(f"{line[0]} {line[1:]}" for line in told if line[1:].strip())


class _Lazy:
    """A table that is made when something is written into it."""

    def __init__(self, parent: Table | _Lazy, name: str) -> None:
        self._parent = parent
        self._name = name

    def below(self, name: str) -> _Lazy:
        return _Lazy(self, name)

    def found(self) -> Table | None:
        parent = self._parent.found() if isinstance(self._parent, _Lazy) else self._parent
        return None if parent is None else cast("Table | None", parent.get(self._name))

    def table(self) -> Table:
        import tomlkit

        parent = self._parent.table() if isinstance(self._parent, _Lazy) else self._parent
        if self._name not in parent:
            # One that only holds others needs no header of its own.
            made = tomlkit.table(is_super_table=not isinstance(self._parent, _Lazy))
            parent[self._name] = made
            before = _before(parent, self._name)
            if before is not None:
                hang(cast("Table", parent[self._name]), unhang(before))
                hang(before, [tomlkit.nl()])
        return cast("Table", parent[self._name])


def _update(place: _Lazy, old: Mapping[str, object], new: Mapping[str, object]) -> None:
    if old == new:
        return
    table = place.table()
    spelled = {name.strip(): name for name in table}
    for name in old:
        if name not in new and name in spelled:
            del table[spelled[name]]
    for name, value in new.items():
        if old.get(name) == value:
            continue
        if name in spelled:
            table[spelled[name]] = value
        else:
            after = unhang(table)
            table[name] = value
            hang(table, after)


# ---- tomlkit counts a comment above a table to the end of the table before it


def unhang(table: Table) -> list[Any]:
    """Take blank lines and comments off the end of a table: they are about what follows."""
    from tomlkit.items import Comment, Whitespace

    body = _body(table)
    taken: list[Any] = []
    while body and body[-1][0] is None:
        item = body.pop()[1]
        if isinstance(item, Comment | Whitespace):  # else: what a key leaves that was taken away
            taken.insert(0, item)
    return taken


def hang(table: Table, taken: list[Any]) -> None:
    """Put them to the end of a table."""
    add: Any = getattr(table, "add", None)
    for each in taken:
        if add is not None:
            add(each)


def _body(table: Table) -> list[tuple[object, Any]]:
    """The parts of a table in their order: keys with values, and None with blanks and comments."""
    container = getattr(table, "value", None)
    return cast("list[tuple[object, Any]]", getattr(container, "body", None) or [])


def _before(parent: Table, name: str) -> Table | None:
    """The table in front of another one in its parent."""
    last: Table | None = None
    for key, item in _body(parent):
        if key is not None and getattr(key, "key", None) == name:
            return last
        if key is not None:
            last = _last_table(item)
    return None


def _last_table(item: object) -> Table | None:
    """The item, or its last entry, if it is a table."""
    if isinstance(item, MutableSequence) and item and isinstance(item[-1], MutableMapping):
        return cast("Table", item[-1])
    return cast("Table", item) if isinstance(item, MutableMapping) else None


def _lists(fallbacks: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    return {model: list(names) for model, names in fallbacks.items()}


# ---- policies


def _set_policies(routing: _Lazy, wanted: tuple[TrafficPolicy, ...]) -> None:
    """Entries keep their comments as long as a policy for their pattern is wanted."""
    import tomlkit

    table = routing.table()
    entries = list(_entries(table.get("policies")))
    chosen = list(_chosen(entries, wanted))
    # What stands above an entry goes with it; what stands below the last stays there.
    before = _before(table, "policies") if entries else None
    hung = [unhang(before) if before is not None else [], *map(unhang, entries)]
    above = {id(entry): hung[at] for at, entry in enumerate(entries)}
    below = hung[-1] if entries else []
    for entry, policy in zip(chosen, wanted, strict=True):
        _fill(entry, policy)
    rows = table.get("policies")
    kept = len(entries) <= len(chosen) and all(map(_is, entries, chosen))
    if entries and kept and isinstance(rows, MutableSequence):
        for entry in chosen[len(entries) :]:
            cast("MutableSequence[Table]", rows).append(entry)
    else:
        table.pop("policies", None)
        if not entries or chosen:
            before, below = _at_the_end(table, chosen, before, below)
    for entry, following in pairwise([before, *chosen, None]):
        if following is not None:
            _close_up(following)
        if entry is not None:
            usual = [tomlkit.nl()] if following is not None else below
            hang(entry, above.get(id(following)) or usual)


def _at_the_end(
    table: Table, chosen: list[Table], before: Table | None, below: list[Any]
) -> tuple[Table | None, list[Any]]:
    """Put the entries behind everything else of the section: what is then before and below them."""
    import tomlkit

    if before is not None:
        hang(before, below)
        below = []
    made = cast("MutableSequence[Table]", tomlkit.aot())
    for entry in chosen:
        made.append(entry)
    table["policies"] = made
    last = _before(table, "policies")
    return last, below if last is None else unhang(last)


def _close_up(entry: Table) -> None:
    """Take away the blank line that tomlkit puts in front of an entry that moved."""
    trivia = getattr(entry, "trivia", None)
    if trivia is not None:
        trivia.indent = trivia.indent.lstrip("\n")


def _is(one: object, other: object) -> bool:
    return one is other


def _entries(value: object) -> Iterator[Table]:
    """`[[routing.policies]]` as they are, or `[routing.policies."glob"]` turned into such."""
    import tomlkit

    if isinstance(value, MutableMapping):
        for pattern, rest in cast("Table", value).items():
            entry = cast("Table", tomlkit.table())
            entry["model_pattern"] = pattern
            for key, inner in cast("Table", rest).items():
                entry[key] = inner
            yield entry
    elif isinstance(value, MutableSequence):
        yield from cast("MutableSequence[Table]", value)


def _chosen(entries: list[Table], wanted: tuple[TrafficPolicy, ...]) -> Iterator[Table]:
    """For each policy the entry that says it, else one of its pattern, else a new one."""
    import tomlkit

    free = list(entries)
    for policy in wanted:
        said = _keys(policy)
        same = [each for each in free if _plain(each) == said]
        named = [each for each in free if each.get("model_pattern") == policy.pattern]
        entry = (same or named or [None])[0]
        if entry is None:
            entry = cast("Table", tomlkit.table())
        else:
            free = [each for each in free if each is not entry]
        yield entry


def _plain(entry: Table) -> dict[str, object]:
    unwrap: Any = getattr(entry, "unwrap", None)
    return dict(unwrap() if unwrap is not None else entry)


def _fill(entry: Table, policy: TrafficPolicy) -> None:
    said, now = _keys(policy), _plain(entry)
    for key in now.keys() - said.keys():
        del entry[key]
    for key, value in said.items():
        if key not in now or now[key] != value:
            entry[key] = value


def _keys(policy: TrafficPolicy) -> dict[str, object]:
    """An entry; what has its default is left out."""
    when = policy.when
    said: dict[str, object | None] = {
        "model_pattern": policy.pattern,
        "tenants": list(when.tenants) or None,
        "endpoints": [each.name.lower() for each in when.endpoints] or None,
        "headers": dict(when.headers) or None,
        "privacy": None if policy.privacy is None else policy.privacy.value,
        "min_tier": policy.min_tier,
        "max_cost_per_request": policy.max_cost_usd,
        "fallback_allowed": None if policy.fallback_allowed else False,
    }
    return {key: value for key, value in said.items() if value is not None}
