"""Small chunks become large ones; what they say stays the same."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.history import Wanted
from nexus.explain.account import account
from nexus.store import chunks, queries, schema
from nexus.store.facts import Facts
from nexus.store.packer import Packer
from nexus.store.part import Part
from nexus.telemetry.records import Record
from tests.fakes.histories import AT, failed, request, taken_over, unread


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    yield found
    found.close()


class Log:
    """Writes as the gateway does: chunks of the sizes that come."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        facts = Facts(connection)
        facts.at(AT)
        self._packer = Packer(facts)
        self.count = 0

    def add(self, *sizes: int) -> None:
        for size in sizes:
            self.write(request(f"r{self.count + n:05}", at=AT + n) for n in range(size))

    def write(self, records: Iterator[Record]) -> None:
        those = list(records)
        chunks.write(self._connection, self._packer.part(those))
        self.count += len(those)


def sizes(connection: sqlite3.Connection) -> list[int]:
    return [size for (size,) in connection.execute("SELECT size FROM chunks ORDER BY n")]


def merged(connection: sqlite3.Connection) -> list[int]:
    spoiled = set[int]()
    while chunks.merge(connection, bool, spoiled):
        pass
    return sizes(connection)


def ids(connection: sqlite3.Connection) -> list[str]:
    return [each.request_id for each in queries.recent(connection, 99_999, Wanted())]


def test_small_neighbours_become_one_and_large_ones_stay(connection: sqlite3.Connection) -> None:
    log = Log(connection)
    log.add(*[25] * 100, 1000, 600, 400, 300, 499, 3, 700, 1)
    before = ids(connection)

    assert merged(connection) == [1000, 1000, 500, 1000, 600, 700, 502, 700, 1]
    assert ids(connection) == before


def test_no_request_is_written_often(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, written = Log(connection), list[int]()
    write = chunks.write

    def counted(connection: sqlite3.Connection, part: Part, n: int | None = None) -> None:
        written.append(part.size)
        write(connection, part, n)

    monkeypatch.setattr(chunks, "write", counted)
    for _ in range(700):  # one a minute
        log.add(1)
        merged(connection)

    assert sum(written) < 10 * 700
    assert len(sizes(connection)) < 10
    assert len(ids(connection)) == 700


def test_whatever_the_sizes_all_but_the_last_are_large(connection: sqlite3.Connection) -> None:
    chance = random.Random(3)
    log = Log(connection)
    log.add(*(chance.randrange(1, 90) for _ in range(80)))
    told = merged(connection)

    assert all(chunks.SMALL <= each <= chunks.MOST for each in told[:-8])
    assert sum(told) == log.count


def test_requests_of_a_merged_chunk_are_explained_as_before(
    connection: sqlite3.Connection,
) -> None:
    log = Log(connection)
    records = [request("a"), failed("b"), unread("c"), taken_over("d"), request("e", turn=4)]
    for each in records:
        log.write(iter([each]))
    merged(connection)
    found = [queries.one(connection, each.request_id) for each in records]

    assert sizes(connection) == [5]
    assert [each and account(each) for each in found] == [account(each) for each in records]


def test_a_merge_that_fails_leaves_all_as_it_was(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log(connection)
    log.add(1, 2, 3)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(chunks, "write", full)
        with pytest.raises(sqlite3.OperationalError):
            chunks.merge(connection, bool, set())

    assert not connection.in_transaction
    assert sizes(connection) == [1, 2, 3]


def test_what_cannot_be_read_is_left_alone(
    connection: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    log = Log(connection)
    log.add(3, 3, 600, 2, 2)
    connection.execute("UPDATE chunks SET told = x'010203' WHERE n = 2")

    assert merged(connection) == [3, 3, 600, 4]
    assert "2 chunks of the history are damaged" in caplog.text
