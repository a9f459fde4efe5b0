"""What a relay does with a stream's bytes: forward whole events, remember how it ended.

The bytes are never parsed on the way and never changed. Whole events only, so that an error frame
can follow what was sent when a backend dies in the middle of one. The end of the stream is kept, a
few KB, and read when somebody asks.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Final

MAX_HELD_BYTES: Final = 1_000_000
"""An event longer than this is passed on in pieces: bounded memory is worth more than framing."""

KEPT_PIECES: Final = 8
KEPT_PIECE_BYTES: Final = 4096
"""The end of the stream that is kept: usage and finish reason are in the last few events."""

TAIL_BYTES: Final = 2048
HEAD_BYTES: Final = 1024
"""Where usage is in a unary answer: at the end, or before the data of embeddings."""

TIMINGS_BYTES: Final = 512
"""How far before the usage llama.cpp's timings may begin: they are its neighbour on either side."""

Usage = tuple[int | None, int | None, float | None]
"""Prompt tokens, completion tokens, generated tokens per second; None for what was not said."""

_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_OVERLAP = 2
"""Bytes before new ones that may begin a blank line."""

# A quote inside a JSON string is escaped, so none of these can be met in what a model wrote.
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"|^data:[ \t]*\[DONE\]', re.MULTILINE)
_FAILED = re.compile(
    rb'^(?:data:[ \t]*\{\s*(?:"error"\s*:\s*[{"]|"object"\s*:\s*"error")|error:|event:[ \t]*error)',
    re.MULTILINE,
)
_PROMPT = (b'"prompt_tokens"', b'"input_tokens"')
_COMPLETION = (b'"completion_tokens"', b'"output_tokens"')
_P, _C, _T = (rb'"%b_tokens"\s*:\s*' % name for name in (b"prompt", b"completion", b"total"))
_USUAL = re.compile(
    rb'"usage"\s*:\s*\{\s*(?:%b(\d{1,12})\s*,\s*(?:%b\d+\s*,\s*)?%b(\d{1,12})\b'
    rb"|%b(\d{1,12})\s*,\s*%b(\d{1,12})\b)" % (_P, _T, _C, _C, _P)
)
"""OpenAI's words in the orders of OpenAI, vLLM and llama.cpp: both counts in one look."""
_COUNT = re.compile(rb"\s*:\s*(\d{1,12})\b")
_SPEED = re.compile(rb"\s*:\s*(\d{1,15}(?:\.\d+)?(?:[eE][+-]?\d{1,2})?)")


class SseTap:
    """One stream's events on their way to the client. `feed` costs well under a microsecond."""

    __slots__ = ("_held", "_kept", "events")

    def __init__(self) -> None:
        self._held = bytearray()
        self._kept: deque[bytes] = deque(maxlen=KEPT_PIECES)
        self.events = 0
        """`data:` lines seen, keep-alive comments not counted. Approximate."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the backend; what comes back may be forwarded now, and may be empty."""
        if not self._held and data.endswith(_BLANK_LINES):
            self._kept.append(data if len(data) <= KEPT_PIECE_BYTES else data[-KEPT_PIECE_BYTES:])
            self.events += data.count(b"\ndata:") + data.startswith(b"data:")
            return data
        return self._feed_partial(data)

    def _feed_partial(self, data: bytes) -> bytes:
        held = self._held
        searched = max(0, len(held) - _OVERLAP)
        held += data
        cut = max(
            at + len(line) if (at := held.rfind(line, searched)) >= 0 else 0
            for line in _BLANK_LINES
        )
        if not cut and len(held) > MAX_HELD_BYTES:
            cut = len(held)
        if not cut:
            return b""
        whole = bytes(held[:cut])
        del held[:cut]
        self._kept.append(whole[-KEPT_PIECE_BYTES:])
        self.events += whole.count(b"\ndata:") + whole.startswith(b"data:")
        return whole

    def tail(self) -> bytes:
        """What was held back: an event that has not ended. Empty after a clean end."""
        return bytes(self._held)

    @property
    def finished(self) -> bool:
        """True when the stream said that it is over: `[DONE]`, or a reason to finish."""
        return _FINISHED.search(self._end()) is not None

    @property
    def failed(self) -> bool:
        """True when one of the last events is an error in the middle of a 200."""
        return _FAILED.search(self._end()) is not None

    def usage(self) -> Usage:
        """What the last events say about tokens. To be asked once, at the end."""
        return _usage(self._end())

    def _end(self) -> bytes:
        return b"".join(self._kept) + bytes(self._held[-KEPT_PIECE_BYTES:])


def payloads(events: bytes) -> list[bytes]:
    """The data of each event, its lines joined; comments and other fields are left out.

    Args:
        events: whole ones, as `SseTap.feed` gives them, whatever ends their lines.
    """
    if b"\r" in events:
        events = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found: list[bytes] = []
    for event in events.split(b"\n\n"):
        if event.startswith(b"data:") and b"\n" not in event:
            found.append(event[5:].strip())
            continue
        lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines))
    return found


def usage_of(body: bytes) -> Usage:
    """What a unary JSON answer says about tokens. Looks at its two ends only; never raises."""
    found = _usage(body[-TAIL_BYTES:])
    if len(body) > TAIL_BYTES and found == (None, None, None):
        return _usage(body[:HEAD_BYTES])
    return found


def _usage(end: bytes) -> Usage:
    at = end.rfind(b'"usage"')
    usual = _USUAL.match(end, at) if at >= 0 else None
    if usual is not None and end.find(b'put_tokens"', at) < 0:
        prompt: int | None = int(usual[1] or usual[4])
        completion: int | None = int(usual[2] or usual[3])
        near = at - TIMINGS_BYTES if at > TIMINGS_BYTES else 0
    else:
        prompt, completion, near = _count(_PROMPT, end), _count(_COMPLETION, end), 0
    if end.find(b'"timings"', near) < 0:
        return prompt, completion, None
    if prompt is None:  # llama.cpp counts prompt and cache apart here
        read = _count((b'"prompt_n"',), end)
        prompt = None if read is None else read + (_count((b'"cache_n"',), end) or 0)
    if completion is None:
        completion = _count((b'"predicted_n"',), end)
    speed = _last((b'"predicted_per_second"',), _SPEED, end)
    return prompt, completion, float(speed) if speed else None


def _count(keys: tuple[bytes, ...], text: bytes) -> int | None:
    found = _last(keys, _COUNT, text)
    return int(found) if found else None


def _last(keys: tuple[bytes, ...], value: re.Pattern[bytes], text: bytes) -> bytes | None:
    """The value of whichever key comes last with one. Searched from the end: it is near."""
    best, found = -1, None
    for key in keys:
        at = text.rfind(key)
        while at > best:
            if match := value.match(text, at + len(key)):
                best, found = at, match[1]
                break
            at = text.rfind(key, 0, at)
    return found
