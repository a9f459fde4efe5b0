"""The page: well-formed for Prometheus whatever names say, and true."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from nexus.domain.backend import BackendId, Load, Zone
from nexus.domain.fleet import Fleet, Loads
from nexus.telemetry.exposition import Exposition
from nexus.telemetry.metrics import Metrics
from nexus.upstream.guard import Guard
from tests.fakes.endings import AT, finished, refused
from tests.fakes.fleets import backend, fleet, model

OPEN = "application/openmetrics-text"


def page(metrics: Metrics, picture: Fleet | None = None, loads: Loads | None = None) -> str:
    exposition = Exposition(metrics, lambda: picture or Fleet(), lambda: loads or {}, lambda: AT)
    return b"".join(exposition.page()[1]).decode()


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """Samples of one name by their labels' values, in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in plain_text(text)
        for sample in family.samples
        if sample.name == f"nexus_{name}"
    }


def test_a_gateway_without_requests_can_be_read() -> None:
    text = page(Metrics())
    assert values(text, "backends_total") == {(): 0.0}
    assert values(text, "pipeline_duration_seconds_count") == {(): 0.0}
    assert text.endswith("\n")


@pytest.mark.parametrize("accept", ["", OPEN])
def test_every_line_can_be_read_back_with_hostile_names_too(accept: str) -> None:
    metrics = Metrics(sockets=Guard())
    hostile = 'a"b\\c\n\x1b[2J'
    metrics.see(finished(model=hostile, backend="\ud800x", prompt_tokens=7, request_id="r"))
    metrics.see(refused(model="\u202e"))
    picture = fleet(backend('q"', model()))
    exposition = Exposition(metrics, lambda: picture, dict, lambda: AT)
    text = b"".join(exposition.page(accept)[1]).decode()

    families = list((open_metrics if accept else plain_text)(text))
    labels = {
        value for family in families for each in family.samples for value in each.labels.values()
    }
    assert not {value for value in labels if not value.isprintable()}
    assert any(value.startswith('a"b\\c ') for value in labels)


def test_buckets_add_up_to_the_count() -> None:
    metrics = Metrics()
    for ms in (50.0, 400.0, 999_999.0):
        metrics.see(finished(duration_ms=ms))
    text = page(metrics)

    counts = list(values(text, "request_duration_seconds_bucket").values())
    assert counts == sorted(counts)
    assert counts[-1] == 3
    assert values(text, "request_duration_seconds_count") == {("b", "m"): 3}


def test_the_fleet_is_counted_as_it_is_now() -> None:
    picture = fleet(backend("up", model()), backend("other", model()))
    text = page(Metrics(), picture, {BackendId("up"): Load(pending=3)})

    assert values(text, "backends_total") == {(): 2}
    assert values(text, "backends_healthy") == {(): 2}
    assert values(text, "models_available") == {(): 1}
    assert values(text, "pending_requests") == {("up",): 3}


def test_quality_health_checks_and_zones_have_their_metrics() -> None:
    guard = Guard()
    guard.opened[Zone.OPEN] += 2
    guard.breach("Backend 'x' is outside")
    metrics = Metrics(sockets=guard)
    metrics.see(finished())
    metrics.see(finished(status=502, error="no"))
    metrics.checked("b", 0.2)
    text = page(metrics)

    assert values(text, "agent_error_rate") == {("b",): 0.5}
    assert values(text, "agent_success_rate_24h") == {("b",): 0.5}
    assert values(text, "agent_request_count_1h") == {("b",): 2}
    assert values(text, "backend_latency_seconds_count") == {("b",): 1}
    assert values(text, "sockets_opened_total") == {("open",): 2, ("restricted",): 0}
    assert values(text, "zone_breaches_total") == {(): 1}
