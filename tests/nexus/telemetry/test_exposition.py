"""The pages: well-formed for Prometheus whatever names say, and true."""

import re

from nexus.domain.backend import BackendId, Load
from nexus.domain.fleet import Fleet
from nexus.telemetry.exposition import history, prometheus, stats
from nexus.telemetry.metrics import Metrics
from tests.fakes.endings import finished, refused
from tests.fakes.fleets import backend, fleet, model

LINE = re.compile(r'^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? [0-9.]+$')


def test_a_gateway_without_requests_can_be_read() -> None:
    page = prometheus(Metrics(), Fleet(), {}).decode()
    assert "nexus_backends_total 0\n" in page
    assert page.endswith("\n")


def test_every_line_is_well_formed_with_hostile_names_too() -> None:
    metrics = Metrics()
    metrics.see(finished(model='a"b\\c\n\x1b[2J', backend="\ud800x", prompt_tokens=7))
    for line in prometheus(metrics, fleet(backend('q"', model())), {}).decode().splitlines():
        assert line.startswith("# ") or LINE.match(line), line


def test_buckets_add_up_to_the_count() -> None:
    metrics = Metrics()
    for ms in (50.0, 400.0, 999_999.0):
        metrics.see(finished(duration_ms=ms))
    page = prometheus(metrics, Fleet(), {}).decode()

    found = re.findall(r"^nexus_request_duration_seconds_bucket\{.*\} (\d+)$", page, re.MULTILINE)
    counts = [int(each) for each in found]
    assert counts == sorted(counts)
    assert counts[-1] == 3
    assert 'nexus_request_duration_seconds_count{model="m",backend="b"} 3' in page


def test_stats_list_backends_by_id_and_models_by_requests() -> None:
    metrics = Metrics()
    for name, ms in (("m", 100.0), ("z", 10.0), ("z", 30.0)):
        metrics.see(finished(model=name, duration_ms=ms, backend_id=BackendId("left")))
    told = stats(metrics, fleet(backend("a")), {BackendId("a"): Load(2)}, 12.7)

    assert told["uptime_seconds"] == 12
    assert told["requests"]["total"] == 3
    assert [(b["id"], b["requests"], b["pending"]) for b in told["backends"]] == [
        ("a", 0, 2),
        ("left", 3, 0),
    ]
    assert told["models"] == [
        {"name": "z", "requests": 2, "average_duration_ms": 20.0},
        {"name": "m", "requests": 1, "average_duration_ms": 100.0},
    ]


def test_history_has_the_last_hundred_oldest_first() -> None:
    metrics = Metrics()
    for number in range(150):
        metrics.see(finished(request_id=f"r{number}"))
    metrics.see(refused())
    told = history(metrics)

    assert (len(told), told[0]["request_id"]) == (100, "r51")
    assert (told[-1]["backend_id"], told[-1]["error_message"]) == ("none", "no")
