"""Reading and making header lines. Pure.

On the hot path headers travel as one piece of bytes, lines ended by CRLF, as the backend sent them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from nexus.domain.backend import BackendFace, Zone
from nexus.domain.decision import RouteReason

_SAFE = re.compile(r"[\x20-\x7e]{1,256}")
_ENCODING = re.compile(rb"(?i)^content-encoding:[ \t]*([^\r\n]*?)[ \t]*\r\n", re.MULTILINE)


def line(name: str, value: str) -> bytes:
    """One header line, or nothing where the value is not safe in a header (contract 2.13)."""
    if not _SAFE.fullmatch(value):
        return b""
    return f"{name}: {value}\r\n".encode("ascii")


def route_lines(
    face: BackendFace, reason: RouteReason, fallback_model: str, zone: Zone | None = None
) -> bytes:
    """The `X-Nexus-*` lines that say where an answer came from.

    Args:
        face: the backend that answered.
        reason: why it was chosen.
        fallback_model: the model that served instead of the one asked for; empty if none did.
        zone: the model's own; None is the backend's.
    """
    lines = [
        line("X-Nexus-Backend", face.name),
        line("X-Nexus-Backend-Type", "cloud" if face.type.is_cloud else "local"),
        line("X-Nexus-Route-Reason", reason.value),
        line("X-Nexus-Privacy-Zone", (zone or face.zone).value),
    ]
    if fallback_model:
        lines.append(line("X-Nexus-Fallback-Model", fallback_model))
    return b"".join(lines)


def without_encoding(lines: bytes) -> bytes:
    """The lines of an answer that we decode."""
    return _ENCODING.sub(b"", lines)


def with_streaming(lines: bytes) -> bytes:
    """The lines of a stream, with what keeps proxies on the way from holding it back."""
    lower = lines.lower()
    if b"cache-control:" not in lower:
        lines += b"Cache-Control: no-cache\r\n"
    if b"x-accel-buffering:" not in lower:
        lines += b"X-Accel-Buffering: no\r\n"
    return lines


def accepts(headers: Sequence[tuple[bytes, bytes]], encoding: bytes) -> bool:
    """Whether a client said that it can read `encoding` (q=0 means it cannot)."""
    for name, value in headers:
        if name != b"accept-encoding":
            continue
        for part in value.lower().split(b","):
            coding, _, parameters = part.strip().partition(b";")
            if coding.strip() in (encoding, b"*"):
                quality = parameters.strip().removeprefix(b"q=").strip()
                return not quality or quality.strip(b"0.") != b""
    return False
