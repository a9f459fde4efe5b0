"""Server-sent events for attached dashboards, over real connections."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from nexus import wire
from nexus.api import stream
from nexus.domain.backend import BackendId, BackendStatus
from nexus.domain.events import BackendChanged, FleetSeen, Update
from tests.fakes.doors import Door, protocol_door, until
from tests.fakes.gateway import face

B0 = BackendId("b0")


@dataclass
class Sse:
    """One stream, event by event."""

    reply: httpx.Response
    lines: AsyncIterator[str]
    id: str = ""

    async def event(self) -> tuple[str, str]:
        """Kind and data of the next event; comments are `(":", "")`."""
        kind, data = "message", ""
        async with asyncio.timeout(10):
            async for line in self.lines:
                if not line:
                    if kind != "message" or data:
                        return kind, data
                elif line.startswith(":"):
                    kind = ":"
                else:
                    name, _, value = line.partition(": ")
                    if name == "data":
                        data = value
                    elif name == "event":
                        kind = value
                    elif name == "id":
                        self.id = value
        return "end", ""

    async def updates(self) -> list[Update]:
        """The next batch."""
        kind, data = await self.event()
        assert kind == "message", kind
        return wire.decode_all(data)


@asynccontextmanager
async def listening(door: Door, **headers: str) -> AsyncIterator[Sse]:
    async with (
        httpx.AsyncClient(base_url=door.url, trust_env=False, timeout=10) as client,
        client.stream(
            "GET", "/nexus/v1/events", headers={n.replace("_", "-"): v for n, v in headers.items()}
        ) as reply,
    ):
        yield Sse(reply, reply.aiter_lines())


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with protocol_door("http://127.0.0.1:1") as here:
        yield here


async def test_it_begins_with_who_speaks_and_the_whole_picture(door: Door) -> None:
    async with listening(door) as sse:
        kind, data = await sse.event()
        (first,) = await sse.updates()

    hello = wire.load(data, wire.Hello)
    assert (kind, hello.wire, hello.role) == ("hello", wire.VERSION, "admin")
    assert hello.info == door.control.view.info
    assert first == door.registry.seen()
    assert sse.reply.headers["content-type"].startswith("text/event-stream")
    assert sse.reply.headers["cache-control"] == "no-store"


async def test_changes_follow_as_they_happen(door: Door) -> None:
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()
        door.registry.set_draining(B0, True)
        (change,) = await sse.updates()

    assert isinstance(change, BackendChanged)
    assert change.backend.status is BackendStatus.DRAINING


async def test_who_comes_back_gets_what_it_missed_and_no_picture(door: Door) -> None:
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()
        seen = sse.id
    door.registry.set_draining(B0, True)
    door.registry.set_draining(B0, False)
    async with listening(door, last_event_id=seen) as sse:
        await sse.event()
        missed = await sse.updates()

    assert [type(each) for each in missed] == [BackendChanged, BackendChanged]


@pytest.mark.parametrize("mark", ["", "nonsense", "0.0", "ffffffff.1"])
async def test_who_comes_back_too_late_gets_the_picture(door: Door, mark: str) -> None:
    async with listening(door, last_event_id=mark) as sse:
        await sse.event()
        (first,) = await sse.updates()

    assert isinstance(first, FleetSeen)


async def test_silence_is_broken_by_signs_of_life(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.01)
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()

        assert [await sse.event() for _ in range(2)] == [(":", ""), (":", "")]


async def test_the_end_of_the_gateway_is_told(door: Door) -> None:
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()
        door.bus.close()

        assert (await sse.event())[0] == "bye"
        assert (await sse.event())[0] == "end"


async def test_a_stream_that_nobody_reads_any_more_is_let_go(door: Door) -> None:
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()
    await until(lambda: not door.server.server_state.tasks)

    assert not door.server.server_state.tasks


async def test_each_compressed_batch_can_be_read_when_it_arrives(door: Door) -> None:
    unpack = zlib.decompressobj(31)
    async with (
        httpx.AsyncClient(base_url=door.url, trust_env=False, timeout=10) as client,
        client.stream("GET", "/nexus/v1/events", headers={"accept-encoding": "gzip"}) as reply,
    ):
        plain = b""
        async with asyncio.timeout(10):
            async for piece in reply.aiter_raw():
                plain += unpack.decompress(piece)
                if b"FleetSeen" in plain:
                    break

    assert reply.headers["content-encoding"] == "gzip"
    assert plain.endswith(b"\n\n")


@pytest.mark.parametrize("accept", ["identity", "gzip;q=0", "br"])
async def test_who_cannot_read_gzip_gets_none(door: Door, accept: str) -> None:
    async with listening(door, accept_encoding=accept) as sse:
        assert "content-encoding" not in sse.reply.headers
        assert (await sse.event())[0] == "hello"


async def test_a_password_in_a_url_is_not_told(door: Door) -> None:
    secret = replace(face("s", "http://user:secret@10.0.0.9"), id=BackendId("s"))
    async with listening(door) as sse:
        await sse.event()
        await sse.updates()
        door.registry.add(secret)
        change = await sse.updates()
    async with listening(door) as sse:
        await sse.event()
        _, picture = await sse.event()

    assert "secret" not in repr(change) + picture
    assert "10.0.0.9" in repr(change)


async def test_the_snapshot_is_where_a_stream_can_go_on(door: Door) -> None:
    async with httpx.AsyncClient(base_url=door.url, trust_env=False) as client:
        found = json.loads((await client.get("/nexus/v1/snapshot")).content)
    door.registry.set_draining(B0, True)
    async with listening(door, last_event_id=found["id"]) as sse:
        await sse.event()
        missed = await sse.updates()

    assert found["hello"]["wire"] == wire.VERSION
    assert wire.decode_all(json.dumps(found["updates"]))[0] != door.registry.seen()
    assert [type(each) for each in missed] == [BackendChanged]
