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

from nexus.domain.access import Role
from nexus.domain.audit import AuditEntry
from nexus.domain.backend import BackendId, BackendStatus, BackendType, Source
from nexus.domain.events import (
    BackendChanged,
    PortProbed,
    RequestFinished,
    RequestRefused,
    RequestRouted,
    ServerFound,
    Update,
    ZoneBreached,
)
from nexus.domain.gateway import GatewayInfo, Json
from nexus.domain.keys import Keyring, KeySeen
from nexus.domain.logline import LogLevel, LogLine
from nexus.domain.routes import Routes
from tui.launch import supervise
from tui.sources.accounts import accounts, summary
from tui.sources.replay import ReplaySource
from tui.sources.story import Story

EVIL = (
    "x\x1b]0;owned\x07\x9b31m\u202e[/b]y"
    "\x1b[55m\x1bP+q\x1b\\\x1b_G\x1b\\\x1bc\x1b(0\x1b[6n\r\n\x08\x0e\x85"
)
"""Title, colours, direction, markup, device control, application command, reset, character set, a
question whose answer would be typed, and single controls."""


def hostile(updates: Iterator[Update]) -> Iterator[Update]:
    """The same story with names that attack a terminal."""
    for update in updates:
        if isinstance(update, RequestFinished):
            yield replace(update, requested=EVIL, model=EVIL, backend=EVIL, error=EVIL, why=EVIL)
        elif isinstance(update, RequestRouted):
            yield replace(update, requested=EVIL, model=EVIL, backend=EVIL, why=EVIL)
        elif isinstance(update, RequestRefused):
            yield replace(update, requested=EVIL, message=EVIL)
        else:
            yield update


class Remembering(ReplaySource):
    """Has an account of every request that it has told of, as a gateway has."""

    def __init__(self, info: GatewayInfo, said: list[Update]) -> None:
        super().__init__(info, said[:])
        self.said = said

    async def story(self, request_id: str) -> Json:
        if request_id not in self.stories:
            self.stories = accounts(self.said)
        return await super().story(request_id)


def arm(source: ReplaySource, now: float) -> None:
    """What is not told but asked for: log, history, changes, routes, keys."""
    source.lines = tuple(
        LogLine(n, now, LogLevel.INFO, EVIL if n % 2 else "request", EVIL, {EVIL: EVIL})
        for n in range(1, 40)
    )
    source.levels = {"": LogLevel.INFO, EVIL: LogLevel.DEBUG}
    source.made = (AuditEntry(now, EVIL, "admin", EVIL, EVIL, {EVIL: EVIL}, {EVIL: EVIL}),)
    source.table = Routes("1", aliases={EVIL: EVIL}, fallbacks={EVIL: (EVIL, EVIL)})
    source.ring = Keyring((KeySeen(EVIL, Role.ADMIN, "file", EVIL, EVIL),), version="1")
    source.push(
        ServerFound(
            now, BackendId(EVIL), EVIL, "http://10.0.0.9:1", BackendType.OLLAMA, EVIL,
            Source.MDNS, EVIL,
        ),
        ZoneBreached(now, "req_1", BackendId("gpu-01"), EVIL, EVIL),
        PortProbed(now, EVIL, None, EVIL),
    )  # fmt: skip


async def main(mode: str, fd: int) -> None:
    def tell(**fact: object) -> None:
        os.write(fd, json.dumps(fact).encode() + b"\n")

    now = time.time()
    story = Story(now - 30)
    said = list[Update]([story.opening()])
    source = Remembering(GatewayInfo("http://127.0.0.1:8000", "0", now, ""), said)
    stop = asyncio.Event()
    if mode == "hostile":
        arm(source, now)

    async def live() -> None:
        number = 0
        while True:
            number += 1
            updates = story.tell(max(0.0, time.time() - story.now), 50)
            if mode == "hostile":
                new = list(hostile(updates))
                said.extend(new)
                updates = iter(new)
            source.push(*updates)
            if mode == "hostile" and number == 2:
                one = next(iter(story.opening().fleet.backends.values()))
                face = replace(one.face, name=EVIL, url=f"http://h/{EVIL}")
                models = (*one.models, replace(one.models[0], id=EVIL))
                evil = replace(one, face=face, models=models, reason=EVIL, version=EVIL)
                source.push(BackendChanged(500, evil, BackendStatus.UNHEALTHY))
                source.past = tuple(map(summary, accounts(said).values()))
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
