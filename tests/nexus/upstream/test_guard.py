"""No socket leaves the zone: asked of the pool that opens it, with a real server behind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from nexus.domain.backend import Zone
from nexus.errors import NoConnection, ZoneViolation
from nexus.upstream.guard import Guard
from nexus.upstream.pool import Pool, Timeouts
from tests.fakes.upstream import answer, reply, upstream

IN, OUT = Zone.RESTRICTED, Zone.OPEN


def pool(url: str, guard: Guard, **more: Any) -> Pool:
    return Pool("gpu", url, {}, Timeouts(connect_s=5.0), guard=guard, **more)


async def test_a_restricted_request_opens_no_socket_to_an_open_backend() -> None:
    guard = Guard()
    async with upstream(answer(reply())) as up:
        here = pool(up.url, guard, zone=OUT)
        with pytest.raises(ZoneViolation, match="'gpu' is in zone open"):
            await here.connect(IN)
        with pytest.raises(ZoneViolation):
            here.idle(IN)
        assert (up.connections, guard.breaches, guard.opened) == (0, 2, {IN: 0, OUT: 0})


async def test_a_restricted_request_is_not_sent_to_an_open_model_of_a_restricted_backend() -> None:
    guard = Guard()
    here = pool("http://127.0.0.1:1", guard, zone=IN)

    here.admit(IN, IN)
    here.admit(OUT, OUT)
    with pytest.raises(ZoneViolation):
        here.admit(IN, OUT)


async def test_sockets_are_counted_by_where_they_lead() -> None:
    guard = Guard()
    async with upstream(answer(reply())) as up:
        for connection in (
            await pool(up.url, guard, zone=IN).connect(IN),
            await pool(up.url, guard, zone=IN).connect(OUT),
            await pool(up.url, guard, zone=OUT).connect(OUT),
        ):
            connection.abort()
    assert guard.opened == {IN: 2, OUT: 1}


async def _resolved(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def lookup(host: str, port: int, **how: object) -> list[object]:
        return [(2, 1, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", lookup)


async def test_a_name_that_leads_outside_is_refused_before_a_socket_is_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await _resolved(monkeypatch, "10.0.0.1", "8.8.8.8")
    guard = Guard()

    with pytest.raises(ZoneViolation, match=r"gpu-01 resolves to 8\.8\.8\.8, outside"):
        await pool("http://gpu-01:1", guard, zone=IN).connect(IN)
    assert guard.opened == {IN: 0, OUT: 0}


async def test_an_address_outside_is_refused_unless_a_person_chose_the_zone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def connect(protocol: object, host: str, port: int, **how: object) -> None:
        asked.append(host)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "create_connection", connect)
    guard = Guard()
    with pytest.raises(ZoneViolation, match="is outside"):
        await pool("http://8.8.8.8:1", guard, zone=IN).connect(IN)
    assert asked == []
    with pytest.raises(NoConnection):
        await pool("http://8.8.8.8:1", guard, zone=IN, zone_told=True).connect(IN)
    assert (asked, guard.breaches) == (["8.8.8.8"], 1)


async def test_a_name_that_leads_inside_is_connected_to_an_address_that_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = Guard()
    async with upstream(answer(reply())) as up:
        port = up.url.rpartition(":")[2]
        await _resolved(monkeypatch, "127.0.0.2", "127.0.0.1")  # nobody listens on the first
        connection = await pool(f"http://gpu-01:{port}", guard, zone=IN).connect(IN)
        assert connection.outside is False
        connection.abort()
    assert guard.opened == {IN: 1, OUT: 0}


async def test_a_kept_connection_that_leads_outside_is_not_used_again() -> None:
    guard = Guard()
    async with upstream(answer(reply())) as up:
        here = pool(up.url, guard, zone=IN)
        connection = await here.connect(IN)
        connection.outside = True  # as a name does that led elsewhere when it was opened
        here._idle.append(connection)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(ZoneViolation):
            here.idle(IN)
        assert here.idle(OUT) is connection
        connection.abort()
