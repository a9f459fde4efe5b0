"""The environment means what it means for every program that speaks OpenTelemetry."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncGenerator

import pytest

from nexus.domain.fleet import Fleet
from nexus.domain.request import Endpoint
from nexus.telemetry.otel import exporter as module
from nexus.telemetry.otel.exporter import Exporter
from tests.fakes.collector import Collector, collector
from tests.fakes.endings import finished, refused


@pytest.fixture(autouse=True)
def the_interpreter_as_it_was() -> object:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@contextlib.asynccontextmanager
async def exporting(
    environ: dict[str, str] | None = None, *ids: str
) -> AsyncGenerator[tuple[Exporter, Collector]]:
    """An exporter that has seen these requests; they have come when the context has closed."""
    async with collector() as into:
        exporter = Exporter(into.url, environ or {}, Fleet, str)
        for each in ids:
            exporter.traces.begin(each, [], Endpoint.EMBEDDINGS)
            exporter.see([finished(request_id=each)])
        yield exporter, into
        await exporter.close()


async def test_spans_and_metrics_go_to_their_paths_below_the_base_url() -> None:
    async with exporting({}, "r") as (_, into):
        pass
    assert sorted(into.paths) == ["/v1/metrics", "/v1/traces"]
    assert into.spans[0].name == "embeddings m"


@pytest.mark.parametrize(
    ("variable", "left"),
    [("OTEL_TRACES_EXPORTER", "/v1/metrics"), ("OTEL_METRICS_EXPORTER", "/v1/traces")],
)
async def test_either_can_be_turned_off(variable: str, left: str) -> None:
    async with exporting({variable: "none"}, "r") as (exporter, into):
        exporter.see([refused(id="q")])
    assert into.paths == [left]


@pytest.mark.parametrize(
    ("environ", "name"),
    [({}, "nexus"), ({"OTEL_SERVICE_NAME": "edge"}, "edge")],
)
async def test_the_operator_names_the_service(environ: dict[str, str], name: str) -> None:
    async with exporting(environ, "r") as (_, into):
        pass
    assert into.resources[0]["service.name"] == name


async def test_a_sampler_decides_about_traces_that_begin_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0")
    async with exporting({}, "r") as (exporter, into):
        parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        exporter.traces.begin("wanted", [(b"traceparent", parent)], Endpoint.CHAT)
        exporter.see([finished(request_id="wanted")])
    assert [span.name for span in into.spans] == ["chat m"]


async def test_a_request_told_twice_is_one_span() -> None:
    async with exporting({}, "r") as (exporter, into):
        exporter.see([refused(id="r")])
    assert len(into.spans) == 1


async def test_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nexus.telemetry.otel.metrics.MOST_SERIES", 3)
    async with exporting({}) as (exporter, into):
        exporter.see([finished(requested=f"m{number}") for number in range(10)])
    points = into.points["gen_ai.server.request.duration"]
    assert sorted(point.count for point in points) == [1, 1, 1, 7]
    assert any(each.key == "otel.metric.overflow" for each in points[-1].attributes)


def test_an_odd_interval_is_the_usual_one() -> None:
    every_s = module._every_s
    assert every_s({}) == every_s({"OTEL_METRIC_EXPORT_INTERVAL": "often"}) == 60
    assert every_s({"OTEL_METRIC_EXPORT_INTERVAL": "5000"}) == 5
