"""Spans of a request that has ended: one for itself, and one below it for each attempt.

They are made whole, as values, from the event and the ids that were given out on the request's way;
the SDK's own spans are made for code that runs, and cost five times as much.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from nexus import __version__
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.text import clean
from nexus.telemetry.otel import words
from nexus.telemetry.otel.words import Attributes
from nexus.telemetry.traces import Trace

SCOPE = InstrumentationScope("nexus", __version__)
NAME_CHARS = 256


class Spans:
    """Makes spans.

    Args:
        resource: what this process is called.
        place: host and port of a backend, by its name.
    """

    def __init__(self, resource: Resource, place: Callable[[str], Attributes]) -> None:
        self._resource = resource
        self._place = place

    def of_finished(self, event: RequestFinished, trace: Trace) -> list[ReadableSpan]:
        """The request and its attempts."""
        operation = words.operation(trace.endpoint)
        began = event.at - event.duration_ms / 1000
        common: Attributes = {
            words.OPERATION: operation,
            words.REQUEST_MODEL: clean(event.requested, NAME_CHARS),
            words.STREAM: event.stream,
        }
        served: Attributes = {
            words.PROVIDER: words.provider(event.backend_type),
            words.RESPONSE_MODEL: clean(event.model, NAME_CHARS),
        }
        if event.prompt_tokens is not None:
            served[words.INPUT_TOKENS] = event.prompt_tokens
        if event.completion_tokens is not None:
            served[words.OUTPUT_TOKENS] = event.completion_tokens
        if event.ttft_ms is not None and event.stream:
            served[words.FIRST_CHUNK] = event.ttft_ms / 1000
        name = f"{operation} {common[words.REQUEST_MODEL]}"
        whole = {
            **common,
            **served,
            words.METHOD: "POST",
            words.PATH: trace.endpoint.value,
            words.STATUS: event.status,
            "nexus.request_id": event.request_id,
            "nexus.backend": clean(event.backend, NAME_CHARS),
            "nexus.route_reason": clean(event.why, NAME_CHARS),
            "nexus.attempts": event.attempts,
        }
        status = Status(StatusCode.UNSET)
        if event.is_error:
            whole[words.ERROR_TYPE] = str(event.status) if event.status >= 400 else "broken"
            if event.status >= 500 or event.status < 400:
                status = Status(StatusCode.ERROR, clean(event.error))
        spans = [self._server(name, trace, began, event.at, whole, status)]
        ids = iter(trace.attempts)
        start = began
        for failed in event.failures:
            end = began + failed.after_ms / 1000
            why = clean(failed.why)
            said = {**common, **self._place(failed.backend), words.ERROR_TYPE: "attempt_failed"}
            said["nexus.backend"] = clean(failed.backend, NAME_CHARS)
            failure = Status(StatusCode.ERROR, why)
            spans += self._client(name, trace, next(ids, None), start, end, said, failure)
            start = end
        if len(event.failures) < event.attempts:
            said = {**common, **served, **self._place(event.backend)}
            said[words.STATUS] = event.status
            said["nexus.backend"] = clean(event.backend, NAME_CHARS)
            if event.is_error:
                said[words.ERROR_TYPE] = whole[words.ERROR_TYPE]
            spans += self._client(name, trace, next(ids, None), start, event.at, said, status)
        return spans

    def of_refused(self, event: RequestRefused, trace: Trace) -> ReadableSpan:
        """A request that no backend was asked about."""
        operation = words.operation(trace.endpoint)
        model = clean(event.requested, NAME_CHARS)
        said: Attributes = {
            words.OPERATION: operation,
            words.METHOD: "POST",
            words.PATH: trace.endpoint.value,
            words.STATUS: event.status,
            words.ERROR_TYPE: event.code,
            "nexus.request_id": event.request_id,
        }
        if model:
            said[words.REQUEST_MODEL] = model
        failed = event.status >= 500
        status = Status(StatusCode.ERROR, clean(event.message)) if failed else Status()
        name = f"{operation} {model}".rstrip()
        return self._server(name, trace, event.at, event.at, said, status)

    def _server(
        self,
        name: str,
        trace: Trace,
        began: float,
        ended: float,
        said: Mapping[str, words.Value],
        status: Status,
    ) -> ReadableSpan:
        parent = _context(trace, trace.parent, remote=True) if trace.parent else None
        context = _context(trace, trace.span_id)
        return self._span(name, context, parent, SpanKind.SERVER, began, ended, said, status)

    def _client(
        self,
        name: str,
        trace: Trace,
        span_id: int | None,
        began: float,
        ended: float,
        said: Mapping[str, words.Value],
        status: Status,
    ) -> list[ReadableSpan]:
        if span_id is None:  # ended before anything was sent
            return []
        context, parent = _context(trace, span_id), _context(trace, trace.span_id)
        return [self._span(name, context, parent, SpanKind.CLIENT, began, ended, said, status)]

    def _span(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        began: float,
        ended: float,
        said: Mapping[str, words.Value],
        status: Status,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            said,
            kind=kind,
            status=status,
            start_time=int(began * 1e9),
            end_time=int(ended * 1e9),
            instrumentation_scope=SCOPE,
        )


def _context(trace: Trace, span_id: int, *, remote: bool = False) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    return SpanContext(trace.trace_id, span_id, remote, flags)
