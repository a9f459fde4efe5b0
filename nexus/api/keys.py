"""Keys of the control plane over HTTP: listed, made, revoked. For admins."""

from __future__ import annotations

from fastapi import FastAPI, Response
from pydantic import BaseModel, ConfigDict, Field

from nexus import wire
from nexus.api.routing import DryRun, IfMatch, tag_of
from nexus.control.keys import Keys
from nexus.domain.access import Role
from nexus.domain.keys import LONGEST_NAME, KeyGone, KeyImpact, KeyMade, Keyring
from nexus.domain.keys import NewKey as Wanted

_NOT_STORED = {"cache-control": "no-store"}


class NewKey(BaseModel):
    """A key to be made. It is answered this once; only its SHA-256 is kept."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        max_length=4 * LONGEST_NAME,
        description="Whose it is: changes are written down under it",
        examples=["laptop"],
    )
    role: Role = Role.VIEWER


def add_keys(app: FastAPI, control_keys: Keys) -> None:
    """`/keys` and what is below it."""

    @app.get(
        "/nexus/v1/keys", summary="Every key: name, role, where from; never the key itself",
        responses={200: {"model": Keyring}},
    )  # fmt: skip
    async def keys() -> Response:  # pyright: ignore[reportUnusedFunction]
        ring = await control_keys.ring()
        return _json(ring, ring.version)

    @app.post(
        "/nexus/v1/keys", status_code=201, summary="Make a key, which is told this once",
        responses={200: {"model": KeyImpact, "description": "With dry_run"},
                   201: {"model": KeyMade}},
    )  # fmt: skip
    async def create_key(  # pyright: ignore[reportUnusedFunction]
        new: NewKey, dry_run: DryRun = False, if_match: IfMatch = None
    ) -> Response:
        wanted = Wanted(new.name, new.role, _version(if_match))
        if dry_run:
            return _json(await control_keys.preview(wanted))
        made = await control_keys.create(wanted)
        return _json(made, made.version, status=201)

    @app.delete(
        "/nexus/v1/keys/{name:path}", summary="Revoke a key: whoever uses it is shut out at once",
        responses={200: {"model": KeyGone | KeyImpact}},
    )  # fmt: skip
    async def revoke_key(  # pyright: ignore[reportUnusedFunction]
        name: str, dry_run: DryRun = False, if_match: IfMatch = None
    ) -> Response:
        if dry_run:
            return _json(await control_keys.preview_revoke(name))
        gone = await control_keys.revoke(name, _version(if_match))
        return _json(gone, gone.version)


def _version(if_match: str | None) -> str:
    return "" if if_match is None or if_match.strip() == "*" else tag_of(if_match)


def _json(value: object, version: str = "", *, status: int = 200) -> Response:
    headers = _NOT_STORED | ({"etag": f'"{version}"'} if version else {})
    return Response(wire.dump(value), status, headers, media_type="application/json")
