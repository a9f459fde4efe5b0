"""The line of a request that went well, for people, made in one piece.

Most lines are this one, and a busy gateway writes thousands a second: made from fields like every
other line it took a tenth of what a request costs, and takes a third of that here. Says what
`nexus.telemetry.lines.pretty` says of the same request, which a test compares.
"""

from __future__ import annotations

from functools import lru_cache

from nexus.domain.backend import BackendType
from nexus.domain.events import RequestFinished
from nexus.telemetry.lines import stamp

MODEL_CHARS = 128


def usual_line(event: RequestFinished) -> str | None:
    """The line; None where something is to be said, quoted or escaped that is not usual."""
    if event.status != 200 or event.error or event.attempts != 1 or event.failures:
        return None
    model = event.requested
    if model != event.model:
        return None
    words = _words(model, event.backend, event.backend_type, event.why)
    if words is None:
        return None
    line = (
        f"{stamp(event.at)} INFO    request    request request_id={event.request_id}{words[0]} "
        f"latency_ms={round(event.duration_ms)} stream={event.stream}{words[1]}"
    )
    if event.ttft_ms is not None:
        line += f" ttft_ms={round(event.ttft_ms)}"
    prompt, completion = event.prompt_tokens, event.completion_tokens
    if completion is None:
        return line if prompt is None else f"{line} tokens_prompt={prompt}"
    if prompt is None:
        return f"{line} tokens_completion={completion}"
    return (
        f"{line} tokens_prompt={prompt} tokens_completion={completion} "
        f"tokens_total={prompt + completion}"
    )


@lru_cache(maxsize=1024)
def _words(model: str, backend: str, type: BackendType, why: str) -> tuple[str, str] | None:
    """What thousands of lines have in common, before and after the time that a request took."""
    if len(model) > MODEL_CHARS or why.startswith("fallback:"):
        return None
    told = f"{model} {backend} {why}"  # these three are text from outside
    if not told.isascii() or not told.isprintable() or told.count(" ") != 2:
        return None
    where = "cloud" if type.is_cloud else "local"
    return (
        f" model={model} backend={backend} backend_type={where} status=success status_code=200",
        f" route_reason={why} retry_count=0",
    )
