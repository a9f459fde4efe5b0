"""What the parser made of a request head, for the next request with the same one."""

from __future__ import annotations

from nexus.domain.framing import Framing
from nexus.domain.request import Endpoint
from nexus.proxy.wishes import is_plain


class Head(Framing):
    """A head that clients of one connection repeat."""

    __slots__ = ("chunked_ok", "endpoint", "headers", "keep_alive", "plain")

    def __init__(
        self,
        before: bytes,
        after: bytes,
        endpoint: Endpoint,
        headers: list[tuple[bytes, bytes]],
        *,
        keep_alive: bool,
        chunked_ok: bool,
    ) -> None:
        super().__init__(before, after)
        self.endpoint = endpoint
        self.headers = headers
        self.plain = is_plain(headers)
        self.keep_alive = keep_alive
        self.chunked_ok = chunked_ok
