"""When a traffic policy binds besides the model's name: by tenant, endpoint or header. Pure.

All that a policy names must hold; of several tenants or endpoints one is enough. Headers come from
clients, who may send any: a policy that looks at one can only tighten (`nexus.config.routing`). Of
what they said only the conditions that hold are kept, never the values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from nexus.domain.request import Endpoint, Needs


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be so for a rule to bind. What is empty is not asked."""

    tenants: tuple[str, ...] = ()
    """Globs over the tenant's name, case-sensitive."""
    endpoints: tuple[Endpoint, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case, each with a glob over the whole value, case-sensitive."""

    def __bool__(self) -> bool:
        return bool(self.tenants or self.endpoints or self.headers)

    def hold(self, needs: Needs) -> bool:
        """Whether a request fulfils all of them."""
        if self.endpoints and needs.endpoint not in self.endpoints:
            return False
        if self.tenants and not any(matches(glob, needs.tenant) for glob in self.tenants):
            return False
        return all(condition in needs.headers for condition in self.headers)

    @property
    def words(self) -> str:
        """For a sentence: `tenant acme, endpoint chat, header x-team research*`."""
        parts = [f"tenant {' or '.join(self.tenants)}"] if self.tenants else []
        if self.endpoints:
            names = " or ".join(each.name.lower() for each in self.endpoints)
            parts.append(f"endpoint {names}")
        parts += [f"header {name} {glob}" for name, glob in self.headers]
        return ", ".join(parts)


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))


def matches(glob: str, text: str) -> bool:
    """Whether a glob matches the whole text, case-sensitive."""
    return _compiled(glob).match(text) is not None
