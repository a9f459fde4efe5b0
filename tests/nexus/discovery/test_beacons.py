from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.discovery.beacons import (
    EXO_GROUP,
    MOST_SPEAKERS,
    BeaconListener,
    read_exo,
    read_lemonade,
)
from nexus.discovery.candidate import Candidate, Ignored
from nexus.domain.backend import BackendType, Source
from nexus.domain.text import clean
from nexus.domain.urls import normalise
from tests.fakes.ears import Ears

HELLO = b"EXO\x00" + b"n" * 8 + b"s" * 8


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mouth:
            mouth.bind(("::1", 0))
    except OSError:
        return False
    return True


def lemonade(url: object, hostname: object = "desk") -> bytes:
    return json.dumps({"service": "lemonade", "hostname": hostname, "url": url}).encode()


@asynccontextmanager
async def listening(ears: Ears) -> AsyncIterator[int]:
    listener = BeaconListener(ears, read_lemonade, 0, host="127.0.0.1")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.run())
        yield await listener.port
        task.cancel()


def send(port: int, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth:
        for datagram in datagrams:
            mouth.sendto(datagram, ("127.0.0.1", port))


async def test_a_beacon_is_heard_over_real_udp_among_noise() -> None:
    ears = Ears()
    async with listening(ears) as port:
        send(port, b"\xff\xfe", b"{}", b"[" * 1500, lemonade("http://127.0.0.1:13305/api/v1"))
        await ears.until(lambda: ears.heard)
    (found,) = ears.heard
    assert (found.url, found.name) == ("http://127.0.0.1:13305", "desk")
    assert (found.source, found.via) == (Source.BEACON, "beacon of 127.0.0.1")


@pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 loopback")
async def test_exos_hello_is_heard_over_real_udp_among_noise() -> None:
    ears = Ears()
    listener = BeaconListener(ears, read_exo, 0, group=EXO_GROUP)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.run())
        port = await listener.port
        # To the port that the group is heard on: containers have no route for multicast.
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mouth:
            for datagram in (b"EXO\x01" + b"r" * 30, b"EXO\x00", b"\xff" * 1500, HELLO):
                mouth.sendto(datagram, ("::1", port))
        await ears.until(lambda: ears.heard)
        task.cancel()
    (found,) = ears.heard
    assert (found.url, found.type) == ("http://[::1]:52415", BackendType.EXO)
    assert ears.reasons == []


async def test_many_voices_are_bounded() -> None:
    ears = Ears()
    async with listening(ears) as port:
        for number in range(MOST_SPEAKERS + 20):
            send(port, lemonade(f"http://127.0.0.1:{2000 + number}"))
            await asyncio.sleep(0)
        last = lemonade("http://127.0.0.1:2000", "again")
        send(port, last)
        await ears.until(lambda: ears.heard[-1].name == "again")
    assert len({candidate.key for candidate in ears.heard}) == MOST_SPEAKERS


async def test_a_port_that_is_taken_is_no_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        listener = BeaconListener(Ears(), read_lemonade, taken.getsockname()[1], host="127.0.0.1")
        await listener.run()
        assert await listener.port == 0


@pytest.mark.parametrize(
    ("source", "url", "heard"),
    [
        ("192.168.1.9", "http://192.168.1.9:13305/api/v1", "http://192.168.1.9:13305"),
        ("192.168.1.9", "http://desk.local:13305/v1", "http://192.168.1.9:13305"),
        ("127.0.0.1", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("fd00::9", "http://[fd00::9]:8000/", "http://[fd00::9]:8000"),
    ],
)
def test_a_beacon_speaks_for_the_address_it_comes_from(source: str, url: str, heard: str) -> None:
    found = read_lemonade(lemonade(url), source)
    assert isinstance(found, Candidate)
    assert found.url == heard


@pytest.mark.parametrize(
    ("source", "url", "why"),
    [
        ("192.168.1.9", "http://192.168.1.10:8000", "announces 192.168.1.10, but speaks from"),
        ("192.168.1.9", "http://127.0.0.1:8000", "announces 127.0.0.1, but speaks from"),
        ("192.168.1.9", "http://localhost:8000", "announces localhost, but speaks from"),
        ("8.8.8.8", "http://8.8.8.8:8000", "announces 8.8.8.8, but speaks from"),
        ("192.168.1.9", "http://192.168.1.9:0", "announces no usable URL"),
        ("192.168.1.9", "ftp://192.168.1.9", "announces no usable URL"),
        ("192.168.1.9", 5, "announces no usable URL"),
    ],
)
def test_a_beacon_for_somebody_else_is_refused(source: str, url: object, why: str) -> None:
    found = read_lemonade(lemonade(url), source)
    assert isinstance(found, Ignored)
    assert found.why.startswith(why)


def test_exos_hello_is_a_hint_where_its_api_is() -> None:
    found = read_exo(HELLO, "192.168.1.30")
    assert isinstance(found, Candidate)
    assert (found.url, found.type) == ("http://192.168.1.30:52415", BackendType.EXO)
    assert found.via == "exo says hello from 192.168.1.30"
    assert read_exo(HELLO, "fe80::1%eth0") is not None
    assert read_exo(b"EXO\x01" + b"x" * 30, "192.168.1.30") is None
    assert read_exo(b"EXO\x00", "192.168.1.30") is None
    assert read_exo(HELLO, "8.8.8.8") is None


@given(
    st.binary(max_size=300)
    | st.builds(lemonade, st.text(max_size=60) | st.none(), st.text(max_size=60))
    | st.binary(max_size=30).map(lambda tail: b"EXO\x00" + tail),
    st.ip_addresses().map(str) | st.text(max_size=20),
)
def test_any_datagram_is_a_usable_candidate_a_clean_reason_or_nothing(
    datagram: bytes, source: str
) -> None:
    for read in (read_lemonade, read_exo):
        found = read(datagram, source)
        if isinstance(found, Candidate):
            assert normalise(found.url) == found.url
        if found is not None:
            assert found.name == clean(found.name)
        if isinstance(found, Ignored):
            assert found.why == clean(found.why)
