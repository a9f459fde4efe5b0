"""Events by number, for whoever comes back."""

from __future__ import annotations

import asyncio

from nexus.api.backlog import Backlog
from nexus.domain.backend import BackendId, Load
from nexus.domain.events import LoadChanged
from nexus.telemetry.bus import Bus


def event(number: int) -> LoadChanged:
    return LoadChanged(BackendId("b"), Load(number))


def made(size: int = 10) -> tuple[Bus, Backlog]:
    bus, names = Bus(), iter("abcdefgh")
    return bus, Backlog(bus, lambda: next(names), size)


async def test_without_a_stream_nothing_is_kept_and_nobody_follows_requests() -> None:
    bus, backlog = made()

    assert not bus.live
    assert backlog.since("a.0") is None
    backlog.open()
    assert bus.live
    backlog.close()


async def test_a_reader_gets_what_came_after_its_mark() -> None:
    bus, backlog = made()
    backlog.open()
    mark = backlog.mark()
    for number in range(3):
        bus.publish(event(number))
    first = backlog.since(mark)

    assert first == ([event(0), event(1), event(2)], "a.3")
    assert backlog.since("a.1") == ([event(1), event(2)], "a.3")
    assert backlog.since("a.3") == ([], "a.3")
    backlog.close()


async def test_what_came_while_no_stream_was_there_is_still_known_for_a_while() -> None:
    bus, backlog = made()
    backlog.open()
    mark = backlog.mark()
    backlog.close()
    bus.publish(event(1))
    backlog.open()

    assert backlog.since(mark) == ([event(1)], "a.1")
    backlog.close()


async def test_a_mark_that_is_too_old_of_another_process_or_nonsense_is_not_known() -> None:
    bus, backlog = made(size=2)
    backlog.open()
    for number in range(4):
        bus.publish(event(number))
        backlog.mark()

    assert backlog.since("a.1") is None
    assert backlog.since("a.2") == ([event(2), event(3)], "a.4")
    for mark in ("", "a", "a.", "a.-1", "a.5", "b.2", "a.2.2", "a.²", "a." + "9" * 5000, "\x00"):
        assert backlog.since(mark) is None, mark
    backlog.close()


async def test_events_that_were_lost_make_every_mark_unknown() -> None:
    bus, backlog = made(size=2)
    backlog.open()
    mark = backlog.mark()
    for number in range(3):
        bus.publish(event(number))

    assert backlog.since(mark) is None
    assert backlog.mark().startswith("b.")
    backlog.close()


async def test_every_waiting_reader_is_woken() -> None:
    bus, backlog = made()
    backlog.open()
    mark = backlog.mark()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(backlog.wait(mark), name=f"reader {number}")
        await asyncio.sleep(0)
        bus.publish(event(1))
    backlog.close()


async def test_the_end_of_the_bus_wakes_and_closes() -> None:
    bus, backlog = made()
    backlog.open()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(backlog.wait(backlog.mark()), name="reader")
        await asyncio.sleep(0)
        bus.close()

    assert backlog.closed
    backlog.close()
