"""`gpu-01`, `192.168.1.0/24`, `10.0.0.5:8080`: where an operator asks Nexus to look.

And whom it trusts. A network must be small and private: looking at other people's addresses is
nobody's wish. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network


class Trust(StrEnum):
    """What becomes of a server that is found beyond this machine."""

    AUTO = "auto"
    """It is used."""
    ASK = "ask"
    """It waits for approval."""
    OFF = "off"
    """Nobody looks for it."""


MOST_ADDRESSES = 1024
"""Over all entries of a list; a /22 network."""

_NAME = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*\.?", re.IGNORECASE
)
_NO_HOST = "a host such as gpu-01, 192.168.1.20, gpu-01:8080 or [fd00::1]:8080, or a network"


@dataclass(frozen=True, slots=True)
class Spot:
    """One address to look at."""

    host: str
    """Name or IP address, without brackets."""
    port: int | None
    """None for the usual ports."""
    network: str = ""
    """The network it is part of; empty when it is named itself."""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One entry, understood."""

    text: str
    size: int
    """Addresses."""
    host: str
    """Empty for a network."""
    port: int | None

    def spots(self) -> tuple[Spot, ...]:
        """Every address, in order."""
        if self.host:
            return (Spot(self.host, self.port),)
        network = ip_network(self.text, strict=False)
        return tuple(Spot(str(address), None, self.text) for address in _hosts(network))


def read_host(entry: str) -> HostEntry:
    """Understand one entry.

    Raises ValueError with a sentence.
    """
    text = entry.strip()
    if "/" in text:
        return _read_network(text)
    host, port = _split(text)
    try:
        address = ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host) or re.fullmatch(r"[\d.]+", host):
            raise ValueError(_NO_HOST) from None
        return HostEntry(text, 1, host.lower().rstrip("."), port)
    if address.is_unspecified or address.is_multicast:
        raise ValueError(f"{host} is no address of one host")
    return HostEntry(text, 1, str(address), port)


def read_hosts(entries: Sequence[str]) -> tuple[HostEntry, ...]:
    """Understand a list, and refuse one that names too many addresses.

    Raises ValueError with a sentence.
    """
    read = tuple(read_host(entry) for entry in entries)
    total = sum(entry.size for entry in read)
    if total > MOST_ADDRESSES:
        raise ValueError(f"{total} addresses are too many: {MOST_ADDRESSES} at most (a /22)")
    return read


def _read_network(text: str) -> HostEntry:
    if "://" in text:
        raise ValueError(f"no URL: {_NO_HOST}")
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no network such as 192.168.1.0/24") from None
    if network.is_multicast or network.network_address.is_unspecified:
        raise ValueError(f"{text} is no network of hosts")
    if network.is_global:
        raise ValueError(f"{text} is public: only private networks are scanned")
    if network.num_addresses > MOST_ADDRESSES:
        raise ValueError(
            f"{text} has {network.num_addresses} addresses: {MOST_ADDRESSES} at most (a /22)"
        )
    return HostEntry(text, len(_hosts(network)), "", None)


def _hosts(network: IPv4Network | IPv6Network) -> list[object]:
    return list(network.hosts()) or [network.network_address]


def _split(text: str) -> tuple[str, int | None]:
    """Host and port. IPv6 without brackets has no port."""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d{1,5}))?", text)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not re.fullmatch(r"\d{1,5}", port):
            raise ValueError(f"{port[:20]!r} is no port")
    else:
        host, port = text, None
    if port is None:
        return host, None
    number = int(port)
    if not 1 <= number <= 65535:
        raise ValueError(f"{number} is no port: 1 to 65535")
    return host, number
