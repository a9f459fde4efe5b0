"""Traffic policies: what the operator asks for models, by glob on their names. Pure.

For one name the first rule that matches counts, as written in the file. A request has several
names: the one its client sent, those it becomes through aliases, and the fallback that serves it.
Each of them may match another rule, and the strictest of these binds the request. The full and the
short form of a name (`llama3.2:latest`, `llama3.2`) are one name, so that no spelling evades a
rule.

A rule with conditions (tenant, endpoint, header) speaks besides: each that matches one of the names
and whose conditions hold adds what it asks, and never hides a rule after it. So no rule that a
client can bring about takes away what another one asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from typing import Final

from nexus.domain.conditions import Conditions, matches
from nexus.domain.request import Needs

MAX_REMEMBERED: Final = 4096
"""Names whose rule is remembered. Names come from clients: there may be any number of them."""

ALWAYS: Final = Conditions()
_LATEST: Final = ":latest"


class Privacy(StrEnum):
    """What a traffic policy asks of a backend's zone."""

    UNRESTRICTED = "unrestricted"
    """Any zone: also where a restricted backend has the same model."""
    RESTRICTED = "restricted"
    """Backends of zone `restricted` and nobody else."""


@dataclass(frozen=True, slots=True)
class TrafficPolicy:
    """One rule. What it leaves out it does not ask for."""

    pattern: str
    """A glob over the whole name, case-sensitive."""
    privacy: Privacy | None = None
    min_tier: int | None = None
    fallback_allowed: bool = True
    max_cost_usd: float | None = None
    """Read by budgets; without effect on the choice of a backend."""
    when: Conditions = ALWAYS

    @property
    def label(self) -> str:
        """For a sentence: `llama*`, `llama* for tenant acme`."""
        return f"{self.pattern} for {self.when.words}" if self.when else self.pattern


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules for all names of one request ask together: of each the strictest."""

    privacy: Privacy | None = None
    privacy_by: str = ""
    """The rule that asks it, in words."""
    min_tier: int = 0
    tier_by: str = ""
    fallback_allowed: bool = True


NO_TERMS: Final = Terms()


def spellings(name: str) -> tuple[str, str]:
    """A name as it is, and in its other form."""
    bare = name.removesuffix(_LATEST)
    return name, bare if bare != name else name + _LATEST


class Traffic:
    """The rules in their order, and a memory of which one speaks for a name. A value."""

    __slots__ = ("_conditional", "_matchers", "_memory", "_terms", "heard", "rules")

    def __init__(self, rules: Iterable[TrafficPolicy] = ()) -> None:
        self.rules = tuple(rules)
        matchers: list[tuple[Callable[[str], object], TrafficPolicy]] = [
            (re.compile(translate(rule.pattern)).match, rule) for rule in self.rules
        ]
        self._matchers = [each for each in matchers if not each[1].when]
        self._conditional = [each for each in matchers if each[1].when]
        self._memory: dict[str, TrafficPolicy | None] = {}
        self._terms: dict[tuple[object, ...], Terms] = {}
        self.heard: dict[bytes, tuple[tuple[str, str], ...]] = {}
        """Headers that a rule looks at, as they come from the wire, with the conditions on each."""
        for name, glob in dict.fromkeys(each for rule in self.rules for each in rule.when.headers):
            wire = name.encode("latin-1")
            self.heard[wire] = (*self.heard.get(wire, ()), (name, glob))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traffic) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"Traffic({self.rules!r})"

    def of(self, name: str) -> TrafficPolicy | None:
        """The first rule without conditions that matches the whole name, in either form."""
        memory = self._memory
        try:
            return memory[name]
        except KeyError:
            pass
        if len(memory) >= MAX_REMEMBERED:
            memory.clear()
        forms = spellings(name)
        found = next((rule for named, rule in self._matchers if any(map(named, forms))), None)
        memory[name] = found
        return found

    def holding(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
        """The conditions on headers that hold. One sent twice counts with each of its values.

        Args:
            headers: names in lower case.
        """
        return tuple(
            dict.fromkeys(
                condition
                for name, value in headers
                for condition in self.heard.get(name, ())
                if matches(condition[1], value.strip().decode("latin-1"))
            )
        )

    def terms(self, names: Iterable[str], needs: Needs | None = None) -> Terms:
        """What binds a request of these names; with its needs, also by tenant and the like."""
        names = tuple(names)
        if not self._conditional or needs is None:
            key: tuple[object, ...] = names
        else:
            key = (names, needs.tenant, needs.endpoint, needs.headers)
        memory = self._terms
        found = memory.get(key)
        if found is None:
            if len(memory) >= MAX_REMEMBERED:
                memory.clear()
            found = memory[key] = self._joined(names, needs)
        return found

    def _joined(self, names: tuple[str, ...], needs: Needs | None) -> Terms:
        rules = [rule for name in names if (rule := self.of(name)) is not None]
        if self._conditional and needs is not None:
            forms = [form for name in names for form in spellings(name)]
            rules += [
                rule
                for named, rule in self._conditional
                if rule.when.hold(needs) and any(map(named, forms))
            ]
        privacy: Privacy | None = None
        privacy_by = tier_by = ""
        min_tier, fallback_allowed = 0, True
        for rule in rules:
            if rule.privacy is not None and privacy is not Privacy.RESTRICTED:
                privacy, privacy_by = rule.privacy, rule.label
            if rule.min_tier is not None and rule.min_tier > min_tier:
                min_tier, tier_by = rule.min_tier, rule.label
            fallback_allowed = fallback_allowed and rule.fallback_allowed
        return Terms(privacy, privacy_by, min_tier, tier_by, fallback_allowed)
