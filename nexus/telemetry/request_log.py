"""One structured line per request, written away from the request's own path (contract 8.2).

A fold over the events: it wakes a few times a second and writes what has gathered in one piece, so
a request pays for an append, and its line a few microseconds later. The lines are made here and not
by `logging`, which takes twice as long. Never contains what was answered, and how a prompt begins
only where the operator wants that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from nexus.domain.events import Event, RequestFinished, RequestRefused
from nexus.domain.logline import LogLevel, LogLine, LogValue
from nexus.telemetry.bus import Bus, Reader
from nexus.telemetry.log_ring import Make
from nexus.telemetry.logs import LEVELS, Sink, get_logger
from nexus.telemetry.usual_line import MODEL_CHARS, usual_line

log = get_logger("nexus.request")

Fields = dict[str, LogValue]
_NOTHING: Fields = {}

PAUSE_S = 0.05
"""Between writes. What gathers in it at 5,000 requests/s takes two milliseconds to write."""
ERROR_CHARS = 1024


class RequestLog:
    """Reads the bus from the moment it is made.

    Args:
        bus: what is watched.
        sink: where lines go.
        also: told of the same events, some milliseconds after they happened.
        more: further fields of a request's line, by its id; asked once, when it has ended.
    """

    def __init__(
        self,
        bus: Bus,
        sink: Sink,
        also: Sequence[Callable[[Sequence[Event]], None]] = (),
        more: Callable[[str], Fields] | None = None,
    ) -> None:
        self._also = also
        self._more = more
        self._reader: Reader = bus.reader(live=False)
        self._sink = sink

    async def run(self) -> None:
        """Write until the bus closes or the task is cancelled."""
        try:
            while not self._reader.closed:
                await self._reader.wait()
                await asyncio.sleep(PAUSE_S)  # lines of many requests leave in one write
                self.write()
        finally:
            self.write()

    def write(self) -> None:
        """Write everything that waits."""
        events, missed = self._reader.take()
        if missed:
            log.warning("%d events went unlogged: the log could not keep up", missed)
        sink, writes = self._sink, self._sink.writes
        least = log.getEffectiveLevel()
        plain = writes and not sink.json and least <= LEVELS[LogLevel.INFO]
        makes: list[Make] = []
        lines: list[str] = []
        for event in events:
            if isinstance(event, RequestFinished):
                more = self._told_more(event.request_id)
                usual = usual_line(event) if plain and not more else None
                if usual is not None:
                    makes.append(partial(_usual, event))
                    lines.append(usual)
                    continue
                level, message = _level(event), "request"
                fields = partial(_finished, event, more)
            elif isinstance(event, RequestRefused):
                more = self._told_more(event.request_id)
                level, message = _level_refused(event), "refused"
                fields = partial(_refused, event, more)
            else:
                continue
            if LEVELS[level] < least:
                continue
            makes.append(partial(_line, event.at, level, message, fields))
            if writes:
                lines.append(sink.render(event.at, level, log.name, message, fields()))
        if makes:
            sink.ring.extend(makes)
        if lines:
            sink.write(lines)
        for told in self._also:
            told(events)

    def _told_more(self, request_id: str) -> Fields:
        return _NOTHING if self._more is None else self._more(request_id)


def _line(
    at: float, level: LogLevel, message: str, fields: Callable[[], Fields], seq: int
) -> LogLine:
    return LogLine(seq, at, level, "request", message, fields())


def _usual(event: RequestFinished, seq: int) -> LogLine:
    return LogLine(seq, event.at, LogLevel.INFO, "request", "request", _finished(event, _NOTHING))


def _level(event: RequestFinished) -> LogLevel:
    """Good is information; what took a second attempt or another model is a warning."""
    if event.is_error:
        return LogLevel.ERROR if _exhausted(event) else LogLevel.WARN
    second = event.failures or event.why.startswith("fallback:")
    return LogLevel.WARN if second else LogLevel.INFO


def _level_refused(event: RequestRefused) -> LogLevel:
    failed = event.status == 500 or event.code == "no_backend_available"
    return LogLevel.ERROR if failed else LogLevel.WARN


def _exhausted(event: RequestFinished) -> bool:
    """True when no attempt brought an answer that could be relayed."""
    return len(event.failures) >= event.attempts


def _status(event: RequestFinished) -> str:
    if event.status == 499:
        return "cancelled"
    if not event.is_error:
        return "success"
    if event.status == 504:
        return "timeout"
    return "exhausted" if _exhausted(event) else "error"


def _finished(event: RequestFinished, more: Fields) -> Fields:
    fields: dict[str, LogValue] = {
        "request_id": event.request_id,
        "model": event.requested[:MODEL_CHARS],
        "backend": event.backend,
        "backend_type": "cloud" if event.backend_type.is_cloud else "local",
        "status": _status(event),
        "status_code": event.status,
        "latency_ms": round(event.duration_ms),
        "stream": event.stream,
        "route_reason": event.why,
        "retry_count": event.attempts - 1,
    }
    if event.model != event.requested:
        fields["actual_model"] = event.model[:MODEL_CHARS]
    if event.ttft_ms is not None:
        fields["ttft_ms"] = round(event.ttft_ms)
    if event.prompt_tokens is not None:
        fields["tokens_prompt"] = event.prompt_tokens
    if event.completion_tokens is not None:
        fields["tokens_completion"] = event.completion_tokens
        if event.prompt_tokens is not None:
            fields["tokens_total"] = event.prompt_tokens + event.completion_tokens
    if event.tried:
        fields["fallback_chain"] = ",".join(event.tried)
    if event.error:
        fields["error_message"] = event.error[:ERROR_CHARS]
    return fields | more if more else fields


def _refused(event: RequestRefused, more: Fields) -> Fields:
    fields: Fields = {
        "request_id": event.request_id,
        "model": event.requested[:MODEL_CHARS],
        "backend": "none",
        "status": "error",
        "status_code": event.status,
        "error_code": event.code,
        "error_message": event.message[:ERROR_CHARS],
    }
    return fields | more if more else fields
