"""Questions to the file find what the same questions to the memory find."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nexus.domain.backend import BackendId, Zone
from nexus.domain.history import Asked, Outcome, Wanted, columns_of
from nexus.domain.request import Endpoint
from nexus.store import chunks, queries, schema
from nexus.store.facts import Facts
from nexus.store.packer import Packer
from nexus.store.part import read_whole
from nexus.store.past import matches
from nexus.telemetry.records import Record
from tests.fakes.fleets import MODEL
from tests.fakes.histories import AT, decided, ended, failed, request, unread

RECORDS = [
    request("req-a", at=AT, stream=True),
    request("req-b", at=AT + 1, tenant="acme", duration_ms=2500.0),
    request("req-c", "gpt-5", at=AT + 2),
    failed("req-d", at=AT + 3),
    ended(decided("req-e", "absent", at=AT + 4), status=404, code="model_not_found"),
    request("req-f", at=AT + 5, status=499, error="client left", tenant="acme-2"),
    unread("req-g", at=AT + 6),
    request("req-h", at=AT + 7, model="mistral", backend_id=BackendId("x"), backend="Größe_1"),
    request("req-i", at=AT + 8, status=400, error="100% [wrong] * ?"),
]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    for some in (RECORDS[:1], RECORDS[1:2], RECORDS[2:]):  # as they came, a moment apart
        write(found, *some)
    yield found
    found.close()


def write(connection: sqlite3.Connection, *records: Record) -> None:
    facts = Facts(connection)
    facts.at(AT)
    chunks.write(connection, Packer(facts).part(records))


FILTERS: list[dict[str, Any]] = [
    {},
    {"model": "llama"},
    {"model": "gpt-*"},
    {"model": "mistral"},
    {"model": "LLAMA"},
    {"model": "[lm]*"},
    {"backend": "gpu-01"},
    {"backend": "gpu"},
    {"backend": "gpu-*"},
    {"status": 200},
    {"status": 404},
    {"outcome": Outcome.OK},
    {"outcome": Outcome.ERROR},
    {"outcome": Outcome.LEFT},
    {"zone": Zone.OPEN},
    {"zone": Zone.RESTRICTED},
    {"tenant": "acme"},
    {"tenant": "acme*"},
    {"tenant": "anonymous"},
    {"min_duration_ms": 2000.0},
    {"since": AT + 3},
    {"until": AT + 3},
    {"since": AT + 1, "until": AT + 5, "model": "llama", "outcome": Outcome.OK},
    {"text": "req-d"},
    {"text": "CLOSED"},
    {"text": "größe"},
    {"text": "100% [wrong] *"},
    {"text": "nothing like it"},
]


@pytest.mark.parametrize("facts", FILTERS, ids=str)
def test_a_filter_means_the_same_in_the_file_and_in_memory(
    connection: sqlite3.Connection, facts: dict[str, Any]
) -> None:
    wanted = Wanted(**facts)
    found = [each.request_id for each in queries.recent(connection, 99, wanted)]

    assert found == [each.request_id for each in reversed(RECORDS) if matches(each, wanted)]


def test_each_filter_of_the_list_above_tells_some_apart() -> None:
    def count(facts: dict[str, Any]) -> int:
        return sum(matches(each, Wanted(**facts)) for each in RECORDS)

    never = {"nothing like it", "LLAMA", "gpu"}
    told = [facts for facts in FILTERS if facts and never.isdisjoint(map(str, facts.values()))]
    assert not [facts for facts in told if not 0 < count(facts) < len(RECORDS)]


def test_pages_follow_one_another_without_gap_or_overlap(connection: sqlite3.Connection) -> None:
    ids: list[str] = []
    before = ""
    while page := queries.recent(connection, 2, Wanted(), before):
        ids += [each.request_id for each in page]
        before = ids[-1]

    assert ids == [each.request_id for each in reversed(RECORDS)]


def test_a_request_is_found_by_its_id_alone(connection: sqlite3.Connection) -> None:
    found = queries.one(connection, "req-b")

    assert found is not None
    assert found.backend == RECORDS[1].backend
    assert queries.one(connection, "req") is None
    assert queries.one(connection, "req-%") is None


def test_all_since_a_time_come_with_what_a_what_if_needs(connection: sqlite3.Connection) -> None:
    found = list(queries.since(connection, AT + 1, AT + 4))
    first = found[0]

    assert [each.at for each in found] == [AT + 1, AT + 2, AT + 3]
    assert isinstance(first, Asked)
    assert (first.at, first.model, first.tenant) == (AT + 1, MODEL, "acme")
    assert (first.backend, first.status, first.duration_ms) == ("gpu-01", 200, 2500.0)
    assert (first.shape.endpoint, first.shape.model) == (Endpoint.CHAT, "")
    assert found[2].shape is first.shape


def test_columns_say_the_same(connection: sqlite3.Connection) -> None:
    one_by_one = columns_of(queries.since(connection, AT + 1, AT + 4))
    found = queries.columns(connection, AT + 1, AT + 4)

    assert [list(each) for each in found] == [list(each) for each in one_by_one]
    assert found.ended_at[0] == AT + 3.5
    assert found.kinds[0].shape is found.kinds[2].shape
    assert not queries.columns(connection, AT + 100, None).at


def test_columns_tell_times_as_they_were(connection: sqlite3.Connection) -> None:
    asked = decided("req-x", at=AT + 100.1234, max_tokens=77)
    write(connection, ended(asked, duration_ms=1500.0))
    found = queries.columns(connection, AT + 100, None)

    assert list(found.at) == [AT + 100.1234]
    assert list(found.ended_at) == [AT + 100.1234 + 1.5]
    assert list(found.max_tokens) == [77]


def test_what_could_not_be_read_is_no_demand(connection: sqlite3.Connection) -> None:
    asked = {each.at for each in queries.since(connection, 0, None)}

    assert AT + 6 not in asked
    assert AT + 4 in asked  # refused, and asked for all the same


def test_the_line_of_a_list_needs_no_fact_of_its_decision(connection: sqlite3.Connection) -> None:
    for size, numbers in connection.execute("SELECT size, picture FROM chunks").fetchall():
        for n in read_whole(numbers, size):
            connection.execute("DELETE FROM facts WHERE n = ?", (n,))
    listed = queries.recent(connection, 1, Wanted(model="gpt-5"))
    whole = queries.one(connection, "req-c")

    def said(record: Record | None) -> object:
        return record and (record.backend, record.status, record.fleet)

    assert said(listed[0]) == said(whole) == ("cloud", 200, None)
