"""What standard output can show: its width, colour, signs; and JSON for machines."""

from __future__ import annotations

import json
import os
import shutil
import sys

_COLOURS = {
    "healthy": "32",
    "busy": "32",
    "sleeping": "36",
    "loading": "36",
    "draining": "33",
    "rate limited": "33",
    "auth error": "31",
    "stalled": "31",
    "unreachable": "31",
    "unhealthy": "31",
    "degraded": "33",
}
_SIGNS = {
    "healthy": "✓",
    "busy": "✓",
    "sleeping": "z",
    "loading": "…",
    "draining": "~",
    "rate limited": "~",
    "auth error": "✗",
    "stalled": "✗",
    "unreachable": "✗",
    "unhealthy": "✗",
}
_PLAIN_SIGNS = {
    name: {"✓": "+", "✗": "x", "…": "."}.get(sign, sign) for name, sign in _SIGNS.items()
}


def columns() -> int | None:
    """Width of the terminal; None when the output is no terminal, where nothing is wrapped."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def has_colour() -> bool:
    """Whether colours are wanted and shown."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.name == "nt" and "WT_SESSION" not in os.environ:  # an old console prints the codes
        return False
    return sys.stdout.isatty()


def paint_status(text: str) -> str:
    """A status in its colour."""
    colour = _COLOURS.get(text.replace("_", " "))
    return f"\x1b[{colour}m{text}\x1b[0m" if colour and has_colour() else text


def sign(status: str) -> str:
    """One character for a status, in its colour: ✓ ✗ ~ … z and ? for unknown."""
    status = status.replace("_", " ")
    signs = _SIGNS if _can_encode("✓✗…") else _PLAIN_SIGNS
    shown = signs.get(status, "?")
    colour = _COLOURS.get(status)
    return f"\x1b[{colour}m{shown}\x1b[0m" if colour and has_colour() else shown


def say(text: str) -> None:
    """Print, replacing what the output's encoding lacks."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def say_json(value: object) -> None:
    """Print for machines: ASCII only, so nothing in it can act on a terminal."""
    print(json.dumps(value, indent=2))


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
