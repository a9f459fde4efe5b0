"""How a line of the log looks: for people, or one JSON object for machines.

Both are structlog processors, called at the end of a line's way with all that is known of it.
structlog's own `ConsoleRenderer` is not used: it lets control characters of a message through to
the terminal, and takes six times as long (58 µs a line to 9). Hostile text can neither break a
line nor forge one.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

import msgspec

Event = MutableMapping[str, Any]
"""timestamp, level, target and message, then fields."""
Render = Callable[[Any, str, Event], str]
"""A structlog processor that ends a chain."""

HEAD = ("timestamp", "level", "target", "message")


def renderer(*, as_json: bool) -> Render:
    """What makes text of a line's parts."""
    if not as_json:
        return pretty
    return cast("Render", _structlog().JSONRenderer(serializer=encoded))


def pretty(_: object, __: str, event: Event) -> str:
    """Time, level, component, sentence, then `key=value`. Control characters are escaped."""
    time, level, target, message = [event.pop(each) for each in HEAD]
    exception = event.pop("exception", None)
    pairs = "".join([f" {key}={value}" for key, value in event.items()])
    plain = pairs.isascii() and pairs.isprintable() and pairs.count(" ") == len(event)
    if not plain:  # seldom: looked at one by one only then
        pairs = "".join([f" {key}={_shown(value)}" for key, value in event.items()])
    component = target.removeprefix("nexus.")
    line = f"{time} {level.upper():<7} {component:<10} {printable(message)}{pairs}"
    if exception:
        line += "\n" + "\n".join(map(printable, str(exception).splitlines()))
    return line


def encoded(event: Mapping[str, Any], **_: object) -> str:
    """One flat JSON object."""
    try:
        return msgspec.json.encode(event, enc_hook=str).decode()
    except UnicodeEncodeError:  # a lone surrogate, as hostile servers send
        return json.dumps(event, default=str)


def printable(text: str) -> str:
    """Text for one line: control, escape and other invisible characters shown as escapes."""
    if text.isascii() and text.isprintable():
        return text
    return text.encode("unicode_escape").decode("ascii")


def stamp(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}+00:00"


@lru_cache(maxsize=16)
def _second(whole: int) -> str:
    """Thousands of lines share a second."""
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _shown(value: object) -> object:
    if isinstance(value, int | float):
        return value
    text = printable(str(value))
    return f'"{text}"' if " " in text else text


def _structlog() -> Any:
    """`structlog.processors`, without rich.

    Where rich is installed, structlog loads it for colours that are not drawn here: 3.3 MB and
    60 ms of a start.
    """
    hidden = "rich" not in sys.modules
    if hidden:
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        from structlog import processors
    finally:
        if hidden:
            del sys.modules["rich"]
    return processors
