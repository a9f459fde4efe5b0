"""The immutable picture of the fleet, indexed by model, that decisions are made on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from nexus.domain.backend import Backend, BackendId, Model


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model on one backend: what a decision chooses among."""

    backend: Backend
    model: Model


@dataclass(frozen=True, slots=True)
class Fleet:
    """Every backend at one moment. `version` grows by one with each change of facts.

    `by_model` maps an exact model name to its candidates in registration order, so a decision looks
    at the handful of backends that have the model and at nothing else.
    """

    version: int = 0
    backends: Mapping[BackendId, Backend] = field(default_factory=dict[BackendId, Backend])
    by_model: Mapping[str, tuple[Candidate, ...]] = field(
        default_factory=dict[str, tuple[Candidate, ...]]
    )


def picture(version: int, backends: Mapping[BackendId, Backend]) -> Fleet:
    """Index `backends` by model. O(backends x models), done once per change of facts."""
    index: dict[str, list[Candidate]] = {}
    for backend in backends.values():
        for model in backend.models:
            index.setdefault(model.id, []).append(Candidate(backend, model))
    return Fleet(version, dict(backends), {name: tuple(found) for name, found in index.items()})


class LoadView(Protocol):
    """The live numbers a decision reads. The registry owns them; readers only look."""

    @property
    def pending(self) -> int: ...
    @property
    def latency_ms(self) -> float | None: ...


Loads = Mapping[BackendId, LoadView]
"""Live loads by backend, read at decision time (they change with every request, facts do not)."""
