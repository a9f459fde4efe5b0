"""The only place where an error becomes an HTTP reply."""

from __future__ import annotations

import json

from nexus.errors import BadRequest, BodyTooLarge, NexusError

JSON_LINE = b"content-type: application/json\r\n"


class _Unreadable(BadRequest):
    """A request that is not readable HTTP, or came too slowly."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def body_of(error: NexusError) -> bytes:
    """OpenAI's envelope. `context` stands beside `error` and inside it (contract 2.12)."""
    inner: dict[str, object] = {
        "message": f"{error.message}: {error.quoted}" if error.quoted else error.message,
        "type": error.type,
        "param": error.param,
        "code": error.code,
    }
    envelope: dict[str, object] = {"error": inner}
    if error.context:
        inner["context"] = error.context
        envelope["context"] = error.context
    return json.dumps(envelope).encode()


def render(error: NexusError, request_id: str = "") -> tuple[int, bytes, bytes]:
    """Status, header lines (each ended by CRLF) and body of an error's reply."""
    lines = JSON_LINE
    if request_id:
        lines += f"X-Nexus-Request-Id: {request_id}\r\n".encode("ascii")
    if error.retry_after_s is not None:
        lines += b"retry-after: %d\r\n" % error.retry_after_s
    if error.should_retry is not None:
        lines += b"x-should-retry: %b\r\n" % (b"true" if error.should_retry else b"false")
    return error.status, lines + error.lines, body_of(error)


def unreadable(status: int, message: str) -> tuple[int, bytes, bytes]:
    """The reply to a request that never became one: too large, too slow, not HTTP."""
    error = BodyTooLarge(message) if status == 413 else _Unreadable(status, message)
    return render(error)


def header_pairs(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Header lines as ASGI wants them: names in lower case, values without blanks around."""
    split = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return [(name.lower(), value.strip()) for name, _, value in split]
