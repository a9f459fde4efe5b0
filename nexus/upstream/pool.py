"""Connections to one backend, kept alive and used again, last in first out.

Made for relaying: `take()` gives an idle connection without a wait or opens one, and one sweep of
the owner serves all timeouts, so that no request sets a timer of its own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit

from nexus.domain.addresses import is_outside
from nexus.domain.backend import Zone
from nexus.errors import ConnectTimeout, NoConnection
from nexus.upstream.connection import FOREVER, Connection
from nexus.upstream.guard import Guard

IDLE_S = 30.0
"""Idle connections older than this are closed. Servers close theirs after 5 s (llama.cpp, uvicorn)
to minutes; a close seen in time removes the connection, one seen too late is sent again."""

_RESTRICTED = Zone.RESTRICTED
"""Looked up in an enumeration it costs a hundred nanoseconds, and every request asks four times."""

IDLE_MAX = 256
"""Idle connections kept per backend."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Each guards another failure: see `docs/reference/configuration.md`."""

    connect_s: float = 5.0
    first_byte_s: float = 120.0
    idle_s: float = 60.0
    total_s: float = 300.0


class Pool:
    """All connections to one backend.

    Args:
        name: the backend's name, for error sentences.
        url: its base URL; the path is put before every request path.
        headers: sent with every request (credentials).
        timeouts: see `Timeouts`.
        zone: the backend's.
        zone_told: True where the operator chose it: then the address may be anywhere.
        guard: shared by all pools.
    """

    def __init__(
        self,
        name: str,
        url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        *,
        zone: Zone = Zone.OPEN,
        zone_told: bool = False,
        guard: Guard | None = None,
    ) -> None:
        parts = urlsplit(url)
        self.name = name
        self.timeouts = timeouts
        self.zone = zone
        self._zone_told = zone_told
        self._guard = guard or Guard()
        self._tls = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if self._tls else 80)
        self._prefix = parts.path.rstrip("/")
        host = f"[{self._host}]" if ":" in self._host else self._host
        default_port = self._port == (443 if self._tls else 80)
        # The backend's own address, not the client's Host: Ollama refuses foreign ones with 403.
        authority = host if default_port else f"{host}:{self._port}"
        lines = {
            "host": authority,
            "accept": "*/*",
            # Compressed events could not be watched for their end and their usage.
            "accept-encoding": "identity",
            "user-agent": "nexus",
            "content-type": "application/json",
            **headers,
        }
        self._lines = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._heads: dict[str, bytes] = {}
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._context: ssl.SSLContext | None = None
        self.opened = 0
        """Connections opened since start."""

    def request(self, path: str, body: bytes, lines: bytes = b"") -> bytes:
        """A whole POST for `send`. `lines` are further header lines, each ended by CRLF."""
        head = self._heads.get(path)
        if head is None:
            text = f"POST {self._prefix}{path} HTTP/1.1\r\n{self._lines}content-length: "
            head = self._heads[path] = text.encode("latin-1")
        return b"%b%d\r\n%b\r\n%b" % (head, len(body), lines, body)

    def admit(self, allowed: Zone, zone: Zone) -> None:
        """Refuse a request that may not go here.

        Args:
            allowed: how far out the request may go.
            zone: of the model that it goes to.

        Raises:
            ZoneViolation: it would leave its zone.
        """
        if allowed is _RESTRICTED and not self.zone is zone is _RESTRICTED:
            self._guard.check(self.name, self.zone, allowed)
            self._guard.check(self.name, zone, allowed)

    def idle(self, allowed: Zone = Zone.OPEN) -> Connection | None:
        """A connection that is open and unused, if there is one.

        Raises:
            ZoneViolation: this backend, or the address it led to, is outside `allowed`.
        """
        bound = allowed is _RESTRICTED
        if bound and self.zone is not _RESTRICTED:
            self._guard.check(self.name, self.zone, allowed)
        while self._idle:
            connection = self._idle.pop()
            if connection.closed:
                continue
            if bound and connection.outside and not self._zone_told:
                self._idle.append(connection)  # for those who may go anywhere
                raise self._guard.breach(f"Backend '{self.name}' is connected outside our network")
            return connection
        return None

    async def connect(self, allowed: Zone = Zone.OPEN, ends: float = FOREVER) -> Connection:
        """Open a connection.

        Args:
            allowed: how far out it may lead.
            ends: loop time at which the request's own time is over.

        Raises:
            ZoneViolation: this backend, or an address of its host, is outside `allowed`.
            NoConnection: refused, no such host, certificate not trusted.
            ConnectTimeout: no answer within `connect_s`.
        """
        self._guard.check(self.name, self.zone, allowed)
        within_s = self.timeouts.connect_s
        if ends < FOREVER:
            within_s = min(within_s, max(ends - asyncio.get_running_loop().time(), 0.0))
        try:
            async with asyncio.timeout(within_s):
                hosts = [self._host]
                if allowed is Zone.RESTRICTED and not self._zone_told:
                    hosts = await self._inside()
                transport, connection = await self._opened(hosts)
        except TimeoutError as exc:
            raise ConnectTimeout(
                f"Backend '{self.name}' at {self._host}:{self._port} did not accept a connection "
                f"within {within_s:.3g} s"
            ) from exc
        except OSError as exc:  # ssl.SSLError is one
            raise NoConnection(
                f"Backend '{self.name}' at {self._host}:{self._port}: {_say(exc)}"
            ) from exc
        _no_delay(transport)
        peer: object = transport.get_extra_info("peername")
        address = str(cast("tuple[object, ...]", peer)[0]) if isinstance(peer, tuple) else ""
        connection.outside = bool(address) and is_outside(address)
        outside = connection.outside and not self._zone_told
        self._guard.opened[Zone.OPEN if outside else self.zone] += 1
        self.opened += 1
        self._open.add(connection)
        return connection

    async def _inside(self) -> list[str]:
        """Addresses of our host, all of them inside our network. Raises ZoneViolation, OSError."""
        host = self._host
        try:
            ip_address(host.partition("%")[0])
            addresses = [host]
        except ValueError:
            if host == "localhost":
                return [host]
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, self._port, type=socket.SOCK_STREAM)
            addresses = list(dict.fromkeys(str(place[4][0]) for place in found))
        self._guard.check_addresses(self.name, host, addresses)
        return addresses

    async def _opened(self, hosts: list[str]) -> tuple[asyncio.Transport, Connection]:
        """A connection to the first of these that takes one."""
        loop = asyncio.get_running_loop()
        failure: OSError = OSError("no address")
        tls = await self._tls_context() if self._tls else None
        for host in hosts:
            try:
                return await loop.create_connection(
                    lambda: Connection(self.name, self._released),
                    host,
                    self._port,
                    ssl=tls,
                    server_hostname=self._host if self._tls else None,
                )
            except OSError as exc:
                failure = exc
        raise failure

    def sweep(self, now: float) -> None:
        """Fail what is overdue, close what idles too long. Loop time."""
        for connection in tuple(self._open):
            connection.sweep(now)
        overdue = [c for c in self._idle if now - c.parked_at > IDLE_S]
        for connection in overdue:
            self._idle.remove(connection)
            connection.abort()

    def close(self) -> None:
        """Close idle connections now; those in use close when they are given back."""
        for connection in self._idle:
            connection.abort()
        self._idle.clear()

    def heard_since(self, moment: float) -> bool:
        """Whether anybody has got a byte of an answer from this backend since then. Loop time."""
        return any(connection.heard_at > moment for connection in self._open)

    @property
    def in_use(self) -> int:
        """Connections that carry a request now."""
        return len(self._open) - len(self._idle)

    def _released(self, connection: Connection, reusable: bool) -> None:
        if reusable and len(self._idle) < IDLE_MAX:
            connection.parked_at = connection.now()
            self._idle.append(connection)
            return
        if reusable:
            connection.abort()
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    async def _tls_context(self) -> ssl.SSLContext:
        """Certificates, read once: that takes 30 ms, so a thread does it."""
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        return self._context


def _no_delay(transport: asyncio.BaseTransport) -> None:
    """Without it a request in two segments waits 40 ms for the server's delayed ACK."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _say(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "no such host"
    return error.strerror or str(error) or type(error).__name__
