"""Every loss of up to two backends that could change where a request goes. Pure.

A backend can be lost in two ways, and they differ: one that is down is still known to have its
models, one that is gone is not. A model that a restricted backend has stays restricted while that
backend is down, and may be free once it is gone.

Backends that no rule tells apart stand for each other: of twenty alike, the first two are lost.
"""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, product

from nexus.domain.backend import Backend, BackendId
from nexus.domain.fleet import Fleet, picture
from nexus.domain.policy import Policy
from nexus.explain.worlds import without
from nexus.routing.aliases import MAX_HOPS

_LATEST = ":latest"


@dataclass(frozen=True, slots=True)
class Loss:
    """Backends that are not there, by name."""

    down: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """`gpu-01 down and gpu-02 gone`; `nothing lost`."""
        parts = [f"{name} down" for name in self.down] + [f"{name} gone" for name in self.gone]
        return " and ".join(parts) or "nothing lost"


def losses(
    model: str, fleet: Fleet, policy: Policy, most: int = 2, apart: Container[str] = ()
) -> Iterator[tuple[Loss, Fleet]]:
    """Each loss with the fleet that is left; first none, then one, then two.

    Args:
        model: the one that is asked for.
        most: backends lost at once.
        apart: names of backends that must not stand for others.
    """
    small = _narrowed(fleet, _names(model, policy))
    yield Loss(), small
    alike: dict[Hashable, list[BackendId]] = {}
    for id, each in small.backends.items():
        if each.models:
            alike.setdefault(_likeness(each, each.name in apart), []).append(id)
    leaders = {id: ids[:place] for ids in alike.values() for place, id in enumerate(ids[:most])}
    for number in range(1, most + 1):
        for lost in combinations(leaders, number):
            if not all(set(leaders[id]) <= set(lost) for id in lost):
                continue  # another of its like is lost first
            for ways in product((True, False), repeat=number):
                down = [each for each, is_down in zip(lost, ways, strict=True) if is_down]
                gone = [each for each, is_down in zip(lost, ways, strict=True) if not is_down]
                loss = Loss(_named(small, down), _named(small, gone))
                yield loss, without(small, gone, down)


def _likeness(backend: Backend, apart: bool) -> Hashable:
    """Equal for backends that no rule tells apart while nobody is busy."""
    face = backend.face
    models = frozenset(replace(each, residency=None, sources=()) for each in backend.models)
    return face.type, face.zone, face.tier, backend.status, models, apart


def _named(fleet: Fleet, ids: list[BackendId]) -> tuple[str, ...]:
    return tuple(fleet.backends[id].name for id in ids)


def _names(model: str, policy: Policy) -> set[str]:
    """Every name the request may come to, whatever is lost: aliases, and the fallbacks of each."""
    way = [model]
    for _ in range(MAX_HOPS):
        target = policy.aliases.get(way[-1])
        if target is None:
            break
        way.append(target)
    return {*way, *(name for step in way for name in policy.fallbacks.get(step, ()))}


def _narrowed(fleet: Fleet, names: set[str]) -> Fleet:
    """The fleet with only those models."""
    wanted = names | {name + _LATEST for name in names}
    return picture(
        fleet.version,
        {
            id: replace(each, models=tuple(model for model in each.models if model.id in wanted))
            for id, each in fleet.backends.items()
        },
    )
