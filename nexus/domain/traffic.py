"""Traffic policies: what the operator asks for models, by glob on their names. Pure.

For one name the first rule that matches counts, as written in the file. A request has several
names: the one its client sent, those it becomes through aliases, and the fallback that serves it.
Each of them may match another rule, and the strictest of these binds the request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import translate
from typing import Final

MAX_REMEMBERED: Final = 4096
"""Names whose rule is remembered. Names come from clients: there may be any number of them."""


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


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules for all names of one request ask together: of each the strictest."""

    privacy: Privacy | None = None
    privacy_by: str = ""
    """The pattern of the rule that asks it."""
    min_tier: int = 0
    tier_by: str = ""
    fallback_allowed: bool = True


NO_TERMS: Final = Terms()


class Traffic:
    """The rules in their order, and a memory of which one speaks for a name. A value."""

    __slots__ = ("_matchers", "_memory", "rules")

    def __init__(self, rules: Iterable[TrafficPolicy] = ()) -> None:
        self.rules = tuple(rules)
        self._matchers: list[tuple[Callable[[str], object], TrafficPolicy]] = [
            (re.compile(translate(rule.pattern)).match, rule) for rule in self.rules
        ]
        self._memory: dict[str, TrafficPolicy | None] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traffic) and self.rules == other.rules

    def __hash__(self) -> int:
        return hash(self.rules)

    def __repr__(self) -> str:
        return f"Traffic({self.rules!r})"

    def of(self, name: str) -> TrafficPolicy | None:
        """The first rule that matches the whole name."""
        memory = self._memory
        try:
            return memory[name]
        except KeyError:
            pass
        if len(memory) >= MAX_REMEMBERED:
            memory.clear()
        found = next((rule for matches, rule in self._matchers if matches(name)), None)
        memory[name] = found
        return found

    def terms(self, names: Iterable[str]) -> Terms:
        """What binds a request of these names."""
        privacy: Privacy | None = None
        privacy_by = tier_by = ""
        min_tier, fallback_allowed = 0, True
        for name in names:
            rule = self.of(name)
            if rule is None:
                continue
            if rule.privacy is not None and privacy is not Privacy.RESTRICTED:
                privacy, privacy_by = rule.privacy, rule.pattern
            if rule.min_tier is not None and rule.min_tier > min_tier:
                min_tier, tier_by = rule.min_tier, rule.pattern
            fallback_allowed = fallback_allowed and rule.fallback_allowed
        return Terms(privacy, privacy_by, min_tier, tier_by, fallback_allowed)
