"""The fleet as it is and as it changes: what an attached dashboard lives on."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Send

from nexus import wire
from nexus.api.backlog import Backlog
from nexus.api.deltas import without_secrets
from nexus.api.stream import Packer, stream
from nexus.control.view import View
from nexus.domain.audit import actor

_NOT_STORED = {"cache-control": "no-store", "x-accel-buffering": "no"}


class _Stream(StreamingResponse):
    """Lets go of the backlog as soon as the client has left."""

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self.body_iterator):  # type: ignore[type-var] # an async generator
            await super().stream_response(send)


def add_live(app: FastAPI, view: View, unix: Callable[[], float] = time.time) -> None:
    """`/snapshot` and `/events`."""
    backlog = Backlog(view.bus, lambda: secrets.token_hex(4))

    def hello() -> wire.Hello:
        who = actor()
        return wire.Hello(wire.VERSION, view.info, who.role, who.who, unix())

    @app.get("/nexus/v1/snapshot", summary="The whole picture, and the mark to follow it from")
    async def snapshot() -> Response:  # pyright: ignore[reportUnusedFunction]
        backlog.open()
        try:
            updates = [without_secrets(each) for each in view.opening()]
            mark = backlog.mark()
        finally:
            backlog.close()
        body = b'{"hello":%b,"id":%b,"updates":%b}' % (
            wire.dump(hello()),
            wire.dump(mark),
            wire.encode_all(updates),
        )
        return Response(body, headers=_NOT_STORED, media_type="application/json")

    @app.get(
        "/nexus/v1/events",
        summary="The picture and every change after it, as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def events(request: Request, last_event_id: str = "") -> Response:  # pyright: ignore[reportUnusedFunction]
        last = request.headers.get("last-event-id", last_event_id)[:100]
        gzip = _takes_gzip(request.headers.get("accept-encoding", ""))
        headers: dict[str, Any] = dict(_NOT_STORED)
        if gzip:
            headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
        still: Callable[[], bool] = request.scope.get("nexus.still", lambda: True)
        pieces = stream(backlog, view.opening, hello(), last, Packer(gzip=gzip), still)
        return _Stream(pieces, headers=headers, media_type="text/event-stream")


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        name, _, quality = one.partition(";")
        if name.strip() in ("gzip", "*"):
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
