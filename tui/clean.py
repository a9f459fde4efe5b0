"""The one sanitiser: makes any text safe to put into one terminal cell run.

Everything a server, client or network peer can choose is hostile: names carry escape codes, C1
controls, bidirectional overrides, invisible characters. Every text on the screen passes here, in
`tui.widgets.paint`, in toasts and in the palette. Widths are as `rich.cells` counts them.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

LIMIT = 400
"""Longest text kept, in characters: wider than any terminal line we paint."""

MARK = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that was taken out, so that two names never look alike by accident."""

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
_PLAIN = re.compile(r"[\x20-\x7e]*\Z")


def clean(text: str, limit: int = LIMIT) -> str:
    """`text` as one safe line of at most `limit` characters.

    Line breaks and odd spaces become spaces; controls and invisible characters become a visible
    mark (a run of them one mark); accents are composed, and what cannot be composed is dropped.
    """
    if len(text) <= limit and _PLAIN.match(text):
        return text
    return _clean(text[: limit * 2], limit)


@lru_cache(maxsize=2048)
def _clean(text: str, limit: int) -> str:
    text = _SPACES.sub(" ", text)
    text = _HOSTILE.sub(MARK, text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        text = "".join(c for c in text if unicodedata.category(c) not in _MARKS)
        # Dropping a mark can bring parts of another letter together.
        text = _HOSTILE.sub(MARK, unicodedata.normalize("NFC", text))
    text = _RUN.sub(MARK, text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


_MARKS = frozenset({"Mn", "Me", "Mc", "Cn"})


def width(text: str) -> int:
    """Columns that clean `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Clean `text` in exactly `columns` columns: padded, or cut with an ellipsis."""
    if columns <= 0:
        return ""
    text = clean(text)
    size = width(text)
    if size > columns:
        text = set_cell_size(text, columns - 1) + "…" if columns > 1 else "…"
        return text if width(text) == columns else set_cell_size(text, columns)
    pad = " " * (columns - size)
    return pad + text if right else text + pad
