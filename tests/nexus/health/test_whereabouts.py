"""Inside or outside, by every address of a name."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

import pytest

from nexus.health.whereabouts import outside


def resolving(*addresses: str) -> Callable[[str], Awaitable[list[str]]]:
    async def resolve(host: str) -> list[str]:
        if not addresses:
            raise socket.gaierror
        return list(addresses)

    return resolve


@pytest.mark.parametrize(
    ("url", "addresses", "why"),
    [
        ("http://localhost:11434", [], ""),
        ("http://192.168.1.7:8000", [], ""),
        ("http://[fd00::1]:8000", [], ""),
        ("http://gpu.lan:8000", ["10.0.0.1", "fd00::1"], ""),
        ("http://8.8.8.8:8000", ["8.8.8.8"], "8.8.8.8 is outside your network"),
        (
            "https://llm.example:443",
            ["10.0.0.1", "8.8.8.8"],
            "llm.example resolves to 8.8.8.8, outside your network",
        ),
        ("http://nowhere.lan", [], "nowhere.lan could not be resolved"),
    ],
)
async def test_every_address_must_be_inside(url: str, addresses: list[str], why: str) -> None:
    assert await outside(url, resolving(*addresses)) == why


async def test_a_real_name_of_this_machine_is_inside() -> None:
    assert await outside("http://127.0.0.1:1") == ""
    assert await outside("http://localhost.:1") in ("", "localhost. could not be resolved")
