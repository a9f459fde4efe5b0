"""A process with a dashboard on its terminal: `python -m tests.fakes.dashboard_child MODE FD`.

Tells its life on the pipe FD, one JSON object a line: `beat` while its loop runs, `leave` when the
dashboard ended, `stopped` at the end. MODE is `busy`, `hostile` or `crash`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from nexus.domain.events import BackendChanged, RequestFinished, Update
from nexus.domain.gateway import GatewayInfo
from tui.launch import supervise
from tui.sources.replay import ReplaySource
from tui.sources.story import Story

EVIL = "x\x1b]0;owned\x07\x9b31m\u202e[/b]y"


def hostile(updates: Iterator[Update]) -> Iterator[Update]:
    """The same story with names that attack a terminal."""
    for update in updates:
        if isinstance(update, RequestFinished):
            yield replace(update, requested=EVIL, backend=EVIL, error=EVIL, why=EVIL)
        else:
            yield update


async def main(mode: str, fd: int) -> None:
    def tell(**fact: object) -> None:
        os.write(fd, json.dumps(fact).encode() + b"\n")

    now = time.time()
    story = Story(now - 30)
    source = ReplaySource(GatewayInfo("http://127.0.0.1:8000", "0", now, ""), [story.opening()])
    stop = asyncio.Event()

    async def live() -> None:
        number = 0
        while True:
            number += 1
            updates = story.tell(max(0.0, time.time() - story.now), 50)
            source.push(*(hostile(updates) if mode == "hostile" else updates))
            if mode == "hostile" and number == 2:
                one = next(iter(story.opening().fleet.backends.values()))
                evil = replace(one, face=replace(one.face, name=EVIL), reason=EVIL, version=EVIL)
                source.push(BackendChanged(500, evil, None))
            if mode == "crash" and number == 10:
                source.push("not an update")  # type: ignore[arg-type]
            tell(beat=number)
            await asyncio.sleep(0.05)

    async with asyncio.TaskGroup() as group:
        living = group.create_task(live(), name="live")
        leave = await supervise(source, stop=stop)
        tell(leave=leave.value, stop=stop.is_set())
        await stop.wait()
        living.cancel()
    tell(stopped=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
