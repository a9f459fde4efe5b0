"""Runs the web server until it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Sequence

from aiohttp import web

from nexus.errors import ConfigError
from tui.web.server import WebServer, new_key

__all__ = ["new_key", "serve"]


def serve(
    command: Sequence[str], host: str, port: int, key: str, told: Callable[[str], None]
) -> int:
    """Serve; the exit code.

    Args:
        told: called with the URL once it listens.

    Raises:
        ConfigError: the address cannot be listened on.
    """
    return asyncio.run(_serve(command, host, port, key, told))


async def _serve(
    command: Sequence[str], host: str, port: int, key: str, told: Callable[[str], None]
) -> int:
    server = WebServer(command, host, port, key)
    # Tabs are cut when it ends: a dashboard holds its socket open for ever.
    runner = web.AppRunner(await server.make_app(), access_log=None, shutdown_timeout=2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except (OSError, OverflowError) as exc:
            raise ConfigError(f"nothing can be served at {host}:{port}: {exc}") from exc
        told(_url(host, runner.addresses[0][1]))
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                loop.add_signal_handler(each, stop.set)
        await stop.wait()
    finally:
        await runner.cleanup()
    return 0


def _url(host: str, port: int) -> str:
    try:
        socket.inet_pton(socket.AF_INET6, host)
    except OSError:
        return f"http://{host}:{port}"
    return f"http://[{host}]:{port}"
