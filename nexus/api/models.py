"""`GET /v1/models` and `/v1/models/{id}`: one entry per model name, answered from memory. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexus.domain.backend import BackendStatus, FactSource
from nexus.domain.fleet import Candidate, Fleet
from nexus.domain.policy import Policy
from nexus.errors import ModelUnknown
from nexus.routing.aliases import resolve

CAPABILITIES = ("vision", "audio", "tools", "json_mode", "embeddings", "reasoning")

SIZES = ("context_length", "max_output_tokens")

_SHOWN = frozenset((*SIZES, *CAPABILITIES))

COMING_BACK = (BackendStatus.DRAINING, BackendStatus.RATE_LIMITED)
"""Not sent new work, and up: what they have begun goes on, and they return by themselves."""


def listing(fleet: Fleet, policy: Policy, created: int) -> dict[str, object]:
    """The list of models, aliases included, sorted by id.

    Args:
        fleet: the picture.
        policy: for aliases and for whether unchecked backends count.
        created: Unix seconds, the same in every answer of this process.
    """
    entries = [
        _entry(name, found, created)
        for name, candidates in fleet.by_model.items()
        if name not in fleet.implied and (found := _served(candidates, policy))
    ]
    for alias in policy.aliases:
        target = resolve(alias, fleet.by_model, policy)
        found = _served(fleet.by_model.get(target, ()), policy)
        if found and target != alias:
            entries.append(_entry(alias, found, created) | {"alias_of": target})
    return {"object": "list", "data": sorted(entries, key=lambda entry: str(entry["id"]))}


def one(fleet: Fleet, policy: Policy, created: int, name: str) -> dict[str, object]:
    """One model object.

    Raises:
        ModelUnknown: no backend that is up lists it.
    """
    target = resolve(name, fleet.by_model, policy)
    found = _served(fleet.by_model.get(target, ()), policy)
    if not found:
        known = sorted(
            model
            for model, at in fleet.by_model.items()
            if model not in fleet.implied and _served(at, policy)
        )
        there = ", ".join(known[:20]) if known else "no models at the moment"
        raise ModelUnknown(f"Model '{name}' not found. Available: {there}", param="model")
    entry = _entry(name, found, created)
    return entry if target == name else entry | {"alias_of": target}


def _served(candidates: Sequence[Candidate], policy: Policy) -> list[Candidate]:
    return [
        candidate
        for candidate in candidates
        if candidate.backend.is_routable
        or candidate.backend.is_spare
        or candidate.backend.status in COMING_BACK
        or (policy.unknown_is_routable and candidate.backend.status is BackendStatus.UNKNOWN)
    ]


def _entry(name: str, found: Sequence[Candidate], created: int) -> dict[str, object]:
    """OpenAI's four fields, then extras that SDKs ignore.

    A capability is true if any backend has it, false if all lack it, null if nobody knows. Its
    source is that of the best informed backend which says so; `zones` go with `backends`.
    """
    if len(found) == 1:
        return _single(name, found[0], created)
    facts: dict[str, object] = {
        fact: max(known) if (known := _values(found, fact)) else None for fact in SIZES
    }
    capabilities: dict[str, bool | None] = {}
    for capability in CAPABILITIES:
        values = [getattr(candidate.model, capability) for candidate in found]
        capabilities[capability] = (
            True if True in values else False if values and None not in values else None
        )
    said: dict[str, object] = {**facts, **capabilities}
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": "nexus",
        **facts,
        "capabilities": capabilities,
        "capability_sources": {
            fact: source
            for fact, value in said.items()
            if value is not None and (source := _source(found, fact, value))
        },
        "backends": [candidate.backend.name for candidate in found],
        "zones": [candidate.zone.value for candidate in found],
    }


def _single(name: str, found: Candidate, created: int) -> dict[str, object]:
    """The same of a model that one backend has, which most are: a long list must be quick."""
    model, backend = found.model, found.backend.name
    return {
        "id": name,
        "object": "model",
        "created": created,
        "owned_by": backend,
        **{fact: getattr(model, fact) for fact in SIZES},
        "capabilities": {fact: getattr(model, fact) for fact in CAPABILITIES},
        "capability_sources": {fact: by.value for fact, by in model.sources if fact in _SHOWN},
        "backends": [backend],
        "zones": [found.zone.value],
    }


def _values(found: Sequence[Candidate], fact: str) -> list[int]:
    values = (getattr(candidate.model, fact) for candidate in found)
    return [value for value in values if value is not None]


def _source(found: Sequence[Candidate], fact: str, value: object) -> str:
    """Who says this of the model: the most trusted of those that do; empty when nobody is known."""
    sources = {c.model.source(fact) for c in found if getattr(c.model, fact) == value}
    return next((source.value for source in FactSource if source in sources), "")
