"""The routing configuration over HTTP: read, tried, changed, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, cast

from fastapi import Body, FastAPI, Header, Query, Response

from nexus import wire
from nexus.control.routing import Routing
from nexus.domain.routes import Routes
from nexus.errors import BadRequest

Json = Annotated[dict[str, Any], Body()]
IfMatch = Annotated[str | None, Header(alias="If-Match")]
DryRun = Annotated[bool, Query(description="Answer what it would change, and change nothing")]

EXAMPLE = {"aliases": {"gpt-4": "llama3:70b", "old-name": None}}


def add_routing(app: FastAPI, routes: Routing) -> None:
    """`/routing` and what is below it."""

    @app.get("/nexus/v1/routing", summary="Strategy, weights, aliases, fallbacks, policies")
    async def routing() -> Response:  # pyright: ignore[reportUnusedFunction]
        return _said(await routes.routes())

    @app.put("/nexus/v1/routing", summary="Replace the routing configuration")
    async def put_routing(  # pyright: ignore[reportUnusedFunction]
        wanted: Json, dry_run: DryRun = False, if_match: IfMatch = None
    ) -> Response:
        return await _change(_read(wanted), dry_run, if_match)

    @app.patch("/nexus/v1/routing", summary="Change parts of it; null takes away")
    async def patch_routing(  # pyright: ignore[reportUnusedFunction]
        patch: Annotated[dict[str, Any], Body(examples=[EXAMPLE])],
        dry_run: DryRun = False,
        if_match: IfMatch = None,
    ) -> Response:
        now = wire.plain(await routes.routes())
        version = patch.get("version", now["version"])
        wanted = _read(merged(now, patch) | {"version": version})
        return await _change(wanted, dry_run, if_match)

    @app.post("/nexus/v1/routing/undo", summary="Take the last change back")
    async def undo_routing(_: Annotated[dict[str, Any] | None, Body()] = None) -> Response:  # pyright: ignore[reportUnusedFunction]
        return _said(await routes.undo())

    async def _change(wanted: Routes, dry_run: bool, if_match: str | None) -> Response:
        if if_match is not None and if_match.strip() != "*":
            wanted = replace(wanted, version=tag_of(if_match))
        if dry_run:
            preview = wire.dump(await routes.preview(wanted))
            return Response(preview, media_type="application/json")
        return _said(await routes.apply(wanted))


def merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON merge patch (RFC 7396): objects are merged, null takes away, the rest replaces."""
    found = dict(old)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = merged(found[name], cast("dict[str, Any]", value))
        else:
            found[name] = value
    return found


def tag_of(if_match: str) -> str:
    """The version that an `If-Match` names."""
    return if_match.strip().removeprefix("W/").strip('"')


def _read(wanted: Mapping[str, Any]) -> Routes:
    unknown = wanted.keys() - set(Routes.__dataclass_fields__)
    if unknown:
        known = ", ".join(Routes.__dataclass_fields__)
        raise BadRequest(f"There is no '{min(unknown)[:100]}' in the routing: {known}")
    try:
        return wire.load(wire.dump(wanted), Routes)
    except wire.Unreadable as error:
        raise BadRequest(f"These are no routes: {error}") from error


def _said(routes: Routes) -> Response:
    headers = {"etag": f'"{routes.version}"'}
    return Response(wire.dump(routes), headers=headers, media_type="application/json")
