"""Bounded, never blocking, and honest about what was lost."""

from __future__ import annotations

import asyncio

from nexus.domain.backend import BackendId
from nexus.domain.events import BackendRemoved
from nexus.telemetry.bus import Bus


def event(number: int = 0) -> BackendRemoved:
    return BackendRemoved(number, BackendId("a"), "a")


async def test_each_reader_gets_each_event_in_order() -> None:
    bus = Bus()
    first, second = bus.reader(), bus.reader()
    for number in range(3):
        bus.publish(event(number))

    assert first.take() == ([event(0), event(1), event(2)], 0)
    assert second.take() == ([event(0), event(1), event(2)], 0)
    assert first.take() == ([], 0)


async def test_a_slow_reader_loses_the_oldest_and_is_told_how_many() -> None:
    bus = Bus()
    slow, quick = bus.reader(size=2), bus.reader()
    for number in range(5):
        bus.publish(event(number))

    assert slow.take() == ([event(3), event(4)], 3)
    assert quick.take()[1] == 0
    bus.publish(event(9))
    assert slow.take() == ([event(9)], 0)


async def test_a_reader_sees_nothing_from_before_it_came_or_after_it_left() -> None:
    bus = Bus()
    bus.publish(event(0))
    reader = bus.reader()
    bus.publish(event(1))
    reader.close()
    reader.close()
    bus.publish(event(2))

    assert reader.take() == ([event(1)], 0)


async def test_the_bus_is_live_while_somebody_follows_requests() -> None:
    bus = Bus()
    log = bus.reader(live=False)
    before = bus.live
    screen, other = bus.reader(), bus.reader()
    during = bus.live
    screen.close()
    still = bus.live
    other.close()

    assert (before, during, still, bus.live) == (False, True, True, False)
    assert not log.closed


async def test_live_events_go_only_to_live_readers() -> None:
    bus = Bus()
    log, screen = bus.reader(live=False), bus.reader()
    bus.publish_live(event(1))
    bus.publish(event(2))

    assert log.take()[0] == [event(2)]
    assert screen.take()[0] == [event(1), event(2)]


async def test_waiting_ends_with_an_event_and_begins_again_after_it_is_taken() -> None:
    bus = Bus()
    reader = bus.reader()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        waiting = group.create_task(reader.wait(), name="reader")
        await asyncio.sleep(0)
        assert not waiting.done()
        bus.publish(event())
    reader.take()

    async with asyncio.TaskGroup() as group:
        again = group.create_task(reader.wait(), name="reader")
        await asyncio.sleep(0)
        assert not again.done()
        again.cancel()


async def test_closing_the_bus_ends_every_wait_and_keeps_what_was_said() -> None:
    bus = Bus()
    readers = [bus.reader(), bus.reader(live=False)]
    bus.publish(event())
    bus.close()

    async with asyncio.timeout(5):
        for reader in readers:
            await reader.wait()
    assert all(reader.closed for reader in readers)
    assert [reader.take()[0] for reader in readers] == [[event()], [event()]]


async def test_who_comes_after_the_end_finds_it_ended() -> None:
    bus = Bus()
    bus.close()
    reader = bus.reader()

    assert reader.closed
    async with asyncio.timeout(5):
        await reader.wait()
