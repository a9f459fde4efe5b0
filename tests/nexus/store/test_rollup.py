"""Sums and sketches tell what happened, over restarts too."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.store import schema
from nexus.store.facts import Facts
from nexus.store.rollup import COLUMNS, Cell, Fresh, Rollup, Sketch, cell
from nexus.telemetry.records import Record
from tests.fakes.histories import AT, decided, ended, failed, request, unread

MINUTE = AT - AT % 60


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    yield found
    found.close()


def seen(*records: Record) -> Fresh:
    fresh = Fresh()
    fresh.see([each.ended for each in records if each.ended is not None])
    return fresh


def write(connection: sqlite3.Connection, *records: Record) -> None:
    """As one process does that begins and ends."""
    facts = Facts(connection)
    facts.at(AT)
    Rollup(connection, facts).write(seen(*records))


def cells(connection: sqlite3.Connection, table: str) -> dict[tuple[int, str, str], Cell]:
    rows = connection.execute(
        f"SELECT at, b.word, m.word, {COLUMNS} FROM {table} c"
        " JOIN words b ON b.n = c.backend JOIN words m ON m.n = c.model"
    )
    return {(at, backend, model): cell(sums) for at, backend, model, *sums in rows}


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_is_within_five_percent(values: list[float], share: float) -> None:
    sketch = Sketch()
    sketch.add(values)
    told = sketch.quantile(share)
    count = next(n for n in range(1, len(values) + 1) if n >= share * len(values))
    true = sorted(values)[count - 1]

    assert told is not None
    assert abs(told - true) <= 0.05 * true


def test_nothing_has_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None


@given(st.lists(st.floats(0, 1e5)), st.lists(st.floats(0, 1e5)))
def test_two_sketches_together_are_the_sketch_of_all(one: list[float], two: list[float]) -> None:
    parts = [Sketch(), Sketch(), Sketch()]
    parts[0].add(one)
    parts[1].add(two)
    parts[2].add([*one, *two])
    parts[0].join(parts[1])

    assert parts[0] == parts[2]


def test_a_cell_is_read_as_it_was_written() -> None:
    one = Cell()
    records = (request(), failed(), unread(), request(status=499))
    one.see([each.ended for each in records if each.ended is not None])

    assert cell(one.row()) == one
    assert (one.requests, one.errors, one.left) == (4, 2, 1)
    assert (one.prompt, one.completion) == (36, 80)
    assert sum(one.duration.values()) == 1  # what went wrong says nothing about speed


def test_a_restart_within_the_minute_adds_to_it(connection: sqlite3.Connection) -> None:
    write(connection, request("a", at=MINUTE), request("b", at=MINUTE + 2))
    write(connection, request("c", at=MINUTE + 3))
    write(connection, request("d", at=MINUTE + 60))
    minutes = {at: each.requests for (at, *_), each in cells(connection, "minutes").items()}
    hours = [each.requests for each in cells(connection, "hours").values()]

    assert minutes == {MINUTE: 3, MINUTE + 60: 1}
    assert hours == [4]


def test_requests_count_in_the_minute_of_their_end(connection: sqlite3.Connection) -> None:
    write(connection, ended(decided("a", at=MINUTE + 59), after_s=2))

    assert [at for at, *_ in cells(connection, "minutes")] == [MINUTE + 60]


def test_names_that_nobody_has_share_one_row(connection: sqlite3.Connection) -> None:
    refused = [
        ended(decided(f"r{n}", f"made-up-{n}"), status=404, code="model_not_found")
        for n in range(50)
    ]
    write(connection, *refused)
    ((_, backend, model),) = cells(connection, "minutes")

    assert (backend, model) == ("", "")


def test_late_ends_join_the_minute_they_belong_to(connection: sqlite3.Connection) -> None:
    facts = Facts(connection)
    facts.at(AT)
    rollup = Rollup(connection, facts)
    for at in (MINUTE, MINUTE + 120, MINUTE):  # the clock was set back
        rollup.write(seen(request(at=at - 1)))
    told = {at: each.requests for (at, *_), each in cells(connection, "minutes").items()}

    assert told == {MINUTE: 2, MINUTE + 120: 1}
