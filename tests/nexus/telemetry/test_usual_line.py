"""The usual line is the line that would be made of its fields."""

from __future__ import annotations

import dataclasses
import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import RouteReason
from nexus.domain.events import RequestFinished
from nexus.telemetry.bus import Bus
from nexus.telemetry.lines import pretty, stamp
from nexus.telemetry.logs import Sink
from nexus.telemetry.request_log import RequestLog
from nexus.telemetry.usual_line import usual_line

names = st.sampled_from(["llama3:70b", "gpu-1", "a b", "x" * 200, "é", "a=b", 'q"', "tab\t", ""])
counts = st.none() | st.integers(0, 10**6)
events = st.builds(
    RequestFinished,
    request_id=st.just("req-1"),
    at=st.floats(0, 2e9),
    requested=names,
    model=names,
    backend_id=st.just(BackendId("b")),
    backend=names,
    backend_type=st.sampled_from(BackendType),
    reason=st.sampled_from(RouteReason),
    why=st.sampled_from(["highest_score:gpu-1:98", "fallback:m:only_healthy_backend", "a b"]),
    stream=st.booleans(),
    status=st.sampled_from([200, 200, 200, 404, 499, 502]),
    error=st.sampled_from(["", "", "cut short"]),
    ttft_ms=st.none() | st.floats(0, 1e6),
    duration_ms=st.floats(0, 1e6),
    prompt_tokens=counts,
    completion_tokens=counts,
    attempts=st.sampled_from([1, 1, 2]),
)
same_names = st.tuples(events, names).map(
    lambda both: dataclasses.replace(both[0], requested=both[1], model=both[1])
)


@pytest.fixture(autouse=True)
def at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="nexus")


def logged(event: RequestFinished, *, json: bool) -> str:
    bus, stream = Bus(), io.StringIO()
    log = RequestLog(bus, Sink(stream, json=json))
    bus.publish(event)
    log.write()
    return stream.getvalue().removesuffix("\n")


@given(events | same_names)
def test_it_says_what_a_line_made_of_the_fields_says(event: RequestFinished) -> None:
    usual = usual_line(event)
    if usual is None:
        return
    bus = Bus()
    sink = Sink(None, json=False)
    log = RequestLog(bus, sink)
    bus.publish(event)
    log.write()
    (line,) = sink.ring.read()
    said = {
        "timestamp": stamp(event.at),
        "level": line.level.value,
        "target": "nexus.request",
        "message": line.message,
    }

    assert usual == pretty(None, "info", said | dict(line.fields))


def test_it_is_what_is_written_and_not_where_json_is_asked_for() -> None:
    event = RequestFinished(
        "req-1",
        1_700_000_000.5,
        "llama",
        "llama",
        BackendId("gpu-1"),
        "gpu-1",
        BackendType.VLLM,
        RouteReason.CAPABILITY_MATCH,
        "highest_score:gpu-1:98",
        True,
        200,
        duration_ms=250.6,
    )

    assert logged(event, json=False) == usual_line(event)
    assert logged(event, json=True).startswith("{")
    assert usual_line(dataclasses.replace(event, backend="two words")) is None
