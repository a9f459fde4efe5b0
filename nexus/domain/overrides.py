"""The operator's word on models: facts by the model's name, for one backend or for all."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from nexus.domain import facts
from nexus.domain.backend import BackendId, FactSource, Model, Zone


@dataclass(frozen=True, slots=True)
class Override:
    """What is to be believed of the models that a pattern matches, whatever their server says."""

    pattern: str
    """A glob over the whole model id; case-sensitive."""
    facts: Mapping[str, object]
    """By the name of the model's field; None says nothing."""
    zone: Zone | None = None
    backend: BackendId | None = None
    """None is every backend."""

    def concerns(self, backend_id: BackendId) -> bool:
        """Whether it is about models of this backend."""
        return self.backend is None or self.backend == backend_id


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def overridden(model: Model, overrides: Sequence[Override]) -> Model:
    """`model` as the operator wants it seen. Of each fact, the first that says it wins."""
    said: dict[str, object] = {}
    zone: Zone | None = None
    for override in overrides:
        if _compiled(override.pattern).match(model.id):
            for fact, value in override.facts.items():
                if value is not None:
                    said.setdefault(fact, value)
            zone = zone or override.zone
    if zone is not None and zone is not model.zone:
        model = replace(model, zone=zone)
    return facts.corrected(model, said, FactSource.CONFIG)
