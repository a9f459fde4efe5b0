"""The control surface: what the CLI and other front ends use, with an OpenAPI page at `/docs`.

Mutations are JSON posts or DELETEs, which a page in a browser cannot send across sites unasked.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from nexus.api import views
from nexus.api.errors import header_pairs, render
from nexus.api.keys import add_keys
from nexus.api.live import add_live
from nexus.api.operations import add_operations
from nexus.api.page import POLICY, page
from nexus.api.questions import COMPRESSED, POLICY_TEST, WHAT_IF, Expectations, WhatIf
from nexus.api.routing import IfMatch, add_routing, tag_of
from nexus.control.control import Control
from nexus.domain import gateway
from nexus.domain.backend import Backend, BackendId, BackendType, Zone
from nexus.domain.history import Outcome, Wanted
from nexus.errors import BadRequest, MethodNotAllowed, NexusError, NotFound, Outdated


class NewBackend(BaseModel):
    """A backend to register. Only the URL is needed."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2000, examples=["http://192.168.1.20:11434"])
    name: str = Field("", max_length=100)
    type: BackendType | None = Field(None, description="Found out by asking when left out")
    priority: int = Field(50, ge=0, le=100, description="Lower is preferred")
    zone: Zone | None = None
    tier: int | None = Field(None, ge=1, le=5)
    max_concurrent: int | None = Field(None, ge=1)
    api_key_env: str | None = Field(None, description="Environment variable of the gateway")


