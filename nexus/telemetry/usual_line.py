"""The line of a request that went well, for people, made in one piece.

Most lines are this one, and a busy gateway writes thousands a second: made from fields like every
other line it took a tenth of what a request costs, and takes a third of that here. Says what
`nexus.telemetry.lines.pretty` says of the same request, which a test compares.
"""

from __future__ import annotations

from nexus.domain.events import RequestFinished
from nexus.telemetry.lines import stamp

MODEL_CHARS = 128


def usual_line(event: RequestFinished) -> str | None:
    """The line; None where something is to be said, quoted or escaped that is not usual."""
    if event.status != 200 or event.error or event.attempts != 1 or event.failures:
        return None
    model, why = event.requested, event.why
    if model != event.model or len(model) > MODEL_CHARS or why.startswith("fallback:"):
        return None
    told = f"{model} {event.backend} {why}"  # these three are text from outside
    if not told.isascii() or not told.isprintable() or told.count(" ") != 2:
        return None
    where = "cloud" if event.backend_type.is_cloud else "local"
    line = (
        f"{stamp(event.at)} INFO    request    request request_id={event.request_id} model={model} "
        f"backend={event.backend} backend_type={where} status=success status_code=200 "
        f"latency_ms={round(event.duration_ms)} stream={event.stream} route_reason={why} "
        "retry_count=0"
    )
    if event.ttft_ms is not None:
        line += f" ttft_ms={round(event.ttft_ms)}"
    prompt, completion = event.prompt_tokens, event.completion_tokens
    if prompt is not None:
        line += f" tokens_prompt={prompt}"
    if completion is not None:
        line += f" tokens_completion={completion}"
        if prompt is not None:
            line += f" tokens_total={prompt + completion}"
    return line
