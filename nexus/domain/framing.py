"""A message head seen before on its connection: known again by its bytes, and not parsed again.

Both ends of a connection repeat their heads word for word, but for the length of the body. The
parser has read one once and accepted it; the same bytes mean the same, so comparing them is enough,
and takes a tenth of the time. Only the digits of the length may differ, and only a message that is
here whole counts; whatever is the least bit different goes to the parser.
"""

from __future__ import annotations

import re
from typing import Final

MOST_DIGITS: Final = 9
"""Of a length: a gigabyte, beyond every limit."""

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,%d})\r\n" % MOST_DIGITS, re.IGNORECASE)
_END: Final = b"\r\n\r\n"


class Framing:
    """The bytes of a head around its length: see `around_length`."""

    __slots__ = ("_after", "_around", "_before", "_head", "_size")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._around = len(before) + len(after)
        self._fit(1)

    def body_of(self, data: bytes) -> bytes | None:
        """The body, where `data` is one whole message with this head; else None."""
        end = len(self._head)
        if len(data) - end != self._size:  # else as long as the last one
            self._fit(len(data) - self._around)
            end = len(self._head)
            if len(data) - end != self._size:
                return None
        return data[end:] if data[:end] == self._head else None

    def _fit(self, rest: int) -> None:
        """Write the head of a message whose digits and body are that long together.

        Written out: a length with leading zeros, signs or spaces is for the parser to judge.
        """
        size = rest - len(b"%d" % rest)
        digits = b"%d" % size
        if len(digits) + size < rest:  # 1002 are three digits and 999 bytes
            size += 1
            digits = b"%d" % size
        self._size = size
        self._head = self._before + digits + self._after


def around_length(data: bytes, size: int) -> tuple[bytes, bytes] | None:
    """The head's bytes before and after the digits of its length.

    Args:
        data: what came in one read, beginning where a message may begin.
        size: of the body that the parser found in it, bytes.

    None where `data` is not exactly one message whose length is said once and plainly.
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
