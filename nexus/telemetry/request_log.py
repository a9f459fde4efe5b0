"""One structured line per request, written away from the request's own path (contract 8.2).

A fold over the events: it wakes a few times a second and writes what has gathered in one piece, so
a request pays for an append, and its line a few microseconds later. The lines are made here and not
by `logging`, which takes ten times as long. Never contains what was asked or answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from nexus.domain.events import Event, RequestFinished, RequestRefused
from nexus.domain.logline import LogLevel, LogLine, LogValue
from nexus.telemetry.bus import Bus, Reader
from nexus.telemetry.log_ring import Make
from nexus.telemetry.logs import Sink, get_logger

log = get_logger("nexus.request")

PAUSE_S = 0.05
"""Between writes. What gathers in it at 5,000 requests/s takes two milliseconds to write."""
MODEL_CHARS = 128
ERROR_CHARS = 1024


class RequestLog:
    """Reads the bus from the moment it is made.

    Args:
        bus: what is watched.
        sink: where lines go.
        also: told of the same events, some milliseconds after they happened.
    """

    def __init__(
        self, bus: Bus, sink: Sink, also: Sequence[Callable[[Sequence[Event]], None]] = ()
    ) -> None:
        self._also = also
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
        info, warn = log.isEnabledFor(logging.INFO), log.isEnabledFor(logging.WARNING)
        sink, writes = self._sink, self._sink.writes
        makes: list[Make] = []
        lines: list[str] = []
        for event in events:
            match event:
                case RequestFinished() if info or (warn and event.is_error):
                    makes.append(partial(_finished_line, event))
                    if writes:
                        level = _level(event)
                        fields = _finished(event)
                        lines.append(sink.render(event.at, level, log.name, "request", fields))
                case RequestRefused() if warn:
                    makes.append(partial(_refused_line, event))
                    if writes:
                        fields = _refused(event)
                        text = sink.render(event.at, LogLevel.WARN, log.name, "refused", fields)
                        lines.append(text)
                case _:
                    pass
        if makes:
            sink.ring.extend(makes)
        if lines:
            sink.write(lines)
        for told in self._also:
            told(events)


def _level(event: RequestFinished) -> LogLevel:
    return LogLevel.WARN if event.is_error else LogLevel.INFO


def _finished_line(event: RequestFinished, seq: int) -> LogLine:
    return LogLine(seq, event.at, _level(event), "request", "request", _finished(event))


def _refused_line(event: RequestRefused, seq: int) -> LogLine:
    return LogLine(seq, event.at, LogLevel.WARN, "request", "refused", _refused(event))


def _finished(event: RequestFinished) -> dict[str, LogValue]:
    fields: dict[str, LogValue] = {
        "request_id": event.request_id,
        "model": event.requested[:MODEL_CHARS],
        "backend": event.backend,
        "backend_type": "cloud" if event.backend_type.is_cloud else "local",
        "status": "error" if event.is_error else "success",
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
    if event.tried:
        fields["fallback_chain"] = ",".join(event.tried)
    if event.error:
        fields["error_message"] = event.error[:ERROR_CHARS]
    return fields


def _refused(event: RequestRefused) -> dict[str, LogValue]:
    return {
        "request_id": event.request_id,
        "model": event.requested[:MODEL_CHARS],
        "backend": "none",
        "status": "error",
        "status_code": event.status,
        "error_code": event.code,
        "error_message": event.message[:ERROR_CHARS],
    }
