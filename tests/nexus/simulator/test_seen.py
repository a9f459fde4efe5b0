from __future__ import annotations

import asyncio

from nexus.simulator.seen import Seen
from nexus.simulator.wire import Request


async def test_waiting_ends_when_the_counters_say_so() -> None:
    seen = Seen()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waits = group.create_task(seen.until(lambda seen: seen.requests == 2), name="waits")
        await asyncio.sleep(0)
        seen.note(Request("GET", "/a"))
        await asyncio.sleep(0)
        assert not waits.done()
        seen.note(Request("GET", "/a", body=b"x"))

    assert (seen.by_path["/a"], seen.last_body) == (2, b"x")


async def test_what_is_already_true_needs_no_waiting() -> None:
    await Seen().until(lambda seen: seen.requests == 0)
