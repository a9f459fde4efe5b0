"""What is known of models beside their server's list: errors that taught, and the operator's word.

The operator's word beats all. What an error taught holds until the server lists the model with
other facts, or was away: then it may have come back another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from nexus.domain import facts
from nexus.domain.backend import BackendId, FactSource, Model
from nexus.domain.overrides import Override, overridden


@dataclass(slots=True)
class _Taught:
    """What errors said of one model, and how it was listed then."""

    listed: Model
    facts: dict[str, object] = field(default_factory=dict[str, object])


class Knowledge:
    """The store. Its one owner is the registry."""

    def __init__(self) -> None:
        self._overrides: tuple[Override, ...] = ()
        self._taught: dict[BackendId, dict[str, _Taught]] = {}

    def use(self, overrides: Sequence[Override]) -> None:
        """Replace the operator's word."""
        self._overrides = tuple(overrides)

    def learn(self, backend_id: BackendId, listed: Model, taught: Mapping[str, object]) -> bool:
        """Remember what an error said of a model. False when that is no news."""
        store = self._taught.setdefault(backend_id, {})
        entry = store.get(listed.id)
        if entry is None or entry.listed != _still(listed):
            entry = store[listed.id] = _Taught(_still(listed))
        new = {fact: value for fact, value in taught.items() if entry.facts.get(fact) != value}
        entry.facts.update(new)
        return bool(new)

    def forget(self, backend_id: BackendId) -> bool:
        """Errors of a server that was away teach nothing any more. True when there were some."""
        return bool(self._taught.pop(backend_id, None))

    def models(self, backend_id: BackendId, listed: tuple[Model, ...]) -> tuple[Model, ...]:
        """The list as it is to be believed."""
        store = self._taught.get(backend_id)
        overrides = [each for each in self._overrides if each.concerns(backend_id)]
        if not store and not overrides:
            return listed
        names = {model.id for model in listed}
        for gone in [name for name in store or () if name not in names]:
            (store or {}).pop(gone)
        return tuple(self._believed(model, store or {}, overrides) for model in listed)

    def _believed(
        self, model: Model, store: dict[str, _Taught], overrides: Sequence[Override]
    ) -> Model:
        taught = store.get(model.id)
        if taught is not None and taught.listed != _still(model):
            del store[model.id]
        elif taught is not None:
            model = facts.corrected(model, taught.facts, FactSource.SERVER)
        return overridden(model, overrides) if overrides else model


def _still(model: Model) -> Model:
    """The model without what changes by itself as it is loaded and put aside."""
    return model if model.residency is None else replace(model, residency=None)
