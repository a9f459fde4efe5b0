from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.hosts import MOST_ADDRESSES, Spot, read_host, read_hosts


@pytest.mark.parametrize(
    ("entry", "spot"),
    [
        ("gpu-01", Spot("gpu-01", None)),
        (" GPU-01.lan ", Spot("gpu-01.lan", None)),
        ("gpu-01:8080", Spot("gpu-01", 8080)),
        ("192.168.1.20", Spot("192.168.1.20", None)),
        ("10.0.0.5:8080", Spot("10.0.0.5", 8080)),
        ("[fd00::1]:8080", Spot("fd00::1", 8080)),
        ("[fd00::1]", Spot("fd00::1", None)),
        ("fd00::1", Spot("fd00::1", None)),
    ],
)
def test_a_host_is_one_spot(entry: str, spot: Spot) -> None:
    assert read_host(entry).spots() == (spot,)


def test_a_network_is_its_hosts_without_its_own_and_its_broadcast_address() -> None:
    spots = read_host("192.168.1.0/30").spots()
    assert spots == tuple(Spot(f"192.168.1.{n}", None, "192.168.1.0/30") for n in (1, 2))
    assert len(read_host("10.0.0.0/22").spots()) == 1022
    assert [s.host for s in read_host("10.1.2.3/32").spots()] == ["10.1.2.3"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("10.0.0.0/8", "16777216 addresses: 1024 at most"),
        ("fd00::/64", "addresses: 1024 at most"),
        ("8.8.8.0/24", "only private networks are scanned"),
        ("224.0.0.0/24", "no network of hosts"),
        ("http://gpu-01:8080", "no URL"),
        ("gpu-01/24", "no network"),
        ("gpu-01:0", "no port"),
        ("gpu-01:99999", "no port"),
        ("gpu-01:x", "no port"),
        ("", "a host such as"),
        ("-x", "a host such as"),
        ("a b", "a host such as"),
        ("1.2.3", "a host such as"),
        ("0.0.0.0", "no address of one host"),
        ("[::1", "a host such as"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_with_a_reason(entry: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_host(entry)


def test_all_entries_together_are_bounded() -> None:
    assert len(read_hosts(["10.0.0.0/23", "10.0.2.0/24"])) == 2
    with pytest.raises(ValueError, match=f"too many: {MOST_ADDRESSES} at most"):
        read_hosts(["10.0.0.0/22", "10.0.4.0/24"])


@given(st.text(max_size=60) | st.ip_addresses(network="10.0.0.0/8").map(lambda ip: f"{ip}/24"))
def test_any_entry_is_understood_or_refused(entry: str) -> None:
    with contextlib.suppress(ValueError):
        read = read_host(entry)
        spots = read.spots()
        assert len(spots) == read.size <= MOST_ADDRESSES
        assert all(spot.host for spot in spots)
