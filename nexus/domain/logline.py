"""A line of the log as a value, for whoever shows logs: a dashboard, a command, a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

LogValue = str | int | float | bool | None


class LogLevel(StrEnum):
    """How much is logged; each level includes those after it."""

    TRACE = "trace"
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for the most talkative."""
        return _RANKS[self]


_RANKS = {level: rank for rank, level in enumerate(LogLevel)}


@dataclass(frozen=True, slots=True)
class LogLine:
    """What some part of Nexus had to say."""

    seq: int
    """1 for the first line of the process, without gaps: a jump means that lines were missed."""
    at: float
    """Unix seconds."""
    level: LogLevel
    component: str
    """The part that speaks: `request`, `health`, `discovery`, ..."""
    message: str
    """Text from outside may stand in it: clean before display. So for the fields."""
    fields: Mapping[str, LogValue] = field(default_factory=dict[str, LogValue])
    """In the order in which they are to be read. A traceback is the field `exception`."""
