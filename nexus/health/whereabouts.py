"""Is a server inside our network? Its name is resolved; every address must be inside.

Fails closed: a name that does not resolve, or not soon enough, counts as outside.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from nexus.domain.addresses import host_of, is_outside

Outside = Callable[[str], Awaitable[str]]
"""From a URL to why it is outside; empty where it is inside."""

_PATIENCE_S = 2.0


async def addresses_of(host: str) -> list[str]:
    """Every address of a host. Raises OSError where there is none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(place[4][0]) for place in found]


async def outside(url: str, resolve: Callable[[str], Awaitable[list[str]]] = addresses_of) -> str:
    """Why this URL leads out of our network, as half a sentence; empty where it does not."""
    host = host_of(url)
    if host == "localhost" or (host and not is_outside(host)):
        return ""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            addresses = await resolve(host)
    except (OSError, TimeoutError, UnicodeError):
        return f"{host} could not be resolved"
    far = next((address for address in addresses if is_outside(address)), "")
    if far == host:
        return f"{host} is outside your network"
    return f"{host} resolves to {far}, outside your network" if far else ""
