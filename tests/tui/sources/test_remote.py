"""Attached over HTTP: what becomes of the connection, and gateways that are not what they say."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nexus import wire
from nexus.config.load import load
from nexus.domain.access import Role
from nexus.domain.backend import BackendId
from nexus.domain.events import BackendChanged, FleetSeen, LinkChanged, Update
from nexus.domain.gateway import GatewayInfo
from nexus.errors import Forbidden, NexusError, Unauthorized
from nexus.runtime import Gateway, running
from nexus.server.bind import bind
from nexus.telemetry.logs import Sink
from tests.fakes.doors import Door, protocol_door, until
from tests.fakes.gateway import face, free_port, gateway
from tests.fakes.upstream import reply
from tui.sources.remote import NoAnswer, RemoteSource, open_remote

B0 = BackendId("b0")


@dataclass
class Pauses:
    """Stands in for sleep: remembers, and lets the loop run."""

    seconds: list[float] = field(default_factory=list[float])

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0.001)


@dataclass
class Watch:
    """Updates as they come."""

    seen: list[Update] = field(default_factory=list[Update])

    def links(self) -> list[LinkChanged]:
        return [each for each in self.seen if isinstance(each, LinkChanged)]

    def pictures(self) -> int:
        return sum(isinstance(each, FleetSeen) for each in self.seen)


@asynccontextmanager
async def watching(source: RemoteSource) -> AsyncIterator[Watch]:
    watch = Watch()

    async def follow() -> None:
        async with aclosing(source.updates()) as updates:  # type: ignore[type-var]
            async for update in updates:
                watch.seen.append(update)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(follow(), name="watch")
        try:
            yield watch
        finally:
            task.cancel()
            await source.close()


@asynccontextmanager
async def gateway_at(port: int) -> AsyncIterator[Gateway]:
    """A gateway on a given port, as one that starts anew has."""
    loaded = load(None, {"NEXUS_CONFIG": "", "HOME": "/nonexistent"}, {"discovery.enabled": False})
    sink = Sink(None, json=False)
    told = face("b0", "http://127.0.0.1:1")
    async with running(loaded, bind("127.0.0.1", port), {}, sink, faces=(told,)) as here:
        yield here


async def test_a_broken_stream_is_taken_up_where_it_broke() -> None:
    async with protocol_door("http://127.0.0.1:1") as door:
        source = await open_remote(door.url, sleep=Pauses())
        async with watching(source) as watch:
            await until(lambda: door.bus.live and door.server.server_state.tasks)
            await until(watch.pictures)
            for connection in list(door.server.server_state.connections):
                connection.transport.abort()  # type: ignore[union-attr]
            door.registry.set_draining(B0, True)
            await until(lambda: any(isinstance(each, BackendChanged) for each in watch.seen))
            await until(lambda: watch.links() and watch.links()[-1].connected)

        assert watch.pictures() == 1
        assert "reconnecting in" in watch.links()[0].detail


async def test_a_gateway_that_starts_anew_is_followed_with_its_new_picture_and_age() -> None:
    port = free_port()
    pauses = Pauses()
    async with gateway_at(port) as first:
        source = await open_remote(first.url, sleep=pauses)
        began = source.info.started_at
        task_group = watching(source)
        watch = await task_group.__aenter__()
        await until(watch.pictures)
    await until(watch.links)
    async with gateway_at(port) as second:
        pictures = watch.pictures()
        await until(lambda: watch.links()[-1].connected and watch.pictures() > pictures)

        assert source.info.started_at == second.control.view.info.started_at > began
        assert [link.connected for link in watch.links()][-1]
        assert watch.links()[0].detail.endswith("the gateway stopped")
        await task_group.__aexit__(None, None, None)


async def test_each_further_attempt_waits_longer_up_to_some_seconds() -> None:
    pauses = Pauses()
    async with protocol_door("http://127.0.0.1:1") as door:
        source = await open_remote(door.url, sleep=pauses)
    async with watching(source) as watch:
        await until(lambda: len(watch.links()) > 45)

    details = [link.detail for link in watch.links()]
    assert any("connection refused" in each for each in details)
    assert sum(pauses.seconds[:3]) < 5
    assert max(pauses.seconds) == 1.0  # the wait is counted down on the screen
    assert any(each.startswith("reconnecting in 1") for each in details[20:])


async def test_nobody_there_is_said_at_once() -> None:
    with pytest.raises(NoAnswer, match=r"No Nexus answers at .*connection refused"):
        await open_remote("http://127.0.0.1:1")


KEY = "0123456789abcdef-operator"
CONFIG = f"""
[[control.keys]]
name = "maria"
role = "operator"
sha256 = "{hashlib.sha256(KEY.encode()).hexdigest()}"
"""


async def test_a_key_decides_what_may_be_wished(tmp_path: Path) -> None:
    async with gateway(config=CONFIG, tmp_path=tmp_path) as here:
        for key in ("", "wrong"):
            with pytest.raises(Unauthorized):
                await open_remote(here.url, key)
        source = await open_remote(here.url, KEY)
        await source.scan()
        with pytest.raises(Forbidden, match="Your role is operator"):
            await source.undo()
        await source.close()

    assert source.role is Role.OPERATOR


async def test_read_only_wishes_nothing_whatever_the_key_allows() -> None:
    async with gateway(face("one", "http://127.0.0.1:1")) as here:
        source = await open_remote(here.url, read_only=True)
        wishes: list[Callable[[], object]] = [
            lambda: source.drain(BackendId("one")),
            lambda: source.remove(BackendId("one")),
            source.scan,
            source.undo,
        ]
        routes = await source.routes()
        for wish in (*wishes, lambda: source.apply(routes)):
            with pytest.raises(Forbidden, match="--read-only"):
                await wish()  # type: ignore[misc]
        assert (await source.preview(routes)).problems == ()
        await source.close()

    assert source.role is Role.VIEWER
    assert list(here.control.view.fleet().backends) == [BackendId("one")]


# ---- what answers is not trusted


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[str]:
    """A server that gives each connection the next of these bytes, the last one again and again."""
    number = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal number
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[min(number, len(answers) - 1)])
        number += 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def hello(**more: object) -> dict[str, object]:
    info = wire.plain(GatewayInfo("http://x", "9.9\x1b[31m", 1.0, ""))
    return {"wire": wire.VERSION, "info": info, "role": "admin", "who": "api", **more}


def snapshot(**more: object) -> bytes:
    body = {"hello": hello(), "id": "e.0", "updates": [], **more}
    return reply(json.dumps(body).encode())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02",
        reply(b"<html>", headers="content-type: text/html\r\n"),
        reply(b"[" * 200_000),
        reply(b'{"hello": {}}'),
        reply(b'{"error": 5}', "404 Not Found"),
        reply(b'{"error": {"message": "x"}}', "500 Oops"),
        reply(b"", "302 Found", "location: http://127.0.0.1:1/\r\n"),
        snapshot(updates=[["LoadChanged", {"backend_id": 5}]]),
        snapshot(updates="x"),
        snapshot(hello=hello(wire="1")),
    ],
    ids=range(11),
)
async def test_something_else_than_nexus_is_a_sentence(answer: bytes) -> None:
    async with answering(answer) as url:
        with pytest.raises(NexusError) as refused:
            await open_remote(url)

    assert refused.value.message.isprintable()


async def test_a_newer_gateway_that_would_be_misunderstood_is_said() -> None:
    async with answering(snapshot(hello=hello(wire=wire.VERSION + 1))) as url:
        with pytest.raises(NoAnswer, match="update Nexus here") as refused:
            await open_remote(url)

    assert "\x1b" not in refused.value.message


async def test_a_newer_gateway_with_additions_is_followed() -> None:
    updates = [["SomethingNew", {"x": 1}], ["ServerGone", _GONE | {"more": []}]]
    async with answering(snapshot(updates=updates, more=1), b"") as url:
        source = await open_remote(url, sleep=Pauses())
        async with watching(source) as watch:
            await until(lambda: watch.seen)

    assert type(watch.seen[0]).__name__ == "ServerGone"


_GONE = {"at": 1.0, "id": "x", "name": "x", "why": ""}


@pytest.mark.parametrize(
    "stream",
    [b"data: nonsense\n\n", b'data: [["LoadChanged",{}]]\n\n', b"event: hello\ndata: {}\n\n"],
)
async def test_a_stream_that_cannot_be_read_is_told_and_tried_again(stream: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    async with answering(snapshot(), head + stream) as url:
        source = await open_remote(url, sleep=Pauses())
        async with watching(source) as watch:
            await until(lambda: len(watch.links()) > 3)

    assert "cannot be read" in watch.links()[0].detail


async def test_a_gateway_cannot_speak_of_the_connection_itself() -> None:
    lie = json.dumps([["LinkChanged", {"at": 1.0, "connected": False, "detail": "lie"}]]).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
    stream = b"id: e.1\ndata: " + lie + b"\n\n"
    async with answering(snapshot(), head + stream) as url:
        source = await open_remote(url, sleep=Pauses())
        async with watching(source) as watch:
            await until(lambda: len(watch.links()) > 3)

    assert "lie" not in {link.detail for link in watch.links()}


async def test_times_are_read_by_the_gateways_clock() -> None:
    async with answering(snapshot(hello=hello(now=5000.0))) as url:
        source = await open_remote(url, unix=lambda: 1000.0)
        await source.close()

    assert source.clock() == 5000.0


async def test_a_password_in_the_address_is_not_shown(door_url: str) -> None:
    source = await open_remote(door_url.replace("http://", "http://me:secret@"))
    await source.close()

    assert "secret" not in source.info.url


@pytest.fixture
async def door_url() -> AsyncIterator[str]:
    door: Door
    async with protocol_door("http://127.0.0.1:1") as door:
        yield door.url
