"""The log of the told story's gateway: what it would have had to say about the same updates."""

from __future__ import annotations

from collections.abc import Iterable

from nexus.domain.audit import AuditEntry
from nexus.domain.events import BackendChanged, RequestFinished, RequestRefused, Update
from nexus.domain.logline import LogLevel, LogLine, LogValue

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "nexus/discovery/mdns.py", line 88, in announce\n'
    "    await self._socket.send(packet)\n"
    "OSError: [Errno 101] Network is unreachable"
)


def lines(updates: Iterable[Update], start: float) -> tuple[LogLine, ...]:
    """Lines in order, numbered from 1."""
    found: list[LogLine] = []

    def say(at: float, level: LogLevel, part: str, text: str, **more: LogValue) -> None:
        found.append(LogLine(len(found) + 1, at, level, part, text, more))

    say(start - 753, LogLevel.INFO, "server", "listening", url="http://127.0.0.1:8000")
    say(start - 752, LogLevel.INFO, "config", "no configuration file: defaults")
    say(start - 751, LogLevel.ERROR, "discovery", "announcing failed", exception=TRACEBACK)
    for update in updates:
        match update:
            case RequestFinished():
                level = LogLevel.WARN if update.is_error else LogLevel.INFO
                facts: dict[str, LogValue] = {
                    "request_id": update.request_id,
                    "model": update.model,
                    "backend": update.backend,
                    "status_code": update.status,
                    "latency_ms": round(update.duration_ms),
                    "route_reason": update.why,
                    "ttft_ms": None if update.ttft_ms is None else round(update.ttft_ms),
                }
                if update.error:
                    facts["error_message"] = update.error
                say(update.at, level, "request", "request", **facts)
            case RequestRefused():
                say(
                    update.at,
                    LogLevel.WARN,
                    "request",
                    "refused",
                    request_id=update.request_id,
                    model=update.requested,
                    backend="none",
                    status_code=update.status,
                    error_code=update.code,
                    error_message=update.message,
                )
            case BackendChanged():
                said = update.backend.status.value
                say(start, LogLevel.INFO, "health", f"{update.backend.name} is {said}")
            case _:
                pass
    return tuple(found)


def made(now: float) -> tuple[AuditEntry, ...]:
    """What people changed, newest first."""
    gpt, old, new = "gpt-4", {"target": "qwen3:32b"}, {"target": "llama3.3:70b"}
    return (
        AuditEntry(now - 95, "dashboard", "operator", "drain", "gpu-02", {"draining": False},
                   {"draining": True}),
        AuditEntry(now - 260, "cli", "admin", "alias set", gpt, old, new),
        AuditEntry(now - 300, "api:ci", "operator", "remove", "gpu-01", None, None,
                   "this takes the role admin"),
    )  # fmt: skip
