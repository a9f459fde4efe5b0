"""The numbers: each request counted once, and no more names than agreed."""

from nexus.domain.backend import BackendId
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
    assert dict(metrics.requests()) == {
        ("m", "b", "200"): 2,
        ("m", "b", "502"): 1,
        ("m", "b", "499"): 1,
        (UNKNOWN, "none", "404"): 1,
    }


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


def test_fallbacks_are_counted_when_they_serve_and_aliases_are_none() -> None:
    metrics = Metrics()
    metrics.see(finished(model="small", why="fallback:small:only_healthy_backend"))
    metrics.see(finished(model="small", why="fallback:small:x", status=502, error="broken"))
    metrics.see(finished(requested="alias", why="only_healthy_backend"))

    assert dict(metrics.fallbacks) == {("m", "small"): 1}


def test_every_failed_attempt_counts_against_its_backend_and_the_last_one_once() -> None:
    metrics = Metrics()
    lost, busy = AttemptFailed("c", 1.0, "refused"), AttemptFailed("d", 2.0, "answered 429")
    metrics.see(finished(failures=(lost, busy), attempts=3))
    metrics.see(
        finished(backend="c", backend_id=BackendId("c"), failures=(lost,), status=502, error="x")
    )
    metrics.see(finished(status=502, error="cut short"))
    metrics.see(finished(status=400, error="backend answered 400"))

    tried = {name: (each.attempts, each.failures) for name, each in metrics.backends.items()}
    assert tried == {"c": (2, 2), "d": (1, 0), "b": (3, 1)}
    assert dict(metrics.failed_attempts) == {"c": 2, "d": 1}


def test_a_client_that_left_says_nothing_about_a_backend() -> None:
    metrics = Metrics()
    metrics.see(finished(status=499, error="client left"))
    assert metrics.backends["b"].attempts == 0


def test_a_value_on_a_bound_belongs_below_it() -> None:
    metrics = Metrics()
    for ms in (100.0, 100.1, 1_000_000.0):
        metrics.see(finished(duration_ms=ms, request_id=f"took {ms}"))

    cell = metrics.pairs()["m", "b"]
    assert (cell.durations.counts[0], cell.durations.counts[1], cell.durations.counts[-1]) == (
        1,
        1,
        1,
    )
    assert [each.request_id for each in cell.examples if each] == [
        "took 100.0",
        "took 100.1",
        "took 1000000.0",
    ]


def test_statuses_share_their_histograms() -> None:
    metrics = Metrics()
    metrics.see(finished(ttft_ms=70.0, prompt_tokens=10, completion_tokens=60))
    metrics.see(finished(status=200, error="cut short", ttft_ms=70.0, completion_tokens=3))
    metrics.see(finished(status=502, error="broken"))

    cell = metrics.pairs()["m", "b"]
    assert (cell.durations.count, round(cell.durations.sum, 6)) == (3, 0.9)
    assert (cell.prompt.count, cell.completion.count, cell.completion.sum) == (1, 2, 63)
    assert metrics.first_bytes()["b"].counts == [0, 2, 0, 0, 0, 0]


def test_names_that_servers_and_clients_invent_make_no_labels() -> None:
    metrics = Metrics()
    for number in range(3 * MOST_NAMES):
        name = f"m{number}"
        metrics.see(refused(model=f"invented-{number}", id=f"q{number}"))
        metrics.see(finished(model=name, backend=name, backend_id=BackendId(name)))

    requests = metrics.requests()
    assert len({model for model, _, _ in requests}) <= MOST_NAMES + 2
    assert len({backend for _, backend, _ in requests}) <= MOST_NAMES + 2
    assert {OTHER, UNKNOWN} <= {model for model, _, _ in requests}
    assert metrics.total == 6 * MOST_NAMES
    assert len(metrics.cells) <= MOST_NAMES + 1
