"""The immutable picture of the fleet, indexed by model, that decisions are made on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nexus.domain.backend import Backend, BackendId, BackendType, Model, Speed, Zone

_LATEST = ":latest"
"""What Ollama takes for a tag where a name has none."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model on one backend: what a decision chooses among."""

    backend: Backend
    model: Model

    @property
    def zone(self) -> Zone:
        """Where a request sent here goes: a model may lie further out than its backend."""
        return self.model.zone or self.backend.face.zone


class _Remembering:
    """Room for what has been worked out about a value, which is no part of it."""

    __slots__ = ("memo",)

    memo: dict[object, object]
    """Kept by `nexus.routing.shortlist`; goes with the value."""


@dataclass(frozen=True, slots=True)
class Fleet(_Remembering):
    """Every backend at one moment. `version` grows by one with each change of facts.

    `by_model` maps an exact model name to its candidates in registration order, so a decision looks
    at the handful of backends that have the model and at nothing else. A name may be implied: an
    Ollama model `llama3.2:latest` is a candidate for `llama3.2` too, under its own full id.
    """

    version: int = 0
    backends: Mapping[BackendId, Backend] = field(default_factory=dict[BackendId, Backend])
    by_model: Mapping[str, tuple[Candidate, ...]] = field(
        default_factory=dict[str, tuple[Candidate, ...]]
    )
    implied: frozenset[str] = frozenset()
    """The names of `by_model` that no backend lists."""
    restricted: frozenset[str] = frozenset()
    """The names of `by_model` that a restricted candidate has, up or not."""
    mixed: frozenset[str] = frozenset()
    """Those of them that an open candidate has too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "memo", {})


def picture(version: int, backends: Mapping[BackendId, Backend]) -> Fleet:
    """Index `backends` by model. O(backends x models), done once per change of facts."""
    index: dict[str, list[Candidate]] = {}
    listed: set[str] = set()
    implied: set[str] = set()
    zones: dict[Zone, set[str]] = {zone: set() for zone in Zone}
    for backend in backends.values():
        implies = backend.face.type is BackendType.OLLAMA
        its_zone = backend.face.zone
        for model in backend.models:
            candidate = Candidate(backend, model)
            index.setdefault(model.id, []).append(candidate)
            listed.add(model.id)
            names = zones[model.zone or its_zone]
            names.add(model.id)
            if implies and model.id.endswith(_LATEST):
                bare = model.id.removesuffix(_LATEST)
                index.setdefault(bare, []).append(candidate)
                implied.add(bare)
                names.add(bare)
    return Fleet(
        version,
        dict(backends),
        {name: tuple(found) for name, found in index.items()},
        frozenset(implied - listed),
        frozenset(zones[Zone.RESTRICTED]),
        frozenset(zones[Zone.RESTRICTED] & zones[Zone.OPEN]),
    )


class LoadView(Protocol):
    """The numbers a decision reads, as a value: the same object says the same for ever."""

    @property
    def pending(self) -> int: ...
    @property
    def latency_ms(self) -> float | None: ...
    @property
    def speeds(self) -> Mapping[str, Speed] | None: ...
    @property
    def quiet_min(self) -> int: ...


Loads = Mapping[BackendId, LoadView]
"""Loads by backend, read at decision time (they change with every request, facts do not).

The mapping may be live; what is in it never changes but is replaced."""
