"""Servers that shout by themselves: Lemonade's UDP broadcast and exo's multicast hello.

Only heard, never answered. A beacon speaks for the host it comes from and for no other: a URL that
points elsewhere is not looked at.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Protocol, cast
from urllib.parse import urlsplit

from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.places import canonical
from nexus.discovery.records import refusal, tidy_name
from nexus.domain.backend import BackendType, Source
from nexus.domain.text import clean
from nexus.domain.urls import normalise
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.discovery")

LEMONADE_PORT = 13305
EXO_PORT = 52413
EXO_GROUP = "ff12::e0a1:de89"
EXO_API_PORT = 52415
LONGEST_BYTES = 2048
SILENCE_S = 90.0
"""After this without a word, a beacon's server is said to have left."""
MOST_SPEAKERS = 64

Address = tuple[str, int]
Read = Callable[[bytes, str], Candidate | Ignored | None]


class Ears(Protocol):
    """Who is told: `nexus.discovery.scout.Scout`."""

    def sighted(self, candidate: Candidate) -> None: ...
    def ignored(self, what: Ignored) -> None: ...
    def lost(self, key: str, why: str) -> None: ...


def read_lemonade(datagram: bytes, source: str) -> Candidate | Ignored | None:
    """`{"service": "lemonade", "hostname": ..., "url": ...}`. None for what is something else.

    Args:
        datagram: as it came.
        source: numeric address of the sender.
    """
    if len(datagram) > LONGEST_BYTES:
        return None
    try:
        value: object = json.loads(datagram)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    said = cast("dict[str, object]", value)
    if said.get("service") != "lemonade":
        return None
    hostname, url = said.get("hostname"), said.get("url")
    key = f"beacon lemonade {source}"
    name = tidy_name(hostname) if isinstance(hostname, str) else ""
    shown = name or clean(source, 60)
    try:
        parts = urlsplit(normalise(url if isinstance(url, str) else ""))
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as problem:
        return Ignored(key, shown, f"announces no usable URL: {clean(str(problem))}")
    if not _speaks_for(source, host):
        return Ignored(
            key, shown, f"announces {clean(host, 80)}, but speaks from {clean(source, 60)}"
        )
    # Not the name, which is whatever DNS says; the address it speaks from is its own.
    where = host if _is_numeric(host) else source
    where = f"[{where}]" if ":" in where else where
    return Candidate(
        f"{key} {port}",
        name,
        normalise(f"{parts.scheme}://{where}:{port}"),
        Source.BEACON,
        f"beacon of {source}",
    )


def read_exo(datagram: bytes, source: str) -> Candidate | Ignored | None:
    """Exo's hello: `EXO`, a zero byte, 8 bytes nonce, 8 bytes namespace. It names no API port."""
    if not datagram.startswith(b"EXO\x00") or len(datagram) < 20 or len(datagram) > 64:
        return None
    if _refused(source):
        return None
    where = f"[{source}]" if ":" in source else source
    try:
        url = normalise(f"http://{where}:{EXO_API_PORT}")
    except ValueError:
        return None
    return Candidate(
        f"beacon exo {source}", "", url, Source.BEACON, f"exo says hello from {source}",
        type=BackendType.EXO,
    )  # fmt: skip


def _speaks_for(source: str, host: str) -> bool:
    """Whether a sender may announce a host: its own address, or a name for that address."""
    if _refused(source):
        return False
    if canonical(host) == canonical(source):
        return True
    return not _is_numeric(host) and host != "localhost"


def _refused(source: str) -> bool:
    try:
        return bool(refusal(ip_address(source.partition("%")[0])))
    except ValueError:
        return True


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


class BeaconListener:
    """Hears one kind of beacon on one UDP port.

    Args:
        ears: who is told.
        read: what a datagram means.
        port: 0 for any, which tests use.
        group: an IPv6 multicast group to join, or empty for IPv4 broadcasts.
        host: the address to listen on.
    """

    def __init__(
        self, ears: Ears, read: Read, port: int, *, group: str = "", host: str = ""
    ) -> None:
        self._ears = ears
        self._read = read
        self._port = port
        self._group = group
        self._host = host
        self._heard: dict[str, float] = {}
        self.port = asyncio.Future[int]()
        """The port in use, 0 where nothing is heard; set once listening has begun or failed."""

    async def run(self) -> None:
        """Listen until cancelled; returns at once where the port cannot be had."""
        loop = asyncio.get_running_loop()
        try:
            opened = self._socket()
        except OSError as problem:
            log.debug("beacons on UDP %d are not heard: %s", self._port, problem)
            self.port.set_result(0)
            return
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self._datagram), sock=opened
        )
        self.port.set_result(opened.getsockname()[1])
        try:
            while True:
                await asyncio.sleep(SILENCE_S / 4)
                self._forget(loop.time() - SILENCE_S)
        finally:
            transport.close()

    def _socket(self) -> socket.socket:
        family = socket.AF_INET6 if self._group else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):  # others on this machine listen too
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if self._group:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.bind((self._host, self._port))
            if self._group:
                self._join(opened)
        except OSError:
            opened.close()
            raise
        return opened

    def _join(self, opened: socket.socket) -> None:
        """The group on every interface that takes it."""
        joined = 0
        for index, _ in socket.if_nameindex():
            membership = socket.inet_pton(socket.AF_INET6, self._group) + struct.pack("@I", index)
            try:
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
            except OSError:
                continue
            joined += 1
        if not joined:
            raise OSError("no interface takes the multicast group")

    def _datagram(self, data: bytes, source: str) -> None:
        found = self._read(data, source)
        if found is None:
            return
        if found.key not in self._heard and len(self._heard) >= MOST_SPEAKERS:
            return
        self._heard[found.key] = asyncio.get_running_loop().time()
        if isinstance(found, Ignored):
            self._ears.ignored(found)
        else:
            self._ears.sighted(found)

    def _forget(self, before: float) -> None:
        for key, at in [*self._heard.items()]:
            if at < before:
                del self._heard[key]
                self._ears.lost(key, f"its beacon is silent for {SILENCE_S:g} s")


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, heard: Callable[[bytes, str], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, addr: tuple[str | int, ...]) -> None:
        host = str(addr[0])
        if len(addr) == 4 and addr[3] and "%" not in host:
            host = f"{host}%{addr[3]}"
        self._heard(data, host)


def lemonade(ears: Ears) -> BeaconListener:
    """Lemonade's broadcast."""
    return BeaconListener(ears, read_lemonade, LEMONADE_PORT)


def exo(ears: Ears) -> BeaconListener:
    """Exo's hello."""
    return BeaconListener(ears, read_exo, EXO_PORT, group=EXO_GROUP)
