"""Loggers, and where their lines go. The only module that touches `logging.getLogger`.

Headless, lines go to stderr, pretty or JSON. With the dashboard nothing may write to the terminal,
so lines go to a bounded ring that the dashboard can show.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

RING_LINES = 1000
"""Lines kept for the dashboard; about 200 kB at most."""

LEVELS = {
    "trace": 5,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
}
"""The configuration's words (contract 3.1) as logging's numbers."""


def get_logger(name: str) -> logging.Logger:
    """The logger of one component, named `nexus.<component>`."""
    return logging.getLogger(name)


class JsonLines(logging.Formatter):
    """One flat JSON object a line: timestamp (RFC 3339, UTC), level, target, message, fields."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "timestamp": stamp(record.created),
            "level": record.levelname.lower(),
            "target": record.name,
            "message": record.getMessage(),
        }
        fields.update(_fields(record))
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)  # ASCII: a lone surrogate cannot be written at all


class PrettyLines(logging.Formatter):
    """Time, level, component, sentence, then `key=value`. Control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        text = printable(record.getMessage())
        pairs = "".join(f" {key}={_short(value)}" for key, value in _fields(record).items())
        component = record.name.removeprefix("nexus.")
        line = f"{stamp(record.created)} {record.levelname:<7} {component:<10} {text}{pairs}"
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "\n" + "\n".join(map(printable, trace))
        return line


class Sink(logging.Handler):
    """Where lines go: a stream, or the last of them into memory for a screen to show.

    Args:
        stream: None keeps the lines in `lines`.
        json: one object a line instead of a line for people.
    """

    def __init__(self, stream: TextIO | None, *, json: bool) -> None:
        super().__init__()
        self.json = json
        self.lines: deque[str] = deque(maxlen=RING_LINES)
        self._stream = stream
        self.setFormatter(JsonLines() if json else PrettyLines())

    def emit(self, record: logging.LogRecord) -> None:
        self.write([self.format(record)])

    def to(self, stream: TextIO) -> None:
        """Write to a stream from now on, and what has been kept first."""
        self._stream = stream
        if self.lines:
            self.write(list(self.lines))
            self.lines.clear()

    def write(self, lines: list[str]) -> None:
        """Write whole lines at once. A broken stream loses them and breaks nothing else."""
        if self._stream is None:
            self.lines.extend(lines)
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass


def configure(
    level: str, format: str, component_levels: Mapping[str, str], *, stream: TextIO | None
) -> Sink:
    """Set up all logging of the process; call it once.

    Args:
        level: one of `LEVELS`.
        format: `pretty` or `json`.
        component_levels: component (`routing`) to level.
        stream: where lines go; None keeps the last ones in the returned sink.
    """
    sink = Sink(stream, json=format == "json")
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a broken sink must not break a request
    logging.getLogger("nexus").setLevel(LEVELS[level])
    for component, its_level in component_levels.items():
        logging.getLogger(f"nexus.{component}").setLevel(LEVELS[its_level])
    return sink


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


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    """What a caller attached with `extra={"fields": {...}}`."""
    return getattr(record, "fields", {})


def _short(value: object) -> str:
    text = printable(str(value))
    return text if " " not in text else f'"{text}"'
