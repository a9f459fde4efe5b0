"""Pieces of a page put together are the page that prometheus_client would make of the whole."""

from collections.abc import Iterator

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

from nexus.telemetry.families import counter, gauge, histogram, render
from nexus.telemetry.histogram import Histogram
from tests.fakes.endings import finished

OPEN = "application/openmetrics-text; version=1.0.0"


class Whole:
    def collect(self) -> Iterator[Metric]:
        many = CounterMetricFamily("nexus_many_total", "Many.", labels=("n",))
        for number in range(500):
            many.add_metric((str(number),), number)
        yield many
        took = HistogramMetricFamily("nexus_took_seconds", "Took.", labels=("n",))
        for number in range(50):
            took.add_metric((str(number),), [("1.0", 1), ("2.5", 1), ("+Inf", 2)], 4.5)
        yield took


@pytest.mark.parametrize("accept", ["", "text/plain", OPEN, "nonsense"])
def test_a_page_in_pieces_is_the_page_as_a_whole(accept: str) -> None:
    each = Histogram((1, 2.5))
    each.add(0.5)
    each.add(4.0)
    families = [
        counter("many_total", "Many", ("n",), {(str(n),): n for n in range(500)}),
        histogram("took_seconds", "Took", ("n",), {(str(n),): each for n in range(50)}),
    ]
    content_type, pieces = render(families, accept)
    made = list(pieces)

    encode, expected_type = choose_encoder(accept)
    assert b"".join(made) == encode(Whole())  # type: ignore[arg-type]
    assert content_type == expected_type
    assert len(made) > 10


@pytest.mark.parametrize("accept", ["text/plain;version=abc", "text/plain;;version=a-1", "\x00"])
def test_a_client_that_asks_for_nonsense_gets_plain_text(accept: str) -> None:
    content_type, pieces = render([gauge("g", "G", (), {(): 1.0})], accept)
    assert content_type.startswith("text/plain; version=0.0.4")
    assert b"nexus_g 1.0\n" in b"".join(pieces)


def test_a_page_is_of_the_moment_in_which_it_was_asked_for() -> None:
    each, sums = Histogram((1,)), {("a",): 1.0}
    each.add(0.5)
    _, pieces = render(
        [counter("c_total", "C", ("n",), sums), histogram("h", "H", (), {(): each})], ""
    )
    each.add(0.5)
    sums["b",] = 2.0

    page = b"".join(pieces).decode()
    assert "nexus_h_count 1.0" in page
    assert 'n="b"' not in page


def test_without_values_a_family_is_only_described() -> None:
    families = [
        gauge("g", "G", ("n",), {}),
        histogram("h", "H", ("n",), {("x",): Histogram((1,))}),
    ]
    page = b"".join(render(families, "")[1]).decode()
    assert page.splitlines() == [
        "# HELP nexus_g G.",
        "# TYPE nexus_g gauge",
        "# HELP nexus_h H.",
        "# TYPE nexus_h histogram",
    ]


def test_openmetrics_names_a_request_for_each_bucket() -> None:
    each = Histogram((1,))
    each.add(0.3)
    examples = {("a",): [finished(request_id="req-7", duration_ms=300.0), None]}
    family = histogram("h", "H", ("n",), {("a",): each}, examples)

    page = b"".join(render([family], OPEN)[1]).decode()
    assert '{le="1.0",n="a"} 1.0 # {request_id="req-7"} 0.3' in page
    assert page.count("# {") == 1
    assert page.endswith("# EOF\n")
    assert "# {" not in b"".join(render([family], "")[1]).decode()
