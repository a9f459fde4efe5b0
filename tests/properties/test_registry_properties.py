"""The registry's books stay right under any order of calls."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from nexus.domain.backend import BackendId, BackendStatus, Model
from nexus.domain.events import BackendChanged, BackendRemoved, Event
from nexus.domain.fleet import picture
from nexus.registry.lease import Lease
from nexus.registry.registry import Registry
from tests.fakes.gateway import face

names = st.sampled_from(["a", "b", "c"])
statuses = st.sampled_from([s for s in BackendStatus if s is not BackendStatus.DRAINING])
model_lists = st.none() | st.lists(st.sampled_from(["m", "n", "o"]), unique=True, max_size=3).map(
    lambda ids: tuple(Model(id) for id in ids)
)


class Books(RuleBasedStateMachine):
    """Adds, removes, drains, checks and leases, and counts along."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.time = 0.0
        self.registry = Registry(self.events.append, self.tick)
        self.generation: dict[BackendId, int] = {}
        self.generations = 0
        self.held: dict[int, int] = {}
        self.drained: set[BackendId] = set()
        self.seen_version = 0

    def tick(self) -> float:
        self.time += 1.0
        return self.time

    @rule(name=names)
    def add(self, name: str) -> None:
        id = BackendId(name)
        added = self.registry.add(face(name, f"http://{name}"))
        assert added == (id not in self.generation)
        if added:
            self.generations += 1
            self.generation[id] = self.generations
            self.held[self.generations] = 0

    @rule(name=names)
    def remove(self, name: str) -> None:
        id = BackendId(name)
        assert self.registry.remove(id) == (id in self.generation)
        self.generation.pop(id, None)
        self.drained.discard(id)

    @rule(name=names, draining=st.booleans())
    def drain(self, name: str, draining: bool) -> None:
        id = BackendId(name)
        if self.registry.set_draining(id, draining):
            (self.drained.add if draining else self.drained.discard)(id)

    @rule(name=names, status=statuses, models=model_lists)
    def check(self, name: str, status: BackendStatus, models: tuple[Model, ...] | None) -> None:
        self.registry.set_health(BackendId(name), status, models=models)

    @rule(target=leases, name=names)
    def lease(self, name: str) -> object:
        id = BackendId(name)
        lease = self.registry.lease(id)
        assert (lease is None) == (id not in self.generation or id in self.drained)
        if lease is None:
            return multiple()
        generation = self.generation[id]
        self.held[generation] += 1
        return (lease, generation)

    @rule(held=consumes(leases), failed=st.booleans(), times=st.integers(1, 3))
    def finish(self, held: tuple[Lease, int], failed: bool, times: int) -> None:
        lease, generation = held
        for _ in range(times):
            lease.finish(failed=failed)
        self.held[generation] -= 1

    @invariant()
    def pending_is_what_is_held(self) -> None:
        for id, load in self.registry.loads().items():
            assert load.pending == self.held[self.generation[id]] >= 0
        for load in self.registry.seen().loads.values():
            assert 0 <= load.errors <= load.total

    @invariant()
    def the_index_agrees_with_the_backends(self) -> None:
        fleet = self.registry.fleet()
        assert set(fleet.backends) == set(self.generation) == set(self.registry.loads())
        listed = {
            (model.id, backend.id)
            for backend in fleet.backends.values()
            for model in backend.models
        }
        indexed = [(name, c.backend.id) for name, found in fleet.by_model.items() for c in found]
        assert sorted(indexed) == sorted(listed)
        for found in fleet.by_model.values():
            for candidate in found:
                assert candidate.backend is fleet.backends[candidate.backend.id]

    @invariant()
    def a_picture_that_was_revised_is_the_one_drawn_anew(self) -> None:
        for fleet in (self.registry.fleet(), self.registry.shown()):
            assert fleet == picture(fleet.version, fleet.backends)
        assert list(fleet.backends) == list(self.registry.loads())

    @invariant()
    def draining_hides_health(self) -> None:
        for backend in self.registry.fleet().backends.values():
            is_draining = backend.status is BackendStatus.DRAINING
            assert is_draining == (backend.id in self.drained)

    @invariant()
    def the_version_never_falls_and_a_fold_of_the_events_is_the_fleet(self) -> None:
        version = self.registry.fleet().version
        assert version >= self.seen_version
        self.seen_version = version
        told = {}
        for event in self.events:
            match event:
                case BackendChanged(backend=backend):
                    told[backend.id] = backend.status, backend.models
                case BackendRemoved(backend_id=id):
                    del told[id]
                case _:
                    pass
        fleet = self.registry.fleet()
        assert told == {id: (b.status, b.models) for id, b in fleet.backends.items()}


TestBooks = Books.TestCase
TestBooks.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
