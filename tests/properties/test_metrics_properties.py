"""Whatever ends however: numbers add up, quality stays a share, and pages can be read."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from nexus.domain.backend import BackendId
from nexus.domain.events import AttemptFailed, RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet
from nexus.telemetry.exposition import Exposition
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.stats import history, stats
from tests.fakes.endings import AT, finished

names = st.text(max_size=12) | st.sampled_from(["m", "n", 'a"b', "a\\b", "\ud800", "{}", "le"])
numbers = st.none() | st.floats(0, 1e7)
counts = st.none() | st.integers(0, 10**7)
statuses = st.sampled_from([200, 200, 200, 400, 404, 429, 499, 500, 502, 503, 504])
failures = st.lists(
    st.builds(
        AttemptFailed,
        names,
        st.floats(0, 1000),
        st.sampled_from(["refused", "answered 429", "answered 500"]),
    ),
    max_size=3,
)


@st.composite
def endings(draw: st.DrawFn) -> RequestFinished | RequestRefused:
    id = f"r{draw(st.integers(0, 10**9))}"
    at = AT + draw(st.floats(0, 90_000))
    if draw(st.integers(0, 4)) == 0:
        return RequestRefused(id, at, draw(names), 404, "model_not_found", "no")
    backend, failed, status = draw(names), tuple(draw(failures)), draw(statuses)
    return finished(
        request_id=id,
        at=at,
        requested=draw(names),
        model=draw(names),
        backend=backend,
        backend_id=BackendId(backend),
        status=status,
        error="" if status == 200 and draw(st.booleans()) else "it failed",
        why=draw(st.sampled_from(["", "fallback:x:y"])),
        ttft_ms=draw(numbers),
        duration_ms=draw(st.floats(0, 1e7)),
        prompt_tokens=draw(counts),
        completion_tokens=draw(counts),
        failures=failed,
        attempts=len(failed) + draw(st.integers(0, 1)) or 1,
    )


def sums(text: str, name: str, read: object = plain_text) -> float:
    return sum(
        sample.value
        for family in read(text)  # type: ignore[operator]
        for sample in family.samples
        if sample.name == f"nexus_{name}"
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(endings(), max_size=25, unique_by=lambda event: event.request_id))
def test_numbers_add_up_and_pages_can_be_read(
    events: list[RequestFinished | RequestRefused],
) -> None:
    metrics = Metrics()
    for event in sorted(events, key=lambda event: event.at):
        metrics.see(event)
    routed = [event for event in events if isinstance(event, RequestFinished)]

    assert metrics.total == len(events) == sum(metrics.requests().values())
    assert metrics.success + metrics.errors + metrics.cancelled == metrics.total
    assert metrics.cancelled == sum(event.status == 499 for event in routed)
    assert sum(metrics.error_types.values()) == metrics.errors
    for counts in metrics.backends.values():
        assert 0 <= counts.failures <= counts.attempts
        for now in (AT + 90_000, AT + 200_000):
            quality = counts.quality(now)
            assert 0 <= quality.error_rate_1h <= 1
            assert 0 <= quality.success_rate_24h <= 1
            assert 0 <= quality.request_count_1h <= counts.attempts

    exposition = Exposition(metrics, Fleet, dict, lambda: AT)
    text = b"".join(exposition.page()[1]).decode()
    assert sums(text, "requests_total") == len(events)
    assert sums(text, "request_duration_seconds_count") == len(routed)
    open = b"".join(exposition.page("application/openmetrics-text; version=1.0.0")[1]).decode()
    assert sums(open, "requests_total", open_metrics) == len(events)

    told = stats(metrics, Fleet(), {}, 1.0, AT)
    assert sum(each["requests"] for each in told["backends"]) == len(routed)
    assert sum(each["requests"] for each in told["models"]) == len(routed)
    assert len(history(metrics)) == len(events)
