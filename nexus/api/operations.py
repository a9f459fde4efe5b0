"""What an operator does beside backends and routes: models, requests, the log, what was changed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from nexus import wire
from nexus.api import views
from nexus.api.deltas import batched
from nexus.control.control import Control
from nexus.domain.history import Metric
from nexus.domain.logline import LogLevel

Nothing = Annotated[dict[str, Any] | None, Body()]


class OneModel(BaseModel):
    """A model by its id."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(max_length=1000, examples=["llama3:70b"])


class OneUrl(BaseModel):
    """A place to look at."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, examples=["http://192.168.1.20:11434"])


class OneLevel(BaseModel):
    """How much to log."""

    model_config = ConfigDict(extra="forbid")

    level: LogLevel


def add_operations(app: FastAPI, control: Control) -> None:
    """Models, requests, the log, changes."""
    view, backends, requests = control.view, control.backends, control.requests

    @app.get("/nexus/v1/models", summary="Every model with each backend that has it")
    async def models() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return {"models": views.models(view.fleet(), view.load)}

    @app.post("/nexus/v1/backends/{name}/load", summary="Bring a model into its memory")
    async def load(name: str, which: OneModel) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        backend = await backends.load_model(backends.resolve(name).id, which.model)
        return {"backend": backend.name, "model": which.model, "loaded": True}

    @app.post("/nexus/v1/backends/{name}/unload", summary="Free the memory of a model")
    async def unload(name: str, which: OneModel) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        backend = await backends.unload_model(backends.resolve(name).id, which.model)
        return {"backend": backend.name, "model": which.model, "loaded": False}

    @app.post("/nexus/v1/recognise", summary="What runs at a URL; nothing is registered")
    async def recognise(which: OneUrl) -> Response:  # pyright: ignore[reportUnusedFunction]
        return _json(await backends.recognise(which.url))

    @app.post("/nexus/v1/requests/{request_id}/cancel", summary="End a request that runs")
    async def cancel(request_id: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await requests.cancel(request_id)
        return {"cancelled": request_id}

    @app.get("/nexus/v1/requests/{request_id}/standings", summary="What each candidate got")
    async def standings(request_id: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        return _json(await requests.standings(request_id))

    @app.get("/nexus/v1/lately", summary="Requests that ended of late, as events")
    async def lately() -> Response:  # pyright: ignore[reportUnusedFunction]
        found = await requests.lately()
        ended = wire.encode_all(batched(found.ended))
        body = b'{"since":%b,"updates":%b}' % (wire.dump(round(found.since, 3)), ended)
        return Response(body, media_type="application/json")

    @app.get("/nexus/v1/series", summary="A number over time, oldest first")
    async def series(  # pyright: ignore[reportUnusedFunction]
        metric: Metric,
        since: float,
        step_s: Annotated[int, Query(ge=1, le=86_400)] = 60,
        backend: str = "",
        model: str = "",
    ) -> Response:
        return _json(await requests.series(metric, since, step_s, backend=backend, model=model))

    @app.get("/nexus/v1/changes", summary="What people changed, newest first")
    async def changes(limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:  # pyright: ignore[reportUnusedFunction]
        return _json(await control.ledger.changes(limit))

    @app.get("/nexus/v1/log", summary="The last lines of the log")
    async def log(  # pyright: ignore[reportUnusedFunction]
        after: Annotated[int, Query(ge=0, description="Only lines with a greater seq")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> Response:
        return _json(await control.log.lines(after, limit))

    @app.get("/nexus/v1/log/levels", summary="The level of each component; of all others: nexus")
    async def log_levels() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return {name or ALL: level.value for name, level in (await control.log.levels()).items()}

    @app.put("/nexus/v1/log/levels/{component}", summary="Log more or less until the next start")
    async def set_log_level(component: str, which: OneLevel) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await control.log.set_level("" if component == ALL else component, which.level)
        return {component: which.level.value}


ALL = "nexus"
"""How the level of all other components is called in a path, where nothing cannot stand."""


def _json(value: object) -> Response:
    return Response(wire.dump(value), media_type="application/json")
