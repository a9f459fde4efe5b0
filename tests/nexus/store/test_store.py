"""What is put into the store is there after a restart; what is wrong with its file harms nobody."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.audit import AuditEntry
from nexus.domain.policy import Policy, Strategy
from nexus.explain.account import account, summary
from nexus.store import writer
from nexus.store.schema import reading
from nexus.store.store import Store
from nexus.telemetry.records import Record
from tests.fakes.fleets import backend, fleet
from tests.fakes.histories import AT, decided, ended, failed, request, taken_over, unread

CHANGE = AuditEntry(AT, "cli", "admin", "drain", "gpu-01", {"draining": False}, {"draining": True})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "nexus.db"


@pytest.fixture
def opened(path: Path) -> Iterator[list[Store]]:
    """Stores to close at the end of the test."""
    stores: list[Store] = []
    yield stores
    for store in stores:
        store.close()


def a_store(path: Path, opened: list[Store], **more: int) -> Store:
    store = Store(path, unix=lambda: AT + 10, **more)
    store.start()
    opened.append(store)
    return store


def put(store: Store, *records: Record) -> bool:
    for record in records:
        store.put(record)
    return store.flush()


@pytest.mark.parametrize(
    "record",
    [
        request(stream=True, tenant="acme"),
        failed(),
        ended(decided(vision=True)),
        ended(decided(name="gpt-5")),
        ended(decided(name="nobody-has-this")),
        ended(decided(name="gpt-5", min_tier=3, tier_by="the client")),
        request(policy=Policy(Strategy.ROUND_ROBIN, aliases={"gpt-4": "llama3:70b"}), turn=7),
        ended(decided(name="gpt-4", policy=Policy(aliases={"gpt-4": "llama3:70b"}))),
        taken_over(),
        unread(),
    ],
    ids=lambda record: record.request_id + record.model,
)
def test_after_a_restart_the_account_of_a_request_is_the_same(
    path: Path, opened: list[Store], record: Record
) -> None:
    before = a_store(path, opened)
    put(before, record)
    before.close()
    after = a_store(path, opened)
    after.flush()
    found = after.record(record.request_id)

    assert found is not None
    assert account(found) == account(record)
    assert [summary(each) for each in after.recent(5)] == [summary(record)]


def test_a_conversation_is_told_as_it_went_without_its_key(path: Path, opened: list[Store]) -> None:
    key = "maria-s-private-session"
    seen = fleet(backend("one"), backend("two"))
    records = [request(f"r{n}", affinity=f"{key}-{n}", loads={}, seen=seen) for n in range(8)]
    store = a_store(path, opened)
    put(store, *records)
    accounts = [account(found) for each in records if (found := store.record(each.request_id))]

    assert accounts == [account(each) for each in records]
    assert len({each["decision"]["order"][0] for each in accounts}) == 2  # both were drawn
    store.close()
    assert key.encode() not in b"".join(each.read_bytes() for each in path.parent.iterdir())


def test_a_request_that_ends_twice_is_kept_once(path: Path, opened: list[Store]) -> None:
    store, record = a_store(path, opened), request()
    put(store, record, record)

    assert len(store.recent(5)) == 1
    assert store.writer is not None
    assert store.writer.written == 1


def test_without_a_file_changes_are_remembered_and_requests_are_not() -> None:
    store = Store()
    store.start()
    store.put(request())
    store.audit(CHANGE)

    assert store.changes() == [CHANGE]
    assert (store.recent(5), store.record("req-1"), list(store.since(0))) == ([], None, [])
    assert not store.trouble
    store.close()


def test_changes_survive_a_restart(path: Path, opened: list[Store]) -> None:
    before = a_store(path, opened)
    before.audit(CHANGE)
    assert before.changes() == [CHANGE]
    before.close()
    after = a_store(path, opened)
    after.flush()

    assert after.changes() == [CHANGE]


def test_the_file_and_all_beside_it_are_for_its_owner_alone(
    path: Path, opened: list[Store]
) -> None:
    mask = os.umask(0)
    try:
        put(a_store(path, opened), request())
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(mask)

    assert set(modes) == {"nexus.db", "nexus.db-wal", "nexus.db-shm", "nexus.db.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


# ---- trouble


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_a_full_disk_is_said_once_and_what_came_meanwhile_is_written_when_there_is_room(
    path: Path,
    opened: list[Store],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    store = a_store(path, opened, most_pages=40)
    assert put(store, request("before"))
    records = [request(f"r{n:03}", error="x" * 900, status=502) for n in range(300)]
    assert not put(store, *records)
    store.audit(CHANGE)
    store.flush()

    said = warnings(caplog)
    assert len(said) == 1
    assert "the disk is full" in said[0]
    assert "history.path" in said[0]
    assert store.trouble
    assert "the disk is full" in store.reach
    assert store.changes() == [CHANGE]
    assert [each.request_id for each in store.recent(9)] == ["before"]  # it can be read

    assert store.writer is not None
    store.writer.most_pages = 10_000
    until_well(store)
    ids = {"before", *(each.request_id for each in records)}
    assert {each.request_id for each in store.recent(999)} == ids
    assert store.changes() == [CHANGE]


def until_well(store: Store) -> None:
    """The next attempt comes by itself, shortly."""
    for _ in range(500):
        if store.flush():
            return
    raise AssertionError(store.trouble)


def test_a_damaged_file_is_put_aside_and_a_new_one_begun(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database, but somebody may miss it" * 100)
    store = a_store(path, opened)

    assert put(store, request())
    assert len(store.recent(5)) == 1
    (aside,) = path.parent.glob("nexus.db.damaged-*")
    assert b"somebody may miss it" in aside.read_bytes()
    (said,) = warnings(caplog)
    assert "was damaged" in said
    assert aside.name in said


def test_damage_that_a_question_runs_into_is_found_and_put_aside(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    before = a_store(path, opened)
    put(before, *(request(f"r{n}") for n in range(200)))
    before.close()
    spoiled = bytearray(path.read_bytes())
    spoiled[4096 * 3 :] = os.urandom(len(spoiled) - 4096 * 3)
    path.write_bytes(spoiled)
    store = a_store(path, opened)
    store.flush()
    for n in range(200):  # one of them is on a spoiled page
        store.record(f"r{n}")
    put(store, request("new"))

    assert store.record("new") is not None
    assert list(path.parent.glob("nexus.db.damaged-*"))
    assert any("was damaged" in said for said in warnings(caplog))


def test_damage_that_the_writer_runs_into_is_found_and_loses_nothing_new(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    before = a_store(path, opened)
    put(before, *(request(f"r{n}") for n in range(200)))
    before.close()
    with sqlite3.connect(path) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'chunks_told'"
        ).fetchone()
    connection.close()
    spoiled = bytearray(path.read_bytes())
    spoiled[4096 * (page - 1) : 4096 * page] = b"\xff" * 4096
    path.write_bytes(spoiled)
    store = a_store(path, opened)
    until_well_after(store, request("new"))

    assert [each.request_id for each in store.recent(9)] == ["new"]
    assert list(path.parent.glob("nexus.db.damaged-*"))
    assert any("was damaged" in said for said in warnings(caplog))


@pytest.mark.parametrize("column", ["ids", "at", "kind", "most", "errors", "form", "loads", "odd"])
def test_damage_that_sqlite_cannot_see_harms_no_question(
    path: Path, opened: list[Store], column: str
) -> None:
    before = a_store(path, opened)
    put(before, request("a"), failed("b"), request("c"))
    before.close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE chunks SET {column} = x'c1c1c1'")
    connection.close()
    store = a_store(path, opened)
    put(store, request("new"))
    asked = [store.record("b"), store.columns(0).at, list(store.since(0))]

    assert len(asked) == 3
    assert store.recent(9)[0].request_id == "new"
    assert store.record("new") is not None
    assert store.columns(0).at
    assert put(store, request("newer"))
    assert not list(path.parent.glob("nexus.db.damaged-*"))


def until_well_after(store: Store, record: Record) -> None:
    store.put(record)
    until_well(store)
    until_well(store)


def test_two_records_of_one_id_are_one_request(path: Path, opened: list[Store]) -> None:
    store = a_store(path, opened)

    assert put(store, request("a"), request("b"), request("a", status=500))
    assert [(each.request_id, each.status) for each in store.recent(9)] == [("b", 200), ("a", 200)]


def test_a_second_nexus_says_that_the_file_is_taken_and_remembers_in_memory(
    path: Path,
    opened: list[Store],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    first = a_store(path, opened)
    put(first, request("of-first"))
    second = a_store(path, opened)
    assert not put(second, request("of-second"))

    (said,) = warnings(caplog)
    assert "in use by another Nexus" in said
    assert second.recent(5) == []
    assert put(first, request("again"))
    assert {each.request_id for each in first.recent(5)} == {"of-first", "again"}

    first.close()  # the second takes over, with what it has
    until_well(second)
    assert {each.request_id for each in second.recent(5)} == {"of-first", "again", "of-second"}


def test_a_file_that_is_free_again_is_no_trouble_though_there_is_nothing_to_write(
    path: Path, opened: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_S", 0.01)
    first = a_store(path, opened)
    assert first.flush()
    second = a_store(path, opened)
    assert not second.flush()
    first.close()
    until_well(second)

    assert second.writer is not None
    assert second.writer._patience() > 1  # pyright: ignore[reportPrivateUsage]


def test_a_folder_that_cannot_be_made_is_said(
    tmp_path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way")
    store = a_store(tmp_path / "file" / "nexus.db", opened)

    assert not put(store, request())
    (said,) = warnings(caplog)
    assert "cannot be written" in said
    assert "history.path" in said


def test_a_file_of_a_later_version_is_left_as_it_is(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = a_store(path, opened)

    assert not put(store, request())
    assert "a later version of Nexus" in warnings(caplog)[0]
    store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()


def test_a_record_that_cannot_be_kept_does_not_hold_up_the_others(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture
) -> None:
    store = a_store(path, opened)
    odd = request("odd")
    odd.ended = object()  # type: ignore[assignment]
    put(store, request("a"), odd, request("b"))

    assert {each.request_id for each in store.recent(5)} == {"a", "b"}
    assert "request odd cannot be kept" in caplog.text


@pytest.mark.parametrize("odd", [2**63, 10**30])
def test_a_number_that_sqlite_cannot_hold_does_not_hold_up_the_others(
    path: Path, opened: list[Store], caplog: pytest.LogCaptureFixture, odd: int
) -> None:
    store = a_store(path, opened)
    assert put(store, request("a"), request("odd", prompt_tokens=odd), request("b"))

    assert {each.request_id for each in store.recent(5)} == {"a", "b"}
    assert "request odd cannot be kept" in caplog.text


@pytest.mark.parametrize("name", ["m\ud800", "\udc80"])
def test_a_name_that_no_encoding_has_does_not_hold_up_the_others(
    path: Path, opened: list[Store], name: str
) -> None:
    store = a_store(path, opened)
    odd = request("odd", why=f"highest_score:{name}:98", backend=name, error=name)
    assert put(store, request("a"), odd, request("b"))

    assert {each.request_id for each in store.recent(5)} == {"a", "odd", "b"}
    found = store.record("odd")
    assert found is not None
    assert found.status == 200


def test_what_comes_while_a_batch_is_written_is_gathered_for_the_next(path: Path) -> None:
    store = Store(path)  # nobody takes from the queue but the test
    writer = store.writer
    assert writer is not None
    for n in range(3):
        store.put(request(f"r{n}"))
    late = iter([request("late")])

    def meanwhile() -> None:
        for each in late:
            store.put(each)

    writer._breathe = meanwhile  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    writer._round()  # pyright: ignore[reportPrivateUsage]
    assert writer.written == 3
    writer._round()  # pyright: ignore[reportPrivateUsage]
    assert writer.written == 4
    writer._shut()  # pyright: ignore[reportPrivateUsage]
    writer._lock.release()  # pyright: ignore[reportPrivateUsage]


def test_what_came_one_by_one_is_put_together_when_there_is_time(
    path: Path, opened: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "TIDY_S", 0.0)
    monkeypatch.setattr(writer, "PAUSE_S", 0.0)
    store = a_store(path, opened)
    for n in range(8):
        put(store, request(f"r{n}"))
    sizes: list[tuple[int]] = []
    for _ in range(500):
        assert store.flush()
        with reading(path) as connection:
            sizes = connection.execute("SELECT size FROM chunks").fetchall()
        if sizes == [(8,)]:
            break

    assert sizes == [(8,)]
    assert [each.request_id for each in store.recent(9)] == [f"r{n}" for n in range(7, -1, -1)]


def test_a_full_queue_forgets_the_oldest_and_counts_them(path: Path) -> None:
    store = Store(path)  # nobody takes from the queue
    for n in range(writer.QUEUE + 3):
        store.put(request(f"r{n}"))

    assert store.writer is not None
    assert store.writer.lost == 3


def test_a_store_that_was_never_started_is_closed_all_the_same(path: Path) -> None:
    Store(path).close()

    assert not path.exists()
