"""Builders of small and large fleets for tests of decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Load,
    Model,
    Zone,
)
from nexus.domain.fleet import Candidate, Fleet, picture
from nexus.domain.request import Endpoint, Needs

MODEL = "llama3:70b"


def model(id: str = MODEL, **facts: Any) -> Model:
    return Model(id, **facts)


def backend(
    name: str = "gpu-01",
    *models: Model,
    status: BackendStatus = BackendStatus.HEALTHY,
    reason: str = "",
    **face: Any,
) -> Backend:
    """A healthy vLLM server with one model of which nothing is known."""
    told = BackendFace(
        id=BackendId(name),
        name=name,
        url=f"http://{name}:8000",
        type=face.pop("type", BackendType.VLLM),
        zone=Zone.RESTRICTED,
    )
    return Backend(replace(told, **face), status=status, reason=reason, models=models or (model(),))


def fleet(*backends: Backend) -> Fleet:
    return picture(1, {each.id: each for each in backends})


def candidate(owner: Backend | None = None, **facts: Any) -> Candidate:
    return Candidate(owner or backend(), model(**facts))


def needs(model: str = MODEL, **wants: Any) -> Needs:
    return Needs(wants.pop("endpoint", Endpoint.CHAT), model, **wants)


def loads(**pending: int) -> dict[BackendId, Load]:
    """Requests in flight by backend; `_` in a name stands for `-`."""
    return {
        BackendId(name.replace("_", "-")): Load(pending=count) for name, count in pending.items()
    }


def large_fleet(backends: int, models: int, per_model: int) -> Fleet:
    """`models` model names, each on `per_model` neighbouring backends of `backends`."""
    lists: list[list[Model]] = [[] for _ in range(backends)]
    for number in range(models):
        for copy in range(per_model):
            lists[(number * 7 + copy) % backends].append(
                model(f"model-{number}", context_length=8192, tools=True)
            )
    return fleet(
        *(
            backend(f"gpu-{number:04}", *owned, priority=number % 90)
            for number, owned in enumerate(lists)
        )
    )
