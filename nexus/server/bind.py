"""Taking the port before anything else starts, and saying who has it when that fails."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address

from nexus.errors import ConfigError

BACKLOG = 2048
LOOK_AHEAD = 50
"""Ports tried when looking for a free one to suggest."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket.

    TCP_NODELAY is set here because asyncio does not set it on sockets made outside (small answers
    waited 44 ms for a delayed ACK); accepted sockets inherit it.

    Raises:
        ConfigError: the address cannot be bound; the sentence says why and what to do. Where
            another Nexus has it, `context["nexus"]` is its URL.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as exc:
        raise ConfigError(f"server.host: '{host}' is not an address of this machine") from exc
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as exc:
        listener.close()
        raise _why(exc, host, port) from exc
    return listener


def url_of(listener: socket.socket) -> str:
    """The base URL that clients use, with a host that can be reached from this machine."""
    host, port = listener.getsockname()[:2]
    if host == "0.0.0.0":
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_local(listener: socket.socket) -> bool:
    """Whether only this machine can reach it."""
    return ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def _why(error: OSError, host: str, port: int) -> ConfigError:
    if error.errno == errno.EADDRINUSE:
        from nexus.server.occupant import is_another_nexus, occupant  # late: seldom wanted

        reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
        base = f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
        is_nexus = is_another_nexus(base)
        if is_nexus:
            who = f"another Nexus (`nexus attach {base}` shows it; or stop it first)"
        else:
            who = occupant(base)
        free = _next_free(host, port)
        hint = f"; port {free} is free: try `--port {free}`" if free else ""
        sentence = f"Port {port} on {host} is taken by {who}{hint}"
        return ConfigError(sentence, context={"nexus": base} if is_nexus else None)
    if error.errno == errno.EACCES:
        return ConfigError(
            f"Port {port} on {host} needs more rights; choose one above 1023 with --port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ConfigError(f"server.host: '{host}' is not an address of this machine")
    return ConfigError(f"Cannot listen on {host}:{port}: {error.strerror or error}")


def _next_free(host: str, port: int) -> int | None:
    for candidate in range(port + 1, min(port + 1 + LOOK_AHEAD, 65536)):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return None
