"""A file of version 1 becomes one of today, and tells the same."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

import pytest

from nexus.domain.history import Outcome, Wanted, columns_of
from nexus.domain.policy import Policy
from nexus.explain.account import account, summary
from nexus.explain.asked import asked
from nexus.explain.what_if import what_if
from nexus.store import chunks, convert, queries
from nexus.store.facts import Facts
from nexus.store.packer import Packer
from nexus.store.past import matches
from nexus.store.schema import open_writer
from nexus.store.store import Store
from nexus.telemetry.records import Record
from tests.fakes import version_1
from tests.fakes.histories import AT, FLEET, decided, ended, failed, request, taken_over, unread

RECORDS = [
    request("req-a", at=AT, stream=True, tenant="acme"),
    failed("req-b", at=AT + 1),
    ended(decided("req-c", "nobody-has-this", at=AT + 2, max_tokens=5)),
    request("req-d", at=AT + 3, status=499, error="client left"),
    taken_over("req-e"),
    unread("req-f", at=AT + 5),
    request("req-g", "gpt-5", at=AT + 6, completion_tokens=None, ttft_ms=None, tokens_per_s=None),
    ended(decided("req-h", "gpt-4", at=AT + 7, policy=Policy(aliases={"gpt-4": "gpt-5"}))),
]


def test_everything_is_told_as_before(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    version_1.file(path, RECORDS)
    store = Store(path, unix=lambda: AT + 10)
    store.start()
    store.flush()
    found = [store.record(each.request_id) for each in RECORDS]
    lines = store.recent(99)
    errors = store.recent(99, Wanted(outcome=Outcome.ERROR))
    past = store.columns(0)
    store.put(request("req-new", at=AT + 9))
    store.flush()
    last = store.recent(2)
    store.close()

    assert [each and account(each) for each in found] == [account(each) for each in RECORDS]
    assert [summary(each) for each in reversed(lines)] == [summary(each) for each in RECORDS]
    assert [each.request_id for each in reversed(errors)] == [
        each.request_id for each in RECORDS if matches(each, Wanted(outcome=Outcome.ERROR))
    ]
    assert [each.request_id for each in last] == ["req-new", "req-h"]
    policy = Policy()
    before, after = (
        what_if(those, FLEET, policy, policy, ["gpu-01"])  # type: ignore[list-item]
        for those in (columns_of(asked(RECORDS)), past)
    )
    assert after == before


def ids(connection: sqlite3.Connection) -> list[str]:
    return [each.request_id for each in queries.recent(connection, 99, Wanted())]


def numbered(count: int) -> list[Record]:
    return [request(f"r{n:05}", at=AT + n) for n in range(count)]


def test_what_is_new_comes_before_what_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MOST", 10)
    path = tmp_path / "h.db"
    version_1.file(path, numbered(35))
    connection = open_writer(path)
    first = ids(connection)
    facts = Facts(connection)
    facts.at(AT)
    chunks.write(connection, Packer(facts).part([request("new", at=AT + 99)]))
    steps = [convert.step(connection, lambda: None) for _ in range(3)]
    found = ids(connection)
    left = convert.waits(connection)
    connection.close()

    assert first == [f"r{n:05}" for n in range(34, 24, -1)]
    assert steps == [True, True, False]
    assert found == ["new", *(f"r{n:05}" for n in range(34, -1, -1))]
    assert not left


def test_a_conversion_that_was_broken_off_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "MOST", 10)
    path = tmp_path / "h.db"
    version_1.file(path, numbered(35))

    def killed() -> None:
        raise KeyboardInterrupt

    connection = open_writer(path)
    with pytest.raises(KeyboardInterrupt):
        convert.step(connection, killed)
    connection.close()
    store = Store(path, unix=lambda: AT + 100)
    store.start()
    store.flush()
    found = [each.request_id for each in store.recent(99)]
    store.close()

    assert found == [f"r{n:05}" for n in range(34, -1, -1)]


def test_a_row_that_makes_no_sense_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "h.db"
    version_1.file(path, numbered(5))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE requests SET kind = 'odd' WHERE id = 'r00002'")
    connection.close()
    connection = open_writer(path)
    found = ids(connection)
    connection.close()

    assert found == ["r00004", "r00003", "r00001", "r00000"]
    assert "request r00002 cannot be read" in caplog.text


def test_the_log_tells_of_a_long_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "h.db"
    version_1.file(path, numbered(chunks.MOST + 5))
    with caplog.at_level(logging.INFO):
        connection = open_writer(path)
        convert.step(connection, lambda: None)
        connection.close()

    assert [each.getMessage() for each in caplog.records] == [
        "1004 requests of the history are brought into its new form, newest first",
        "the history is in its new form",
    ]
