"""Text from outside, made safe for a terminal: names, reasons and messages of servers and clients.

Such text may carry escape codes, bidirectional overrides, invisible characters and lone
surrogates. Pure; standard library only.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LIMIT = 400
"""Characters kept unless a caller says otherwise."""

MARK = "\N{REPLACEMENT CHARACTER}"
"""Stands where something was taken out, so that two names never look alike by accident."""

_SPACES = re.compile(r"[\t\n\r\v\f\x85\u2028\u2029\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_HOSTILE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # invisible letters and joiners
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # zero width, bidirectional controls
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"  # fillers, selectors, specials
    "\ud800-\udfff"  # lone surrogates: not encodable
    "\ue000-\uf8ff\U000f0000-\U0010ffff"  # private use: width unknown
    "\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff"  # flags and skin tones: terminals disagree
    "\U000e0000-\U000e0fff"  # tags, selectors
    "]"
)
_RUN = re.compile(f"{MARK}+")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_MARKS = frozenset({"Mn", "Me", "Mc", "Cn"})


def clean(text: str, limit: int = LIMIT) -> str:
    """`text` as one safe line of at most `limit` characters (at least 1).

    Line breaks and odd spaces become spaces; each run of controls and invisible characters becomes
    one visible mark; accents are composed, and what cannot be composed is dropped. Idempotent.
    """
    if len(text) <= limit and _PLAIN.fullmatch(text):
        return text
    return _clean(text[: limit * 2], limit)


@lru_cache(maxsize=2048)
def _clean(text: str, limit: int) -> str:
    """The slow half. A screen asks for the same few odd names again and again."""
    text = _HOSTILE.sub(MARK, _SPACES.sub(" ", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = "".join(char for char in text if unicodedata.category(char) not in _MARKS)
        # Dropping a mark can bring parts of another letter together.
        text = _HOSTILE.sub(MARK, unicodedata.normalize("NFC", text))
        text = _RUN.sub(MARK, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def width(text: str) -> int:
    """Terminal columns of clean `text`: wide East Asian letters and emoji take two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
