"""Loggers, their levels, and where their lines go. The only module that names `logging.getLogger`.

Headless, lines go to stderr, pretty or JSON. With the dashboard nothing may write to the terminal.
In both cases the last lines are kept in a bounded ring, which a front end can read and follow.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TextIO

from nexus.domain.logline import LogLevel, LogLine, LogValue
from nexus.errors import NotFound
from nexus.telemetry.lines import Render, renderer, stamp
from nexus.telemetry.log_ring import RING_LINES, LogRing

__all__ = [
    "BASE",
    "LEVELS",
    "RING_LINES",
    "Sink",
    "apply",
    "configure",
    "get_logger",
    "levels",
    "set_level",
]

BASE = ""
"""Stands for every component that has no level of its own."""

ROOT = "nexus"

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


# ---- levels


def apply(level: str, component_levels: Mapping[str, str]) -> None:
    """Make these the levels, and no others: what was set at run time is forgotten."""
    for component in _components():
        logging.getLogger(f"{ROOT}.{component}").setLevel(logging.NOTSET)
    logging.getLogger(ROOT).setLevel(LEVELS[level])
    for component, its_level in component_levels.items():
        logging.getLogger(f"{ROOT}.{component}").setLevel(LEVELS[its_level])


def set_level(component: str, level: LogLevel | None) -> None:
    """Change how much one component says, from the next line on and until the process ends.

    Args:
        component: `health`, or `BASE` for all that have no level of their own.
        level: None takes the component's own level away.

    Raises:
        NotFound: no component is called that; the sentence lists those there are.
    """
    if component == BASE:
        logging.getLogger(ROOT).setLevel(LEVELS[level or LogLevel.INFO])
        return
    known = _components()
    if component not in known:
        raise NotFound(
            f"No component is called '{component[:100]}'. Components: {', '.join(known)}"
        )
    own = logging.NOTSET if level is None else LEVELS[level]
    logging.getLogger(f"{ROOT}.{component}").setLevel(own)


def levels() -> dict[str, LogLevel]:
    """The level in force of each component, `BASE` first, others by name."""
    at = {BASE: _word(logging.getLogger(ROOT).getEffectiveLevel())}
    for component in _components():
        at[component] = _word(logging.getLogger(f"{ROOT}.{component}").getEffectiveLevel())
    return at


def _components() -> list[str]:
    """Those that have a logger, by name."""
    start = f"{ROOT}."
    known = logging.root.manager.loggerDict
    return sorted(name.removeprefix(start) for name in list(known) if name.startswith(start))


def _word(number: int) -> LogLevel:
    for level in reversed(LogLevel):
        if number >= LEVELS[level]:
            return level
    return LogLevel.TRACE


# ---- lines


class Sink(logging.Handler):
    """Where lines go: into the ring, and to a stream if there is one.

    Args:
        stream: None keeps the lines in the ring only.
        json: one object a line instead of a line for people.
    """

    def __init__(self, stream: TextIO | None, *, json: bool) -> None:
        super().__init__()
        self.json = json
        self.ring = LogRing()
        self._stream = stream
        self._renderer: Render | None = None

    @property
    def writes(self) -> bool:
        """False when lines are only kept, so that none need be rendered."""
        return self._stream is not None

    def emit(self, record: logging.LogRecord) -> None:
        line = _line(record)
        self.ring.extend([partial(_numbered, line)])
        if self.writes:
            text = self.render(line.at, line.level, record.name, line.message, line.fields)
            self.write([text])

    def to(self, stream: TextIO) -> None:
        """Write to a stream from now on, and what has been kept first."""
        self._stream = stream
        kept = self.ring.read()
        if kept:
            self.write([self.text(line) for line in kept])

    def text(self, line: LogLine) -> str:
        """A line as it is written."""
        own = f"{ROOT}.{line.component}"
        target = own if own in logging.root.manager.loggerDict else line.component
        return self.render(line.at, line.level, target, line.message, line.fields)

    def render(
        self,
        at: float,
        level: LogLevel,
        target: str,
        message: str,
        fields: Mapping[str, object],
    ) -> str:
        """A line's parts as it is written."""
        if self._renderer is None:
            self._renderer = renderer(as_json=self.json)
        event = {
            "timestamp": stamp(at),
            "level": level.value,
            "target": target,
            "message": message,
            **fields,
        }
        return self._renderer(None, level, event)

    def write(self, lines: list[str]) -> None:
        """Write whole lines at once. A broken stream loses them and breaks nothing else."""
        if self._stream is None:
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
        stream: where lines go; None keeps the last ones in the returned sink's ring.
    """
    sink = Sink(stream, json=format == "json")
    root = logging.getLogger()
    root.handlers[:] = [sink]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a broken sink must not break a request
    apply(level, component_levels)
    return sink


def _line(record: logging.LogRecord) -> LogLine:
    """A record as a value. It keeps nothing alive that the record names."""
    fields: dict[str, LogValue] = {
        key: value if isinstance(value, str | int | float | None) else str(value)
        for key, value in getattr(record, "fields", _NONE).items()
    }
    if record.exc_info:
        fields["exception"] = _TRACEBACK(record.exc_info)
    component = record.name.removeprefix(f"{ROOT}.")
    return LogLine(0, record.created, _word(record.levelno), component, record.getMessage(), fields)


def _numbered(line: LogLine, seq: int) -> LogLine:
    return LogLine(seq, line.at, line.level, line.component, line.message, line.fields)


_NONE: Mapping[str, object] = {}
_TRACEBACK: Callable[..., str] = logging.Formatter().formatException
