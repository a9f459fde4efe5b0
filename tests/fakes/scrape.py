"""Reads `/metrics` as Prometheus does."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from tests.fakes.client import Reply, ask, request

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


class Page:
    """The samples of one scrape."""

    def __init__(self, text: str, *, open: bool = False) -> None:
        self.text = text
        self.families = list((open_metrics if open else plain_text)(text))
        self._samples = [
            (sample.name, sample.labels, sample.value)
            for family in self.families
            for sample in family.samples
        ]

    def value(self, name: str, **labels: str) -> float:
        """The sum of all samples of this name that have these labels; 0 where there is none."""
        return sum(
            value
            for its_name, its_labels, value in self._samples
            if its_name == f"nexus_{name}" and labels.items() <= its_labels.items()
        )

    def labels(self, name: str) -> list[dict[str, str]]:
        """The labels of each sample of this name."""
        return [labels for its_name, labels, _ in self._samples if its_name == f"nexus_{name}"]


async def fetch(url: str, accept: str = "") -> Reply:
    """The page as an HTTP answer."""
    lines = f"accept: {accept}\r\n" if accept else ""
    return await ask(url, request("/metrics", method="GET", headers=lines))


async def scrape(url: str, accept: str = "") -> Page:
    """The page, read."""
    found = await fetch(url, accept)
    assert found.status == 200
    return Page(found.body.decode(), open="openmetrics" in found.headers["content-type"])
