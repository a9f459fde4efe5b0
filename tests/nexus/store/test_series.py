"""Numbers over time: each step has its point, and each request counts once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.history import Metric
from nexus.store import schema
from nexus.store.facts import Facts
from nexus.store.rollup import Fresh, Rollup
from nexus.store.series import MOST_POINTS, series
from tests.fakes.histories import AT, failed, request

HOUR = AT - AT % 3600


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Two hours: a request a minute on gpu-01, and one that failed every ten on gpu-02."""
    found = schema.open_writer(tmp_path / "h.db")
    facts = Facts(found)
    facts.at(AT)
    fresh = Fresh()
    for minute in range(120):
        at = HOUR + 60 * minute
        records = [request(at=at, backend="gpu-01", duration_ms=100.0 + minute)]
        if minute % 10 == 0:
            records.append(failed(at=at, backend="gpu-02", model="other"))
        for record in records:
            assert record.ended is not None
            fresh.see([record.ended])
    Rollup(found, facts).write(fresh)
    yield found
    found.close()


def values(found: sqlite3.Connection, metric: Metric, step: int, **which: str) -> list[object]:
    points = series(found, metric, HOUR, HOUR + 7200, step, **which)
    assert [point.at for point in points] == list(range(int(HOUR), int(HOUR) + 7200, step))
    return [point.value for point in points]


def test_each_minute_has_its_requests(connection: sqlite3.Connection) -> None:
    assert values(connection, Metric.REQUESTS, 60)[:12] == [2, *[1] * 9, 2, 1]


def test_coarser_steps_add_up(connection: sqlite3.Connection) -> None:
    assert values(connection, Metric.REQUESTS, 600) == [11] * 12
    assert values(connection, Metric.REQUESTS, 3600) == [66, 66]
    assert values(connection, Metric.COMPLETION_TOKENS, 3600) == [2400, 2400]


def test_one_backend_or_model_is_told_apart(connection: sqlite3.Connection) -> None:
    assert values(connection, Metric.ERRORS, 600, backend="gpu-02") == [1] * 12
    assert values(connection, Metric.ERRORS, 600, model="other") == [1] * 12
    assert values(connection, Metric.ERRORS, 600, backend="gpu-01") == [0] * 12
    assert values(connection, Metric.ERRORS, 600, backend="nobody") == [None] * 12


def test_where_nothing_happened_there_is_no_value(connection: sqlite3.Connection) -> None:
    later = series(connection, Metric.REQUESTS, HOUR + 7200, HOUR + 7320, 60)

    assert [point.value for point in later] == [None, None]


def test_latency_is_that_of_the_requests_in_the_step(connection: sqlite3.Connection) -> None:
    (first, second) = values(connection, Metric.LATENCY_P95, 3600)
    assert isinstance(first, float)
    assert isinstance(second, float)

    assert first == pytest.approx(156, rel=0.06)
    assert second == pytest.approx(216, rel=0.06)
    assert values(connection, Metric.LATENCY_P50, 3600, backend="gpu-02") == [None, None]


def test_what_is_kept_by_the_hour_only_is_told_by_the_hour(
    connection: sqlite3.Connection,
) -> None:
    connection.execute("DELETE FROM minutes WHERE at < ?", (HOUR + 7140,))
    points = series(connection, Metric.REQUESTS, HOUR, HOUR + 7200, 60)

    assert [point.value for point in points] == [66, 66]


def test_a_step_too_fine_is_made_coarser(connection: sqlite3.Connection) -> None:
    points = series(connection, Metric.REQUESTS, HOUR - 30 * 86_400, HOUR + 7200, 60)

    assert 0 < len(points) <= MOST_POINTS
    assert sum(point.value or 0 for point in points) == 132
