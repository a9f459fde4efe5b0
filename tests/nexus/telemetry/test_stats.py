"""`/v1/stats` and `/v1/history`."""

from nexus.domain.backend import BackendId, Load
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.stats import history, stats
from tests.fakes.endings import AT, finished, refused
from tests.fakes.fleets import backend, fleet


def test_stats_list_backends_by_id_and_models_by_requests() -> None:
    metrics = Metrics()
    for name, ms in (("m", 100.0), ("z", 10.0), ("z", 30.0)):
        metrics.see(finished(model=name, duration_ms=ms, backend_id=BackendId("left")))
    told = stats(metrics, fleet(backend("a")), {BackendId("a"): Load(2)}, 12.7, AT)

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


def test_how_well_a_backend_answers_is_told_once_there_is_something_to_tell() -> None:
    metrics = Metrics()
    metrics.see(finished(backend="a", backend_id=BackendId("a"), ttft_ms=50.0))
    metrics.see(finished(backend="a", backend_id=BackendId("a"), status=502, error="no"))
    known, new = stats(metrics, fleet(backend("a"), backend("b")), {}, 1.0, AT)["backends"]

    assert (known["error_rate_1h"], known["avg_ttft_ms"]) == (0.5, 50.0)
    assert known["success_rate_24h"] == 0.5
    assert "error_rate_1h" not in new


def test_history_has_the_last_hundred_oldest_first() -> None:
    metrics = Metrics()
    for number in range(150):
        metrics.see(finished(request_id=f"r{number}"))
    metrics.see(refused())
    told = history(metrics)

    assert (len(told), told[0]["request_id"]) == (100, "r51")
    assert (told[-1]["backend_id"], told[-1]["error_message"]) == ("none", "no")
