"""Times as people type them."""

from __future__ import annotations

from datetime import datetime

import pytest

from nexus.cli.times import moment, span_s
from nexus.errors import BadRequest

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("2s", 2), ("1.5h", 5400), ("30 m", 1800), ("7D", 604_800), ("1w", 604_800)],
)
def test_a_span_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert span_s(text) == seconds
    assert moment(text, NOW) == NOW - seconds


@pytest.mark.parametrize("text", ["2026-11-24", "2026-11-24T08:30", "2026-11-24 08:30:15"])
def test_a_date_is_local_time(text: str) -> None:
    assert moment(text, NOW) == datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "24", "-3h", "h", "1y", "2026-13-01"])
def test_what_is_neither_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match=r"24h"):
        span_s(text)
    with pytest.raises(BadRequest, match="24h, 7d"):
        moment(text, NOW)
