"""The numbers: each request counted once, and no more names than agreed."""

from nexus.domain.events import AttemptFailed
from nexus.telemetry.metrics import MOST_NAMES, OTHER, UNKNOWN, Metrics
from tests.fakes.endings import finished, refused


def test_success_errors_and_clients_that_left_are_told_apart_and_sum_up() -> None:
    metrics = Metrics()
    metrics.see(finished())
    metrics.see(finished(status=502, error="broken"))
    metrics.see(finished(status=200, error="cut short"))
    metrics.see(finished(status=499, error="client left"))
    metrics.see(refused())

    assert (metrics.success, metrics.errors, metrics.cancelled, metrics.total) == (1, 3, 1, 5)
    assert sum(metrics.requests.values()) == 5


def test_a_request_told_twice_is_counted_once() -> None:
    metrics = Metrics()
    metrics.see(finished(request_id="r1", status=503, error="all left"))
    metrics.see(refused("no_backend_available", id="r1"))

    assert (metrics.total, len(metrics.history)) == (1, 1)


def test_errors_have_the_contract_s_types() -> None:
    metrics = Metrics()
    metrics.see(finished(status=504, error="late"))
    metrics.see(finished(status=502, error="broken"))
    metrics.see(refused("no_backend_available"))

    assert dict(metrics.error_types) == {
        ("timeout", "m"): 1,
        ("backend_error", "m"): 1,
        ("no_healthy_backend", UNKNOWN): 1,
    }


def test_fallbacks_and_failed_attempts_are_counted() -> None:
    metrics = Metrics()
    metrics.see(finished(model="small", why="fallback:small:only_healthy_backend"))
    metrics.see(finished(failures=(AttemptFailed("c", 1.0, "refused"),)))

    assert dict(metrics.fallbacks) == {("m", "small"): 1}
    assert dict(metrics.failed_attempts) == {"c": 1}


def test_a_value_on_a_bound_belongs_below_it() -> None:
    metrics = Metrics()
    for ms in (100.0, 100.1, 1_000_000.0):
        metrics.see(finished(duration_ms=ms))

    counts = metrics.durations["m", "b"].counts
    assert (counts[0], counts[1], counts[-1]) == (1, 1, 1)


def test_names_that_clients_invent_make_no_labels() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_NAMES):
        metrics.see(refused(model=f"invented-{number}", id=f"q{number}"))
        metrics.see(finished(model=f"m{number}"))

    models = {model for model, _, _ in metrics.requests}
    assert len(models) <= MOST_NAMES + 2
    assert {OTHER, UNKNOWN} <= models
    assert metrics.total == 6 * MOST_NAMES
