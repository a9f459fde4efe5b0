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
from urllib.parse import urlsplit

from nexus.errors import ConnectTimeout, NoConnection
from nexus.upstream.connection import Connection

IDLE_S = 30.0
"""Idle connections older than this are closed. Servers close theirs after 5 s (llama.cpp, uvicorn)
to minutes; a close seen in time removes the connection, one seen too late is sent again."""

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
    """

    def __init__(self, name: str, url: str, headers: Mapping[str, str], timeouts: Timeouts) -> None:
        parts = urlsplit(url)
        self.name = name
        self.timeouts = timeouts
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

    def request(self, path: str, body: bytes) -> bytes:
        """A whole POST for `send`."""
        head = self._heads.get(path)
        if head is None:
            text = f"POST {self._prefix}{path} HTTP/1.1\r\n{self._lines}content-length: "
            head = self._heads[path] = text.encode("latin-1")
        return b"%b%d\r\n\r\n%b" % (head, len(body), body)

    def idle(self) -> Connection | None:
        """A connection that is open and unused, if there is one."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection
        return None

    async def connect(self) -> Connection:
        """Open a connection.

        Raises:
            NoConnection: refused, no such host, certificate not trusted.
            ConnectTimeout: no answer within `connect_s`.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeouts.connect_s):
                transport, connection = await loop.create_connection(
                    lambda: Connection(self.name, self._released),
                    self._host,
                    self._port,
                    ssl=self._tls_context() if self._tls else None,
                )
        except TimeoutError as exc:
            raise ConnectTimeout(
                f"Backend '{self.name}' at {self._host}:{self._port} did not accept a connection "
                f"within {self.timeouts.connect_s:g} s"
            ) from exc
        except OSError as exc:  # ssl.SSLError is one
            raise NoConnection(
                f"Backend '{self.name}' at {self._host}:{self._port}: {_say(exc)}"
            ) from exc
        _no_delay(transport)
        self.opened += 1
        self._open.add(connection)
        return connection

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

    @property
    def in_use(self) -> int:
        """Connections that carry a request now."""
        return len(self._open) - len(self._idle)

    def _released(self, connection: Connection, reusable: bool) -> None:
        if reusable and len(self._idle) < IDLE_MAX:
            connection.parked_at = asyncio.get_running_loop().time()
            self._idle.append(connection)
            return
        if reusable:
            connection.abort()
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = ssl.create_default_context()
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
