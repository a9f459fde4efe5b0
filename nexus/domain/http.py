"""A probe's request and reply as values, so that dialects need no socket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One small request to a backend, relative to its base URL."""

    path: str
    method: str = "GET"
    json: object | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def __hash__(self) -> int:
        return hash(
            (self.method, self.path)
        )  # headers and body are not hashable, and rarely differ


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back. Header names are lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
