"""What is too old or too much goes; what is still named stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.audit import AuditEntry
from nexus.domain.history import Wanted
from nexus.explain.account import account
from nexus.store import changes, chunks, prune, queries, schema
from nexus.store.facts import Facts
from nexus.store.packer import Packer
from nexus.store.rollup import Fresh, Rollup
from tests.fakes.fleets import backend, fleet
from tests.fakes.histories import AT, request

DAY = prune.DAY_S
PLENTY = 10**12


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    yield found
    found.close()


def write(connection: sqlite3.Connection, at: float, count: int = 1, name: str = "gpu") -> None:
    """Requests of one day, on a backend of their own, a hundred in each chunk."""
    facts = Facts(connection)
    facts.at(at)
    fresh = Fresh()
    packer = Packer(facts)
    seen = fleet(backend(name), backend(f"{name}-2"))
    records = [request(f"{name}-{n}", at=at, seen=seen, loads={}) for n in range(count)]
    connection.execute("BEGIN")
    fresh.see([each.ended for each in records if each.ended is not None])
    for start in range(0, count, 100):
        chunks.write(connection, packer.part(records[start : start + 100]))
    Rollup(connection, facts).write(fresh)
    connection.execute("COMMIT")


def count(connection: sqlite3.Connection, table: str) -> int:
    return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def ids(connection: sqlite3.Connection) -> list[str]:
    return [each.request_id for each in queries.recent(connection, 9999, Wanted())]


def test_requests_older_than_their_days_go_in_small_steps(connection: sqlite3.Connection) -> None:
    write(connection, AT - 31 * DAY, 100 * prune.STEP_CHUNKS + 5, "old")
    write(connection, AT - 29 * DAY, 1, "young")

    assert prune.step(connection, AT, 30, PLENTY)
    assert len(ids(connection)) == 6
    assert not prune.step(connection, AT, 30, PLENTY)
    assert ids(connection) == ["young-0"]


def test_a_chunk_goes_when_the_last_request_in_it_is_too_old(
    connection: sqlite3.Connection,
) -> None:
    write(connection, AT - 31 * DAY, 1, "old")
    write(connection, AT - 29 * DAY, 1, "young")
    chunks.merge(connection, bool, set())

    assert not prune.step(connection, AT, 30, PLENTY)
    assert ids(connection) == ["young-0", "old-0"]
    assert not prune.step(connection, AT + 2 * DAY, 30, PLENTY)
    assert ids(connection) == []


def test_the_oldest_give_way_when_room_is_short(connection: sqlite3.Connection) -> None:
    write(connection, AT - 2 * DAY, 3000, "old")
    write(connection, AT, 10, "young")
    limit = 300_000
    steps = 0
    while prune.step(connection, AT, 30, limit):
        steps += 1

    assert 0 < steps < 7
    assert not prune.too_large(connection, limit)
    assert "young-9" in ids(connection)


def test_room_that_was_freed_goes_back_to_the_disk(
    connection: sqlite3.Connection, tmp_path: Path
) -> None:
    write(connection, AT - 40 * DAY, 3000)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = (tmp_path / "h.db").stat().st_size
    while prune.step(connection, AT, 30, PLENTY):
        pass
    prune.sweep(connection, AT, 30)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    assert (tmp_path / "h.db").stat().st_size < before / 2


def test_facts_go_with_the_last_request_that_names_them(connection: sqlite3.Connection) -> None:
    write(connection, AT - 40 * DAY, 3, "old")
    write(connection, AT - 5 * DAY, 3, "young")
    before = count(connection, "facts")
    prune.step(connection, AT, 30, PLENTY)
    prune.sweep(connection, AT, 30)
    left = queries.one(connection, "young-0")

    assert count(connection, "facts") < before
    assert left is not None
    assert len(account(left)["candidates"]) == 2
    words = {word for (word,) in connection.execute("SELECT word FROM words")}
    assert "young" in words
    assert "old" not in words


def test_names_live_as_long_as_the_sums_that_need_them(connection: sqlite3.Connection) -> None:
    write(connection, AT - 20 * DAY, 1, "old")
    write(connection, AT, 1, "young")
    connection.execute("DELETE FROM chunks WHERE least_id LIKE 'old%'")  # room was short
    prune.sweep(connection, AT, 30)
    words = {word for (word,) in connection.execute("SELECT word FROM words")}

    assert {"old", "young"} <= words


def test_a_fact_that_is_named_again_lives_on(connection: sqlite3.Connection) -> None:
    write(connection, AT - 40 * DAY, 1, "same")
    write(connection, AT, 1, "same")
    prune.step(connection, AT, 30, PLENTY)
    prune.sweep(connection, AT, 30)
    left = queries.one(connection, "same-0")

    assert left is not None
    assert left.fleet is not None
    assert left.policy is not None


def test_minutes_give_way_to_hours_and_hours_to_time(connection: sqlite3.Connection) -> None:
    for days in (0, 2, 5, 40):
        write(connection, AT - days * DAY, 1, f"gpu{days}")
    prune.sweep(connection, AT, 30)

    def left(table: str) -> set[int]:
        rows = connection.execute(f"SELECT DISTINCT at FROM {table}")
        return {round((AT - at) / DAY) for (at,) in rows}

    assert left("minutes") == {0, 2}
    assert left("hours") == {0, 2, 5}


def test_changes_are_kept_longer_than_requests(connection: sqlite3.Connection) -> None:
    for days in (100, 500):
        changes.write(connection, [AuditEntry(AT - days * DAY, "cli", "admin", "drain", "gpu")])
    prune.sweep(connection, AT, 30)

    assert [each.at for each in changes.last(connection, 9)] == [AT - 100 * DAY]
