"""`/metrics` as an HTTP answer."""

from __future__ import annotations

import pytest

from tests.fakes.client import ask, request
from tests.fakes.gateway import gateway
from tests.fakes.scrape import OPEN_METRICS, fetch


async def test_head_tells_the_length_without_the_page() -> None:
    async with gateway() as here:
        whole = await fetch(here.url)
        head = await ask(here.url, request("/metrics", method="HEAD", headers=""), head=True)
    assert head.status == 200
    assert head.body == b""
    assert head.headers["content-type"] == whole.headers["content-type"]
    assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/html, */*;q=0.1", "text/plain; version=0.0.4; charset=utf-8"),
        (OPEN_METRICS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        # What Prometheus 3 sends
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.3",
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        ),
    ],
)
async def test_the_format_is_the_one_that_was_asked_for(accept: str, kind: str) -> None:
    async with gateway() as here:
        found = await fetch(here.url, accept)
    assert found.headers["content-type"].startswith(kind)


async def test_other_methods_are_told_which_there_are() -> None:
    async with gateway() as here:
        found = await ask(here.url, request("/metrics", {}))
    assert found.status == 405
    assert "GET" in str(found.error()["message"])
