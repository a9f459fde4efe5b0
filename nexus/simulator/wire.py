"""HTTP messages as values, so that dialects need no socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
}
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent. Header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""

    def wants(self, parameter: str) -> bool:
        """True when the query sets `parameter` to something other than nothing or 0."""
        return parse_qs(self.query).get(parameter, ["0"])[-1] not in {"0", "", "false"}

    def asked(self, parameter: str) -> str:
        """A parameter of the query; empty where it has none."""
        return parse_qs(self.query).get(parameter, [""])[-1]

    def bearer(self) -> str | None:
        """The key of `Authorization: Bearer`, if there is one."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int = 200
    body: bytes = b""
    type: str | None = JSON
    """Content type; None sends none, as vLLM's empty health answer does."""
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False


def reply_json(value: object, status: int = 200, **more: str) -> Reply:
    """`value` as a compact JSON answer; `more` are headers, with `_` for `-`."""
    headers = tuple((name.replace("_", "-"), text) for name, text in more.items())
    return Reply(status, dumps(value), headers=headers)


def dumps(value: object) -> bytes:
    """Compact JSON in UTF-8, as the servers write it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def nulls(*names: str) -> dict[str, object]:
    """An object whose fields are all null; some servers send many."""
    return {name: None for name in names}  # noqa: C420 - fromkeys has no type for the values


def event(value: object) -> bytes:
    """One server-sent event."""
    return b"data: " + dumps(value) + b"\n\n"


DONE = b"data: [DONE]\n\n"
