"""What is in memory and what is in the file answer as one, each request once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nexus.domain.history import Outcome, Wanted
from nexus.explain.account import summary
from nexus.store.past import Past
from nexus.store.store import Store
from nexus.telemetry.records import Record, Records
from tests.fakes.fleets import MODEL, needs
from tests.fakes.histories import AT, FLEET, LOADS, request

KEPT = 4


class Recent(Records):
    """Remembers only a few, and takes records as they are."""

    def __init__(self) -> None:
        super().__init__(lambda: AT, kept=KEPT)

    def remember(self, record: Record) -> Record:
        assert record.needs is not None
        assert record.policy is not None
        assert record.answer is not None
        mine = self.decided(
            record.request_id, needs(MODEL), FLEET, LOADS, record.policy, 0, record.answer
        )
        mine.at = record.at
        if record.ended is not None:
            self.ended(record.ended)
        return mine


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "h.db", unix=lambda: AT)
    store.start()
    yield store
    store.close()


async def ids(past: Past, limit: int = 99, before: str = "", **facts: object) -> list[str]:
    wanted = Wanted(**facts)  # type: ignore[arg-type]
    return await past.requests(limit, wanted, lambda record: record.request_id, before)


def ten(store: Store) -> Past:
    """Ten requests, of which memory has the last four and the file all."""
    records = Recent()
    for n in range(10):
        store.put(records.remember(request(f"r{n}", at=AT + n, status=200 if n % 2 else 500)))
    store.flush()
    return Past(records, store)


ALL = [f"r{n}" for n in range(9, -1, -1)]


async def test_the_file_goes_on_where_memory_ends(store: Store) -> None:
    past = ten(store)

    assert await ids(past) == ALL
    assert await ids(past, 6) == ALL[:6]
    assert await ids(past, outcome=Outcome.ERROR) == ALL[1::2]
    assert await ids(past, until=AT + 3) == ["r2", "r1", "r0"]


@pytest.mark.parametrize("size", [1, 3, 4, 7])
async def test_pages_go_from_memory_into_the_file(store: Store, size: int) -> None:
    past = ten(store)
    seen: list[str] = []
    while page := await ids(past, size, seen[-1] if seen else ""):
        seen += page

    assert seen == ALL


async def test_what_is_under_way_is_in_memory_only(store: Store) -> None:
    past = ten(store)
    records = past._records  # pyright: ignore[reportPrivateUsage]
    assert isinstance(records, Recent)
    running = request("running", at=AT + 20)
    running.ended = None
    records.remember(running)

    assert (await ids(past))[:2] == ["running", "r9"]
    assert await ids(past, outcome=Outcome.RUNNING) == ["running"]


async def test_a_request_that_outlived_the_ring_is_listed_once(store: Store) -> None:
    records = Recent()
    long = request("long", at=AT)
    end, long.ended = long.ended, None
    records.remember(long)
    for n in range(KEPT + 1):
        store.put(records.remember(request(f"r{n}", at=AT + n + 1)))
    assert end is not None
    store.put(records.ended(end))  # back in the ring, behind younger ones
    store.flush()

    assert await ids(Past(records, store)) == ["long", "r4", "r3", "r2", "r1", "r0"]


async def test_one_request_is_found_in_either(store: Store) -> None:
    past = ten(store)
    told = [await past.one(id, summary) for id in ("r9", "r0")]

    assert [each and each["request_id"] for each in told] == ["r9", "r0"]
    assert await past.one("nobody", summary) is None


async def test_without_a_file_there_is_what_memory_has() -> None:
    past = ten(Store())

    assert await ids(past) == ALL[:KEPT]
    assert await past.one("r0", summary) is None
