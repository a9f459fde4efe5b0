"""Hosts and networks that were named, on the addresses of the loopback network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from nexus.discovery.hosts import AT_ONCE, ROUND_S, HostScanner
from nexus.domain.hosts import read_hosts
from tests.fakes.ears import Ears
from tests.fakes.probing import HandClock, settle


class Neighbours:
    """Which `host:port` listens, and how often each was knocked at."""

    def __init__(self, *listening: str) -> None:
        self.up = set(listening)
        self.knocks: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.held: asyncio.Event | None = None

    async def connect(self, host: str, port: int) -> str:
        where = f"{host}:{port}"
        self.knocks.append(where)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.held is not None:
            await self.held.wait()
        self.at_once -= 1
        return "" if where in self.up else "connection refused"


def scanner(
    ears: Ears, entries: Sequence[str], neighbours: Neighbours, clock: HandClock, **more: object
) -> HostScanner:
    return HostScanner(
        ears,
        read_hosts(entries),
        (11434, 8000),
        connect=neighbours.connect,
        chance=lambda: 0.5,
        clock=clock,
    )


async def test_every_address_and_port_is_looked_at_once_and_those_that_listen_are_told() -> None:
    ears, clock = Ears(), HandClock()
    neighbours = Neighbours("192.168.9.1:8000", "gpu-01:11434", "box:99")
    scan = scanner(ears, ["192.168.9.0/30", "gpu-01", "box:99", "gpu-01"], neighbours, clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(scan.look())
        await clock.turn(5)
    assert sorted(neighbours.knocks) == [
        "192.168.9.1:11434",
        "192.168.9.1:8000",
        "192.168.9.2:11434",
        "192.168.9.2:8000",
        "box:99",
        "gpu-01:11434",
        "gpu-01:8000",
    ]
    assert {(c.url, c.trusted) for c in ears.heard} == {
        ("http://192.168.9.1:8000", False),
        ("http://gpu-01:11434", True),
        ("http://box:99", True),
    }
    assert {c.via for c in ears.heard} == {"scan of 192.168.9.0/30", "named in discovery.hosts"}


async def test_only_a_few_connections_are_open_at_a_time() -> None:
    ears, clock, neighbours = Ears(), HandClock(), Neighbours()
    neighbours.held = asyncio.Event()
    scan = scanner(ears, ["10.0.0.0/26"], neighbours, clock)
    async with asyncio.TaskGroup() as group:
        group.create_task(scan.look())
        await clock.turn(1)
        assert neighbours.at_once == AT_ONCE
        neighbours.held.set()
        await clock.turn(60)
    assert len(neighbours.knocks) == 62 * 2
    assert neighbours.most_at_once == AT_ONCE


async def test_rounds_are_minutes_apart_unless_wished_and_who_stopped_is_told() -> None:
    ears, clock, neighbours = Ears(), HandClock(), Neighbours("box:8000")
    scan = scanner(ears, ["box:8000"], neighbours, clock)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(scan.run())
        await clock.turn(1)
        assert scan.done.is_set()
        await clock.turn(ROUND_S * 0.8)
        assert len(neighbours.knocks) == 1
        neighbours.up.clear()
        scan.wish()
        await clock.turn(1)
        assert len(neighbours.knocks) == 2
        assert ears.gone == ["host http://box:8000"]
        await clock.turn(ROUND_S * 2)
        assert len(neighbours.knocks) >= 3
        assert len(ears.gone) == 1
        task.cancel()


async def test_nothing_is_looked_at_unasked() -> None:
    ears, clock, neighbours = Ears(), HandClock(), Neighbours()
    await scanner(ears, [], neighbours, clock).run()
    await settle()
    assert neighbours.knocks == []


@pytest.mark.parametrize("address", ["127.0.0.3", "127.0.0.4"])
async def test_real_sockets_on_the_loopback_network_are_found(address: str) -> None:
    ears = Ears()
    server = await asyncio.start_server(lambda r, w: w.close(), address, 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        scan = HostScanner(ears, read_hosts(["127.0.0.0/29"]), (port,), chance=lambda: 0.0)
        await scan.look()
    assert [c.url for c in ears.heard] == [f"http://{address}:{port}"]
