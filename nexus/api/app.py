"""The ASGI application: a table of paths, small answers from memory, and FastAPI behind it.

FastAPI serves the control surface under `/nexus/v1` and its OpenAPI page. It is imported at the
first request for one of those: a headless gateway saves 11 MB and a quarter of a second. What a
person asks about requests is answered before it (`nexus.api.questions`).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import unquote

import msgspec

from nexus.api import health, metrics, models
from nexus.api.asgi_door import AsgiDoor, Receive, Scope, Send
from nexus.api.errors import JSON_LINE, header_pairs, render
from nexus.api.guard import admit
from nexus.api.questions import answered
from nexus.control.control import Control
from nexus.domain.access import Access
from nexus.domain.audit import Actor, acting
from nexus.domain.policy import Policy
from nexus.domain.request import PATHS
from nexus.errors import MethodNotAllowed, NexusError, NotFound
from nexus.standins import fetching, stand_ins

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTROL_PREFIX = "/nexus/v1"
STILL = "nexus.still"
"""Where a scope keeps the question whether its caller may still be here."""
FASTAPI_PATHS = ("/docs", "/openapi.json")
MODELS = ("/v1/models", "/models")
STATS = ("/v1/stats", "/stats")
HISTORY = ("/v1/history", "/history")


class App:
    """See the module.

    Args:
        control: what the small answers and the control surface read and do.
        door: serves the hot paths when the server in front has no fast one.
        access: who may use the control surface; asked at every request.
    """

    def __init__(
        self, control: Control, door: AsgiDoor, access: Callable[[], Access] = Access
    ) -> None:
        self._control = control
        self._door = door
        self._access = access
        self._fastapi: Asgi | None = None
        self._listed: tuple[int, Policy | None, bytes] = (-1, None, b"")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        method: str = scope["method"]
        endpoint = PATHS.get(path)
        if endpoint is not None and method == "POST":
            await self._door.serve(scope, receive, send, endpoint)
        elif path.startswith(CONTROL_PREFIX + "/"):
            try:
                actor = admit(scope, self._access())
            except NexusError as error:
                status, lines, body = render(error)
                await _reply(send, status, lines, body, head=method == "HEAD")
                return
            self._control.keys.came(actor)
            # A stream outlives many changes of the rules.
            scope = {**scope, STILL: lambda: self._admits(scope, actor)}
            with acting(actor):
                left = await answered(self._control, scope, receive, send)
                if left is not None:
                    await self._fast_api()(scope, left, send)
        elif path in FASTAPI_PATHS:
            await self._fast_api()(scope, receive, send)
        else:
            try:
                if path == "/metrics" and method in ("GET", "HEAD"):
                    lines, body = await metrics.page(self._control.numbers, scope["headers"])
                    status = 200
                else:
                    status, lines, body = self._small(method, path, endpoint is not None, scope)
            except NexusError as error:
                status, lines, body = render(error)
            await _reply(send, status, lines, body, head=method == "HEAD")

    def _admits(self, scope: Scope, actor: Actor) -> bool:
        """Whether a caller would be let in again, as the same and with the same role."""
        try:
            still = admit(scope, self._access()) == actor
        except NexusError:
            return False
        if still:
            self._control.keys.came(actor)
        return still

    def _small(self, method: str, path: str, hot: bool, scope: Scope) -> tuple[int, bytes, bytes]:
        """An answer from memory: status, header lines, body."""
        if path == "*" and method == "OPTIONS":  # of the server as a whole (RFC 9110, 9.3.7)
            return 204, b"allow: GET, HEAD, POST, OPTIONS\r\n", b""
        allowed = self._allowed(path, hot)
        if not allowed:
            raise NotFound(
                f"There is nothing at {path[:200]}. Nexus serves {', '.join(_SERVED)}; "
                "point an OpenAI client at this host with the base path /v1"
            )
        if method == "OPTIONS":
            return 204, f"allow: {allowed}\r\n".encode(), b""
        if method not in allowed.split(", "):
            raise MethodNotAllowed(f"{path[:200]} answers {allowed}, not {method[:20]}")
        view, numbers = self._control.view, self._control.numbers
        if path == "/":
            return 200, JSON_LINE, _dump(self._welcome())
        if path == "/health":
            report = health.report(view.fleet(), view.uptime_s(), view.info.version)
            return 200, JSON_LINE, _dump(report)
        if path in STATS:
            return 200, JSON_LINE, _dump(numbers.stats())
        if path in HISTORY:
            return 200, JSON_LINE, _dump(numbers.history())
        created = int(view.info.started_at)
        if path in MODELS:
            return 200, JSON_LINE, self._listing(created)
        # The raw path keeps an encoded slash apart from a real one; both may stand in an id.
        raw = cast("bytes", scope.get("raw_path") or path.encode())
        name = unquote(raw.decode("ascii", "replace").partition("/models/")[2])
        return 200, JSON_LINE, _dump(models.one(view.fleet(), view.policy(), created, name))

    def _listing(self, created: int) -> bytes:
        """The model list, written once for each picture."""
        fleet, policy = self._control.view.fleet(), self._control.view.policy()
        version, of, body = self._listed
        if version != fleet.version or of is not policy:
            body = msgspec.json.encode(models.listing(fleet, policy, created))
            self._listed = (fleet.version, policy, body)
        return body

    def _allowed(self, path: str, hot: bool) -> str:
        """Methods of a path, or nothing where there is no such path."""
        if hot:
            return "POST, OPTIONS"
        known = path in ("/", "/health", "/metrics", *STATS, *HISTORY, *MODELS)
        if known or any(
            path.startswith(f"{prefix}/") and path != f"{prefix}/" for prefix in MODELS
        ):
            return "GET, HEAD, OPTIONS"
        return ""

    def _welcome(self) -> dict[str, object]:
        info = self._control.view.info
        return {
            "name": "nexus",
            "version": info.version,
            "openai_base_url": f"{info.url}/v1",
            "health": f"{info.url}/health",
            "docs": f"{info.url}/docs",
        }

    def _fast_api(self) -> Asgi:
        if self._fastapi is None:
            with stand_ins(_UNUSED):
                from nexus.api.control import control_app  # late: see the module

                self._fastapi = cast("Asgi", control_app(self._control))
        return self._fastapi


_UNUSED: dict[str, dict[str, object]] = {
    "pydantic.v1": {"BaseModel": type("BaseModel", (), {})},
    "html": {"escape": fetching("html", "escape")},
}
"""FastAPI would import them to see that no model is of pydantic 1, and for tracebacks on a page."""

_SERVED = (
    "/",
    "/health",
    "/metrics",
    "/v1/models",
    "/v1/stats",
    "/v1/history",
    *(path for path in PATHS if path.startswith("/v1/")),
)


def _dump(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


async def _reply(send: Send, status: int, lines: bytes, body: bytes, *, head: bool) -> None:
    headers = header_pairs(lines)
    if status != 204:
        headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})
