"""Which addresses are ours."""

from __future__ import annotations

import pytest

from nexus.domain.addresses import host_of, is_outside


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.7",
        "172.16.9.9",
        "169.254.1.1",
        "100.64.0.1",
        "100.127.255.254",
        "::1",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:192.168.1.1",
        "0.0.0.0",
    ],
)
def test_an_address_of_ones_own_is_inside(address: str) -> None:
    assert not is_outside(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "100.63.255.255", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "gpu-1", ""],
)
def test_the_internet_and_what_is_no_address_are_outside(address: str) -> None:
    assert is_outside(address)


def test_the_host_of_a_url_is_found_also_in_brackets() -> None:
    assert host_of("http://[fd00::1]:8000/x") == "fd00::1"
    assert host_of("nonsense") == ""
    assert host_of("http://[broken") == ""
