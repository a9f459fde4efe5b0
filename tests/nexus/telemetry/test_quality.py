"""Windows over what a backend did: right to the minute, and forgetful."""

from nexus.telemetry.histogram import FIRST_BYTES_S, Histogram
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.quality import HOUR_S, MINUTE_S, BackendCounts
from tests.fakes.endings import finished

START = 1_800_000_000.0 // HOUR_S * HOUR_S


def test_a_backend_without_requests_is_without_fault() -> None:
    quality = BackendCounts(Histogram(FIRST_BYTES_S)).quality(START)
    assert quality == (0.0, 0.0, 1.0, 0, None)


def test_rates_and_the_time_to_the_first_byte_are_those_of_the_last_hour() -> None:
    metrics = Metrics()
    for number in range(8):
        metrics.see(finished(at=START + number, ttft_ms=100.0))
    for number in range(2):
        metrics.see(finished(at=START + HOUR_S + number, status=502, error="no", ttft_ms=700.0))
    counts = metrics.backends["b"]

    soon = counts.quality(START + 30)
    assert (soon.error_rate_1h, round(soon.success_rate_24h, 3)) == (0.2, 0.8)
    late = counts.quality(START + HOUR_S + 2 * MINUTE_S)
    assert (late.error_rate_1h, late.request_count_1h) == (1.0, 2)
    assert round(late.avg_ttft_ms) == 700
    assert (round(late.success_rate_24h, 3), late.last_failure_at) == (0.8, START + HOUR_S + 1)


def test_what_is_long_ago_is_forgotten() -> None:
    metrics = Metrics()
    metrics.see(finished(at=START, status=502, error="no"))
    counts = metrics.backends["b"]

    quality = counts.quality(START + 26 * HOUR_S)
    assert (quality.error_rate_1h, quality.success_rate_24h, quality.request_count_1h) == (0, 1, 0)
    assert quality.last_failure_at == START


def test_a_busy_day_keeps_windows_right_and_memory_small() -> None:
    metrics = Metrics()
    for minute in range(30 * 60):
        failed = minute % 4 == 0
        facts = {"status": 502, "error": "no"} if failed else {}
        metrics.see(finished(at=START + minute * MINUTE_S + 30, **facts))
    counts = metrics.backends["b"]

    quality = counts.quality(START + 30 * HOUR_S)
    assert (quality.error_rate_1h, quality.request_count_1h) == (0.25, 60)
    assert quality.success_rate_24h == 0.75
    assert len(counts._minutes) + len(counts._hours) <= 88
