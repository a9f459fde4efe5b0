"""Trace ids come in, go out to each backend, and are never forged."""

from itertools import count

import pytest

from nexus.domain.request import Endpoint
from nexus.telemetry.traces import MOST, Traces, parent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (GOOD, True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f" {GOOD} ", True),
        (f"01-{TRACE}-{SPAN}-03-later", True),
    ],
)
def test_a_valid_parent_is_read(value: str, sampled: bool) -> None:
    assert parent_of(value.encode()) == (int(TRACE, 16), int(SPAN, 16), sampled)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-zz",
        f"{GOOD}\r\nx-evil: 1",
    ],
)
def test_an_invalid_parent_is_ignored(value: str) -> None:
    assert parent_of(value.encode()) is None


def test_each_attempt_gets_its_own_span_in_the_trace_of_the_client() -> None:
    ids = count(1)
    traces = Traces(chance=lambda: next(ids))
    traces.begin("r", [(b"traceparent", GOOD.encode())], Endpoint.CHAT)

    assert traces.attempt("r") == f"traceparent: 00-{TRACE}-{2:016x}-01\r\n".encode()
    assert traces.attempt("r") == f"traceparent: 00-{TRACE}-{3:016x}-01\r\n".encode()
    assert traces.trace_id("r") == TRACE
    trace = traces.take("r")
    assert trace is not None
    assert (trace.parent, trace.span_id, trace.attempts) == (int(SPAN, 16), 1, [2, 3])
    assert traces.take("r") is None


def test_without_a_parent_a_trace_begins_here_and_sampling_is_ours() -> None:
    traces = Traces(sampled=lambda trace_id: False)
    traces.begin("r", [(b"traceparent", b"broken")], Endpoint.CHAT)

    assert traces.trace_id("r") == ""
    trace = traces.take("r")
    assert trace is not None
    assert (trace.parent, trace.sampled) == (None, False)
    assert trace.trace_id
    assert trace.span_id


def test_ids_are_never_zero() -> None:
    traces = Traces(chance=lambda: 0)
    traces.begin("r", [], Endpoint.CHAT)
    trace = traces.take("r")
    assert trace is not None
    assert trace.trace_id
    assert trace.span_id


def test_requests_that_never_end_are_forgotten_at_last() -> None:
    traces = Traces()
    for number in range(MOST + 1):
        traces.begin(str(number), [], Endpoint.CHAT)
    assert traces.take("0") is None
    assert traces.take("1") is not None
    assert traces.attempt("0") == b""
