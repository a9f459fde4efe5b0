"""Serves attached dashboards to browsers, with textual-serve, from files of this machine only.

Every tab starts a process of its own, so nothing is served to anybody without the key: neither the
page nor the socket nor a file. The key comes once, in a link or in a form, and is then a cookie.
The browser says how large its terminal is; that is bounded here, since each size is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp_jinja2
from aiohttp import web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from nexus.telemetry.logs import get_logger

log = get_logger("nexus.web")

HERE = Path(__file__).parent
COOKIE = "nexus_web"
SMALLEST, LARGEST = (20, 8), (400, 150)
"""Columns and rows of a terminal that a browser may ask for."""
SESSIONS = 8
"""Tabs at once: each is a process of about 50 MB."""
STOP_S = 5.0
"""Seconds that a dashboard has to end after its tab was closed."""
KEY_BYTES = 24
"""Of a key that is made up: 192 bits."""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""The page loads nothing from elsewhere. xterm.js writes styles of its own, hence the exception."""

_EXEC = "" if sys.platform == "win32" else "exec "
"""So that the process is the dashboard, not the shell that textual-serve starts it with."""

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(KEY_BYTES)


class WebServer(Server):
    """textual-serve behind a key.

    Args:
        command: what each tab runs; it must start an attached dashboard.
        host: where to listen.
        port: 0 for any free one.
        key: what a browser must say.
    """

    def __init__(self, command: Sequence[str], host: str, port: int, key: str) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - os.PathLike without argument
            _EXEC + shlex.join(command), host, port, title="Nexus", templates_path=HERE
        )
        self._key = key
        self._cookie = secrets.token_urlsafe(KEY_BYTES)
        """What a browser that knew the key is known by; another one after a restart."""
        self._open = 0

    def initialize_logging(self) -> None:
        """Logs are those of Nexus."""

    async def on_startup(self, app: web.Application) -> None:
        """Says nothing: the command line tells where it listens."""

    async def make_app(self) -> web.Application:
        """The application, to be run by whoever owns the loop."""
        app = await self._make_app()
        app.middlewares.append(self._guard)
        app.router.add_post("/enter", self._enter)
        app.router.add_get("/look.css", _file("look.css"))
        app.router.add_get("/again.js", _file("again.js"))
        return app

    # ---- the key

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Let nobody further who has not said the key, nor any page of another origin."""
        if request.path in ("/enter", "/look.css"):
            answer = await handler(request)
        elif not self._known(request):
            answer = self._ask(request)
        elif request.path == "/ws" and not _same_origin(request):
            raise web.HTTPForbidden(text="This page is of another origin.")
        else:
            answer = await handler(request)
        if not answer.prepared:
            answer.headers["Content-Security-Policy"] = POLICY
            answer.headers["Referrer-Policy"] = "no-referrer"
            answer.headers["X-Content-Type-Options"] = "nosniff"
            answer.headers["Cache-Control"] = "no-store"
        return answer

    def _known(self, request: web.Request) -> bool:
        return hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), self._cookie.encode())

    def _ask(self, request: web.Request) -> web.StreamResponse:
        """Take the key from a link, or ask for it in a form."""
        if request.path != "/":
            raise web.HTTPUnauthorized(text="The key is needed: open / first.")
        if "key" in request.query:
            if self._is_key(request.query["key"]):
                return self._welcome()
            return _form(request, wrong=True)
        return _form(request, wrong=False)

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        said = (await request.post()).get("key", "")
        if isinstance(said, str) and self._is_key(said):
            return self._welcome()
        log.warning("somebody at %s said a wrong key", request.remote)
        return _form(request, wrong=True)

    def _is_key(self, said: str) -> bool:
        return hmac.compare_digest(said.strip().encode(), self._key.encode())

    def _welcome(self) -> web.Response:
        """Go on without the key in the address, where a history would keep it."""
        answer = web.Response(status=303, headers={"Location": "/"})
        answer.set_cookie(COOKIE, self._cookie, httponly=True, samesite="Strict", path="/")
        return answer

    # ---- the page and its socket

    @aiohttp_jinja2.template("app_index.html")
    async def handle_index(self, request: web.Request) -> dict[str, Any]:
        """The page, with addresses as this visitor sees them: behind a proxy they differ."""
        scheme = "wss" if _scheme(request) == "https" else "ws"
        size = request.query.get("fontsize", "")
        return {
            "font_size": int(size) if size.isascii() and size.isdigit() and len(size) < 3 else 15,
            "app_websocket_url": f"{scheme}://{request.host}/ws",
            "config": {"static": {"url": "/static/"}},
            "application": {"name": self.title},
        }

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One tab: a process while it is open, and no longer."""
        if self._open >= SESSIONS:
            raise web.HTTPServiceUnavailable(text=f"{SESSIONS} dashboards are open already.")
        socket = web.WebSocketResponse(heartbeat=15, max_msg_size=1 << 20)
        await socket.prepare(request)
        service = Tab(
            self.command,
            write_bytes=socket.send_bytes,
            write_str=socket.send_str,
            close=cast("Callable[[], Awaitable[None]]", socket.close),
            download_manager=self.download_manager,
        )
        self._open += 1
        try:
            width, height = (_number(request.query.get(name, "")) for name in ("width", "height"))
            await service.start(*bounded(width or 80, height or 24))
            await self._process_messages(socket, service)
        except (ConnectionError, ValueError, KeyError, TypeError, AssertionError) as error:
            log.warning("a browser was cut off: %s", type(error).__name__)
        finally:
            self._open -= 1
            await service.stop()
        return socket


class Tab(AppService):
    """One dashboard. Ends with its tab, and believes no size that a terminal cannot have."""

    async def set_terminal_size(self, width: int, height: int) -> None:
        await super().set_terminal_size(*bounded(width, height))

    async def stop(self) -> None:
        """Ask the process to end, and end it if it does not. Idempotent."""
        process = self._process
        if process is None:
            return
        self._process = None
        try:
            async with asyncio.timeout(STOP_S):
                if self._task is not None:
                    await self.send_meta({"type": "quit"})
                    await process.wait()
        except (TimeoutError, OSError):
            log.warning("a dashboard did not end by itself")
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            if self._task is not None:
                self._task.cancel()
            # The pipes are the process's: without this they are closed by the garbage collector.
            self.stdin.close()
            await process.wait()


def bounded(width: int, height: int) -> tuple[int, int]:
    """The nearest columns and rows that are allowed."""
    return (
        max(SMALLEST[0], min(LARGEST[0], int(width))),
        max(SMALLEST[1], min(LARGEST[1], int(height))),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _scheme(request: web.Request) -> str:
    return request.headers.get("X-Forwarded-Proto", request.scheme)


def _same_origin(request: web.Request) -> bool:
    """Browsers always say where the page that opens a socket is from."""
    return urlsplit(request.headers.get("Origin", "")).netloc == request.host


def _form(request: web.Request, *, wrong: bool) -> web.Response:
    answer = aiohttp_jinja2.render_template("enter.html", request, {"wrong": wrong})
    answer.set_status(401)
    return answer


def _file(name: str) -> _Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.FileResponse(HERE / name)

    return answer
