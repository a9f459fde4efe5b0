"""Who says what about a model: every fact gets the source it came from.

The fields of a model that a dialect read from an answer are the server's word; what is filled in
later keeps what was said before. Models with the same sources share one tuple.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from nexus.domain.backend import FACTS, FactSource, Model

Sources = tuple[tuple[str, FactSource], ...]


@lru_cache(maxsize=2048)
def _shared(sources: Sources) -> Sources:
    return sources


def attributed(model: Model, source: FactSource) -> Model:
    """`model` with `source` for every fact that has none yet."""
    before = dict(model.sources)
    sources = _shared(
        tuple(
            (fact, before.get(fact, source)) for fact in FACTS if getattr(model, fact) is not None
        )
    )
    return model if sources == model.sources else replace(model, sources=sources)


def told(model: Model) -> Model:
    """A model as it was read from its server."""
    return attributed(model, FactSource.SERVER)


def filled(model: Model, facts: Mapping[str, object], source: FactSource) -> Model:
    """`model` with those of `facts` that it does not know yet."""
    new: dict[str, Any] = {
        fact: value
        for fact, value in facts.items()
        if value is not None and getattr(model, fact) is None
    }
    return attributed(replace(told(model), **new), source) if new else model


def corrected(model: Model, facts: Mapping[str, object], source: FactSource) -> Model:
    """`model` with `facts` in place of what was said before."""
    new: dict[str, Any] = {fact: value for fact, value in facts.items() if value is not None}
    if not new:
        return model
    kept = tuple(pair for pair in told(model).sources if pair[0] not in new)
    return attributed(replace(model, sources=kept, **new), source)
