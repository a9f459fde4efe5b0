"""One line per request, with the fields that were promised, and never what was asked."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import logging

import pytest

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load
from nexus.domain.decision import RouteReason
from nexus.domain.events import (
    AttemptFailed,
    BackendChanged,
    LoadChanged,
    RequestFinished,
    RequestRefused,
)
from nexus.domain.logline import LogValue
from nexus.telemetry.bus import Bus
from nexus.telemetry.logs import Sink
from nexus.telemetry.request_log import MODEL_CHARS, RequestLog
from tests.fakes.fleets import backend

FINISHED = RequestFinished(
    request_id="req-1",
    at=1_700_000_000.5,
    requested="llama",
    model="llama",
    backend_id=BackendId("gpu-1"),
    backend="gpu-1",
    backend_type=BackendType.VLLM,
    reason=RouteReason.CAPABILITY_MATCH,
    why="highest_score:gpu-1:98",
    stream=True,
    status=200,
    ttft_ms=12.4,
    duration_ms=250.6,
    prompt_tokens=5,
    completion_tokens=7,
)
REFUSED = RequestRefused("req-2", 1.0, "none", 404, "model_not_found", "no such model")


@pytest.fixture(autouse=True)
def at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="nexus")


def logged(*events: object, json_lines: bool = True, size: int | None = None) -> list[str]:
    bus = Bus()
    stream = io.StringIO()
    log = RequestLog(bus, Sink(stream, json=json_lines))
    for event in events:
        bus.publish(event)  # type: ignore[arg-type]
    log.write()
    return stream.getvalue().splitlines()


def one(event: object) -> dict[str, object]:
    (line,) = logged(event)
    return json.loads(line)


async def test_a_request_is_one_line_with_every_promised_field() -> None:
    assert one(FINISHED) == {
        "timestamp": "2023-11-14T22:13:20.500+00:00",
        "level": "info",
        "target": "nexus.request",
        "message": "request",
        "request_id": "req-1",
        "model": "llama",
        "backend": "gpu-1",
        "backend_type": "local",
        "status": "success",
        "status_code": 200,
        "latency_ms": 251,
        "ttft_ms": 12,
        "stream": True,
        "route_reason": "highest_score:gpu-1:98",
        "retry_count": 0,
        "tokens_prompt": 5,
        "tokens_completion": 7,
        "tokens_total": 12,
    }


async def test_a_failure_warns_and_names_what_was_tried() -> None:
    failed = dataclasses.replace(
        FINISHED, status=502, error="cut short", attempts=3, tried=("a", "b"), model="small"
    )
    said = one(failed)

    assert (said["level"], said["status"], said["status_code"]) == ("warn", "error", 502)
    assert (said["retry_count"], said["fallback_chain"]) == (2, "a,b")
    assert said["error_message"] == "cut short"
    assert (said["model"], said["actual_model"]) == ("llama", "small")


async def test_a_client_that_left_is_not_a_warning() -> None:
    assert one(dataclasses.replace(FINISHED, status=499))["level"] == "info"


async def test_a_cloud_backend_is_called_so() -> None:
    told = dataclasses.replace(FINISHED, backend_type=BackendType.OPENAI)

    assert one(told)["backend_type"] == "cloud"


async def test_a_refusal_is_a_line_too() -> None:
    said = one(REFUSED)

    assert (said["level"], said["backend"], said["status"]) == ("warn", "none", "error")
    assert (said["status_code"], said["error_code"]) == (404, "model_not_found")
    assert said["error_message"] == "no such model"


async def test_a_model_name_of_a_megabyte_is_cut() -> None:
    said = one(dataclasses.replace(FINISHED, requested="x" * 1_000_000))

    assert len(str(said["model"])) == MODEL_CHARS


@pytest.mark.parametrize("json_lines", [True, False])
async def test_hostile_text_stays_inside_its_line(json_lines: bool) -> None:
    hostile = "a\n{}\x1b[2J\ud800\u202e"
    lines = logged(
        dataclasses.replace(FINISHED, requested=hostile, error=hostile, model=hostile),
        dataclasses.replace(REFUSED, requested=hostile, message=hostile),
        json_lines=json_lines,
    )

    assert len(lines) == 2
    for line in lines:
        assert "\n" not in line
        assert "\x1b" not in line
        line.encode("utf-8")


async def test_a_pretty_line_reads_like_the_others() -> None:
    (line,) = logged(FINISHED, json_lines=False)

    assert line.startswith("2023-11-14T22:13:20.500+00:00 INFO    request    request ")
    assert "request_id=req-1 model=llama backend=gpu-1" in line


async def test_a_change_of_the_fleet_is_not_a_request() -> None:
    changed = BackendChanged(1, backend(), BackendStatus.UNKNOWN)

    assert logged(LoadChanged(BackendId("a"), Load()), changed) == []


async def test_at_error_level_ordinary_requests_are_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, logger="nexus")

    assert logged(FINISHED, REFUSED) == []


async def test_at_warn_level_only_trouble_is_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="nexus")
    lines = logged(FINISHED, dataclasses.replace(FINISHED, status=502), REFUSED)

    assert len(lines) == 2


async def test_what_waits_is_written_when_the_bus_closes() -> None:
    bus = Bus()
    sink = Sink(None, json=True)
    log = RequestLog(bus, sink)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(log.run(), name="request log")
        await asyncio.sleep(0)
        bus.publish(FINISHED)
        bus.close()

    assert sink.ring.newest == 1


async def test_what_waits_is_written_when_the_log_is_cancelled() -> None:
    bus = Bus()
    sink = Sink(None, json=True)
    log = RequestLog(bus, sink)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(log.run(), name="request log")
        await asyncio.sleep(0)
        bus.publish(FINISHED)
        task.cancel()

    assert sink.ring.newest == 1


class Broken(io.StringIO):
    """A full disk."""

    def write(self, text: str) -> int:
        raise OSError("no space left on device")


async def test_a_broken_sink_loses_its_line_and_nothing_else() -> None:
    bus = Bus()
    log = RequestLog(bus, Sink(Broken(), json=True))
    bus.publish(FINISHED)
    log.write()
    bus.publish(FINISHED)
    log.write()


LOST = AttemptFailed("a", 1.0, "connection refused")


@pytest.mark.parametrize(
    ("changes", "level", "status"),
    [
        ({}, "info", "success"),
        ({"status": 499, "error": "client left"}, "info", "cancelled"),
        ({"failures": (LOST,), "attempts": 2, "tried": ("a",)}, "warn", "success"),
        ({"model": "small", "why": "fallback:small:x"}, "warn", "success"),
        ({"status": 400, "error": "backend answered 400"}, "warn", "error"),
        ({"error": "cut short"}, "warn", "error"),
        ({"status": 504, "error": "late"}, "warn", "timeout"),
        ({"status": 502, "error": "x", "failures": (LOST,)}, "error", "exhausted"),
    ],
)
async def test_a_level_says_how_bad_it_is_and_a_status_what_it_was(
    changes: dict[str, object], level: str, status: str
) -> None:
    said = one(dataclasses.replace(FINISHED, **changes))  # type: ignore[arg-type]
    assert (said["level"], said["status"]) == (level, status)


@pytest.mark.parametrize(
    ("code", "status", "level"),
    [
        ("model_not_found", 404, "warn"),
        ("no_backend_available", 503, "error"),
        ("internal_error", 500, "error"),
        ("shutting_down", 503, "warn"),
    ],
)
async def test_a_refusal_is_an_error_where_nobody_could_serve(
    code: str, status: int, level: str
) -> None:
    assert one(dataclasses.replace(REFUSED, code=code, status=status))["level"] == level


async def test_what_is_written_is_kept_as_values() -> None:
    bus, sink = Bus(), Sink(None, json=True)
    log = RequestLog(bus, sink)
    bus.publish(FINISHED)
    bus.publish(REFUSED)
    log.write()

    served, refused = sink.ring.read()
    assert (served.component, served.message, served.level) == ("request", "request", "info")
    assert served.fields["latency_ms"] == 251
    assert (refused.message, refused.fields["error_code"]) == ("refused", "model_not_found")


async def test_a_line_has_what_others_know_of_its_request() -> None:
    bus, stream = Bus(), io.StringIO()
    known: dict[str, dict[str, LogValue]] = {"req-1": {"trace_id": "4bf9"}, "req-2": {}}
    sink = Sink(stream, json=True)
    log = RequestLog(bus, sink, more=known.pop)
    bus.publish(FINISHED)
    bus.publish(REFUSED)
    log.write()

    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["trace_id"] == "4bf9"
    assert "trace_id" not in second
    assert [line.fields.get("trace_id") for line in sink.ring.read()] == ["4bf9", None]


async def test_others_are_told_of_the_same_events() -> None:
    bus = Bus()
    heard: list[object] = []
    log = RequestLog(bus, Sink(None, json=True), also=(heard.extend,))
    bus.publish(FINISHED)
    log.write()
    assert heard == [FINISHED]
