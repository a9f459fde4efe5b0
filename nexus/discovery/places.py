"""Where a URL leads: addresses, so that one server with several names is told to be one.

This machine's own addresses are all the same place. Whether an address is its own is asked by
binding a UDP socket to it, which sends nothing and needs no list of interfaces.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

HERE = "127.0.0.1"
RESOLVE_S = 1.0
REMEMBER_S = 60.0
MOST_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests to a URL arrive."""

    address: str
    """IP address; `HERE` for every address of this machine that is not a loopback of its own."""
    port: int
    path: str = ""
    """Prefix: two servers may share a port behind a proxy."""

    @property
    def is_here(self) -> bool:
        """True on this machine."""
        return is_loopback(self.address)


def is_loopback(address: str) -> bool:
    """127.0.0.0/8, ::1, and 127.x mapped into IPv6."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return (mapped or ip).is_loopback


def is_own(address: str) -> bool:
    """Whether a numeric address belongs to this machine."""
    if is_loopback(address):
        return True
    plain, _, scope = address.partition("%")
    try:
        ip = ip_address(plain)
        if ip.is_unspecified:
            return True
        if ip.version == 4:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                probe.bind((plain, 0))
        else:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
                probe.bind((plain, 0, 0, _scope_id(scope)))
    except (OSError, ValueError):
        return False
    return True


def _scope_id(scope: str) -> int:
    if not scope:
        return 0
    return int(scope) if scope.isdigit() else socket.if_nametoindex(scope)


def canonical(address: str) -> str:
    """One spelling per machine: own addresses become `HERE`, other loopback addresses stay."""
    plain = address.partition("%")[0]
    try:
        ip = ip_address(plain)
    except ValueError:
        return address
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped:
        return canonical(str(ip.ipv4_mapped))
    if ip.is_loopback:
        return HERE if ip.version == 6 else str(ip)
    if is_own(address):
        return HERE
    return f"{ip}%{address.partition('%')[2]}" if "%" in address else str(ip)


class Places:
    """Places of URLs, remembered for a minute: names are not asked for at every look."""

    def __init__(
        self,
        resolve: Callable[[str], Awaitable[Collection[str]]] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resolve = resolve or addresses_of
        self._monotonic = monotonic
        self._kept: dict[str, tuple[float, frozenset[Place]]] = {}

    async def of(self, url: str) -> frozenset[Place]:
        """See `places`."""
        now = self._monotonic()
        kept = self._kept.get(url)
        if kept is not None and now - kept[0] < REMEMBER_S:
            return kept[1]
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        found = await places(url, self._resolve)
        self._kept[url] = (now, found)
        return found


async def places(
    url: str, resolve: Callable[[str], Awaitable[Collection[str]]] | None = None
) -> frozenset[Place]:
    """Every place a URL may lead to; empty when its host cannot be resolved within a second.

    Args:
        url: of a backend.
        resolve: addresses of a host name; DNS and what else the system asks by default.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return frozenset()
    if not host:
        return frozenset()
    port = port or (443 if parts.scheme == "https" else 80)
    path = parts.path.rstrip("/")
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        found = await (resolve or addresses_of)(host)
        return frozenset(Place(canonical(one), port, path) for one in found)
    return frozenset({Place(canonical(host), port, path)})


async def addresses_of(host: str) -> Collection[str]:
    """Numeric addresses of a name; empty where there is none, or the answer takes too long."""
    if host.rstrip(".").lower() == "localhost":
        return {HERE}
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return set()
    return {str(entry[4][0]) for entry in found}