class Edit(BaseModel):
    """What may be changed about a backend; what is left out stays, null is as if never said."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"priority": 10}]})

    priority: int | None = Field(None, ge=0, le=100)
    zone: Zone | None = None
    tier: int | None = Field(None, ge=1, le=5)
    max_concurrent: int | None = Field(None, ge=1)


def control_app(control: Control) -> FastAPI:
    """The FastAPI app over one `Control`."""
    app = FastAPI(
        title="Nexus control",
        version=control.view.info.version,
        description="What the dashboard and the CLI do.",
        docs_url=None,  # FastAPI's page is empty without internet
        redoc_url=None,
    )

    # A list of requests shrinks to a tenth; event streams are compressed piece by piece elsewhere.
    app.add_middleware(GZipMiddleware, minimum_size=COMPRESSED, compresslevel=5)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:  # pyright: ignore[reportUnusedFunction]
        headers = {"content-security-policy": POLICY, "x-content-type-options": "nosniff"}
        body = page(app.openapi(), control.view.info.url)
        return Response(body, headers=headers, media_type="text/html")

    @app.exception_handler(NexusError)
    async def failed(_: Request, error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        assert isinstance(error, NexusError)
        return _response(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return _response(BadRequest(f"{where or 'body'}: {first['msg']}", param=where or None))

    @app.exception_handler(HTTPException)
    async def missing(request: Request, error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        assert isinstance(error, HTTPException)
        if error.status_code == 405:
            return _response(
                MethodNotAllowed(f"{request.url.path} does not answer {request.method}")
            )
        return _response(NotFound(f"There is nothing at {request.url.path}"))

    @app.get("/nexus/v1/backends", summary="Every backend with its health, models and load")
    async def list_backends() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        fleet = control.view.fleet()
        return {
            "version": fleet.version,
            "backends": [_told(control, backend) for backend in fleet.backends.values()],
        }

    @app.post("/nexus/v1/backends", status_code=201, summary="Register a backend")
    async def add_backend(new: NewBackend) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        backend, evidence = await control.backends.register(gateway.NewBackend(**new.model_dump()))
        return _told(control, backend) | {"recognised_by": evidence}

    @app.patch("/nexus/v1/backends/{name}", summary="Change priority, zone, tier or limit")
    async def edit_backend(name: str, edit: Edit, if_match: IfMatch = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        _must_match(if_match, _seen(control, name))
        cleared = frozenset(key for key in edit.model_fields_set if getattr(edit, key) is None)
        told = gateway.BackendEdit(**edit.model_dump(), cleared=cleared)
        backend = await control.backends.alter(BackendId(name), told)
        return _seen(control, backend.id)

    @app.delete("/nexus/v1/backends/{name}", summary="Forget a backend")
    async def remove_backend(name: str, if_match: IfMatch = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        _must_match(if_match, _seen(control, name))
        backend = await control.backends.remove(BackendId(name))
        return {"removed": backend.name}

    @app.post("/nexus/v1/backends/{name}/drain", summary="Send it no new work")
    async def drain(name: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await control.backends.drain(BackendId(name))
        return _seen(control, name)

    @app.post("/nexus/v1/backends/{name}/undrain", summary="Take it back into rotation")
    async def undrain(name: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await control.backends.undrain(BackendId(name))
        return _seen(control, name)

    @app.post("/nexus/v1/backends/{name}/check", summary="Probe it now")
    async def check(name: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await control.backends.check(BackendId(name))
        return _seen(control, name)

    @app.get("/nexus/v1/requests", summary="The last requests, newest first")
    async def list_requests(  # pyright: ignore[reportUnusedFunction]
        limit: Annotated[int, Query(ge=1, le=5000)] = 50,
        before: str = "",
        model: str = "",
        backend: str = "",
        status: int | None = None,
        outcome: Outcome | None = None,
        zone: Zone | None = None,
        tenant: str = "",
        min_duration_ms: Annotated[float | None, Query(ge=0)] = None,
        since: float | None = None,
        until: float | None = None,
        text: str = "",
    ) -> dict[str, Any]:
        wanted = Wanted(
            model, backend, status, outcome, zone, tenant, min_duration_ms, since, until, text
        )
        return {"requests": await control.requests.recent(wanted, limit, before=before)}

    @app.get("/nexus/v1/requests/{request_id}", summary="Why it went there, and not elsewhere")
    async def one_request(request_id: str) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return await control.requests.story(request_id)

    @app.get("/nexus/v1/requests/{request_id}/now", summary="What would be done with it now")
    async def request_now(request_id: str) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return await control.requests.decide_again(request_id)

    @app.post(WHAT_IF, summary="Recorded requests decided again; nothing is changed")
    async def what_if(proposal: WhatIf) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        foresight = control.requests.foresight
        return await foresight.what_if(proposal.drop, proposal.config, proposal.since_s)

    @app.post(POLICY_TEST, summary="Whether the policies keep what is expected")
    async def policy_test(table: Expectations) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return await control.requests.foresight.policy_test({"expect": table.expect})

    @app.get(
        "/nexus/v1/discovered", summary="Servers that wait for approval, and what was looked at"
    )
    async def discovered() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return {
            "waiting": [views.waiting(server) for server in control.waiting.all()],
            "looked_at": [views.looked_at(probe) for probe in control.waiting.looked_at()],
        }

    @app.post("/nexus/v1/discovered/{name}/approve", status_code=201, summary="Use this server")
    async def approve(name: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        backend = await control.waiting.admit(name)
        return _seen(control, backend.id)

    @app.post("/nexus/v1/discovered/{name}/dismiss", summary="Forget it until the next start")
    async def dismiss(name: str, _: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        server = await control.waiting.dismiss(BackendId(name))
        return {"dismissed": server.name}

    @app.post("/nexus/v1/scan", summary="Look for servers on this machine now")
    async def scan(_: Nothing = None) -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        await control.waiting.scan()
        return {"backends": len(control.view.fleet().backends)}

    add_keys(app, control.keys)
    add_live(app, control.view)
    add_operations(app, control)
    add_routing(app, control.routing)
    return app


Nothing = Annotated[dict[str, Any] | None, Body()]


def _seen(control: Control, name: str) -> dict[str, Any]:
    return _told(control, control.backends.resolve(name))


def _told(control: Control, backend: Backend) -> dict[str, Any]:
    return views.backend(backend, control.view.load(backend.id))


def _must_match(if_match: str | None, now: dict[str, Any]) -> None:
    """Raises Outdated when the caller has seen an older value."""
    if if_match is not None and if_match.strip() != "*" and tag_of(if_match) != now["etag"]:
        raise Outdated(
            f"Backend '{now['name']}' was changed meanwhile; look at it again, then repeat",
            context={"current": now},
        )


def _response(error: NexusError) -> Response:
    status, lines, body = render(error)
    headers = {name.decode(): value.decode() for name, value in header_pairs(lines)}
    return Response(body, status, headers)
