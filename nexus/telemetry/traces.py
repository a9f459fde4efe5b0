"""Which trace a request belongs to: W3C `traceparent` in, and out to each backend that is tried.

This half stands on the way of a request, and exists only where traces are wanted. Spans are made
afterwards, by `nexus.telemetry.otel`, from the ids that were given out here. `tracestate` is not
passed on: it is somebody's private note, and a backend may be a stranger.
"""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from nexus.domain.request import Endpoint

MOST = 20_000
"""Requests under way whose trace is remembered."""

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


@dataclass(slots=True)
class Trace:
    """One request's place in a trace."""

    trace_id: int
    span_id: int
    """Of the request itself."""
    parent: int | None
    """The client's span; None where it named none."""
    sampled: bool
    endpoint: Endpoint
    attempts: list[int] = field(default_factory=list[int])
    """Span ids of the attempts, in order."""


class Traces:
    """Traces of the requests under way.

    Args:
        sampled: whether a trace that begins here is recorded, by its id. A client's own decision
            is kept.
        chance: 64 random bits.
    """

    def __init__(
        self,
        sampled: Callable[[int], bool] = lambda trace_id: True,
        chance: Callable[[], int] = lambda: random.getrandbits(64),
    ) -> None:
        self._sampled = sampled
        self._chance = chance
        self._traces: OrderedDict[str, Trace] = OrderedDict()

    def begin(
        self, request_id: str, headers: Iterable[tuple[bytes, bytes]], endpoint: Endpoint
    ) -> None:
        """A request has arrived with these headers, names in lower case."""
        said = next((value for name, value in headers if name == b"traceparent"), None)
        known = parent_of(said) if said is not None else None
        if known is None:
            trace_id = (self._id() << 64) | self._id()
            trace = Trace(trace_id, self._id(), None, self._sampled(trace_id), endpoint)
        else:
            trace_id, parent, sampled = known
            trace = Trace(trace_id, self._id(), parent, sampled, endpoint)
        self._traces[request_id] = trace
        if len(self._traces) > MOST:
            self._traces.popitem(last=False)

    def attempt(self, request_id: str) -> bytes:
        """The header line for the next backend that is tried."""
        trace = self._traces.get(request_id)
        if trace is None:
            return b""
        span_id = self._id()
        trace.attempts.append(span_id)
        return b"traceparent: 00-%032x-%016x-%02x\r\n" % (trace.trace_id, span_id, trace.sampled)

    def trace_id(self, request_id: str) -> str:
        """The trace of a request, in hexadecimal; empty where it is not recorded."""
        trace = self._traces.get(request_id)
        return f"{trace.trace_id:032x}" if trace is not None and trace.sampled else ""

    def take(self, request_id: str) -> Trace | None:
        """The trace of a request that has ended, once."""
        return self._traces.pop(request_id, None)

    def _id(self) -> int:
        """A random id, never 0."""
        return self._chance() or 1


def parent_of(value: bytes) -> tuple[int, int, bool] | None:
    """Trace id, span id and whether it is sampled; None where the header is not valid."""
    found = _TRACEPARENT.fullmatch(value.strip())
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    trace_id, span_id = int(trace, 16), int(span, 16)
    if version == b"ff" or (version == b"00" and more) or not trace_id or not span_id:
        return None
    return trace_id, span_id, bool(int(flags, 16) & 1)
