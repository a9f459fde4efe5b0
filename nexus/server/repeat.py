"""A request head seen before on its connection: known again by its bytes, and not parsed again.

A client repeats its head word for word with each request, but for the length of the body. The
parser has read it once and accepted it; the same bytes mean the same, so comparing them is enough,
and takes a tenth of the time. Only the digits of the length may differ, and only a request that is
here whole counts; whatever is the least bit different goes to the parser.
"""

from __future__ import annotations

import re
from typing import Final

from nexus.domain.request import Endpoint
from nexus.proxy.wishes import is_plain

MOST_DIGITS: Final = 9
"""Of a length: a gigabyte, beyond every limit."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,%d})\r\n" % MOST_DIGITS, re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class Head:
    """What the parser made of a head, and the bytes around its length."""

    __slots__ = ("_after", "_before", "chunked_ok", "endpoint", "headers", "keep_alive", "plain")

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
        self._before = before
        self._after = after
        self.endpoint = endpoint
        self.headers = headers
        self.plain = is_plain(headers)
        self.keep_alive = keep_alive
        self.chunked_ok = chunked_ok

    def body_of(self, data: bytes) -> bytes | None:
        """The body, where `data` is one whole request with this head; else None."""
        if not data.startswith(self._before):
            return None
        start = len(self._before)
        end = data.find(b"\r", start, start + MOST_DIGITS + 1)
        digits = data[start:end] if end > 0 else b""
        if not digits.isdigit() or not data.startswith(self._after, end):
            return None
        body = data[end + len(self._after) :]
        return body if len(body) == int(digits) else None


def around_length(data: bytes, size: int) -> tuple[bytes, bytes] | None:
    """The head's bytes before and after the digits of its length.

    Args:
        data: what came in one read, beginning where a request may begin.
        size: of the body that the parser found in it, bytes.

    None where `data` is not exactly one request whose length is said once and plainly.
    """
    end = data.find(_END)
    if end < 0 or len(data) - end - len(_END) != size:
        return None
    head = data[: end + len(_END)]
    lower = head.lower()
    length = _LENGTH.search(head)
    once = lower.count(b"\ncontent-length") == 1 and b"transfer-encoding" not in lower
    if length is None or not once or int(length[1]) != size:
        return None
    return head[: length.start(1)], head[length.end(1) :]
