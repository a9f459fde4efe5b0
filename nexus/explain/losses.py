"""Every loss of up to two backends that could change where a request goes. Pure.

A backend can be lost in two ways, and they differ: one that is down is still known to have its
models, one that is gone is not. A model that a restricted backend has stays restricted while that
backend is down, and may be free once it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def losses(model: str, fleet: Fleet, policy: Policy, most: int = 2) -> Iterator[tuple[Loss, Fleet]]:
    """Each loss with the fleet that is left; first none, then one, then two.

    Args:
        model: the one that is asked for.
        most: backends lost at once.
    """
    small, concerned = _narrowed(fleet, _names(model, policy))
    yield Loss(), small
    for number in range(1, most + 1):
        for lost in combinations(concerned, number):
            for ways in product((True, False), repeat=number):
                down = [each for each, is_down in zip(lost, ways, strict=True) if is_down]
                gone = [each for each, is_down in zip(lost, ways, strict=True) if not is_down]
                loss = Loss(_named(small, down), _named(small, gone))
                yield loss, without(small, gone, down)


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


def _narrowed(fleet: Fleet, names: set[str]) -> tuple[Fleet, list[BackendId]]:
    """The fleet with only those models, and the backends that have any of them."""
    wanted = names | {name + _LATEST for name in names}
    backends: dict[BackendId, Backend] = {}
    concerned: list[BackendId] = []
    for id, each in fleet.backends.items():
        models = tuple(model for model in each.models if model.id in wanted)
        backends[id] = replace(each, models=models)
        if models:
            concerned.append(id)
    return picture(fleet.version, backends), concerned
