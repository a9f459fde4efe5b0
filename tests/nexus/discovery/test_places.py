from __future__ import annotations

import pytest

from nexus.discovery.mdns import own_addresses
from nexus.discovery.places import HERE, Place, Places, canonical, is_own, places
from tests.fakes.probing import HandClock


async def test_a_server_has_one_place_by_whatever_name_of_this_machine() -> None:
    names = ["http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"]
    names += [f"http://[{a}]:8000" if ":" in a else f"http://{a}:8000" for a in own_addresses()]
    found = {await places(name) for name in names}
    assert found == {frozenset({Place(HERE, 8000)})}
    assert Place(HERE, 8000).is_here


async def test_other_ports_paths_and_loopback_addresses_are_other_places() -> None:
    urls = (
        "http://127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8000/llm",
        "http://127.0.0.2:8000",
        "http://192.168.77.77:8000",
    )
    assert len({await places(url) for url in urls}) == len(urls)


@pytest.mark.parametrize(
    ("address", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", True),
        ("192.168.77.77", False),
        ("fd12:3456::1", False),
        ("fe80::1%no-such-interface", False),
        ("nonsense", False),
    ],
)
def test_an_own_address_is_one_that_can_be_bound(address: str, own: bool) -> None:
    assert is_own(address) is own


def test_an_ipv4_address_in_ipv6_clothes_is_the_same() -> None:
    assert canonical("::ffff:192.168.77.77") == "192.168.77.77"
    assert canonical("::ffff:127.0.0.1") == HERE


@pytest.mark.parametrize("url", ["", "http://", "http://[", "not a url", "http://no.such.invalid"])
async def test_what_leads_nowhere_has_no_place(url: str) -> None:
    async def nobody(name: str) -> tuple[str, ...]:
        return ()

    assert await places(url, nobody) == frozenset()


async def test_names_are_asked_for_once_a_minute() -> None:
    asked: list[str] = []
    clock = HandClock()

    async def resolve(name: str) -> list[str]:
        asked.append(name)
        return ["10.0.0.1", "10.0.0.2"]

    known = Places(resolve, clock.monotonic)
    for _ in range(3):
        assert await known.of("http://gpu:80") == {Place("10.0.0.1", 80), Place("10.0.0.2", 80)}
        await clock.turn(25)
    assert asked == ["gpu"]
    await known.of("http://gpu:80")
    assert asked == ["gpu", "gpu"]
