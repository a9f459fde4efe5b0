"""zeroconf against zeroconf, on loopback: a real responder says what a real browser hears."""

from __future__ import annotations

import asyncio
import gc
import logging
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from zeroconf import DNSOutgoing, DNSPointer, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from nexus.discovery.mdns import MdnsBrowser, MdnsUnavailable, announcing
from nexus.domain.backend import BackendType, Source
from tests.fakes.ears import Ears

LOOPBACK = ("127.0.0.1",)


zeroconf_leaks = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"
)
"""It leaves a socket open when an interface does not exist; collected within the test."""


def service() -> str:
    """A service type of this test's own: others on this machine announce too."""
    return f"_nx{uuid.uuid4().hex[:10]}._tcp.local."


@asynccontextmanager
async def browsing(*services: str, is_nexus: bool = False) -> AsyncIterator[Ears]:
    ears = Ears()
    browser = MdnsBrowser(ears, services, lambda host, port: is_nexus, interfaces=LOOPBACK)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(browser.run())
        await browser.listening.wait()
        assert browser.problem == ""
        yield ears
        task.cancel()


def info(
    kind: str,
    name: str,
    port: int,
    addresses: list[str] | None = None,
    txt: Mapping[str, str] | None = None,
) -> ServiceInfo:
    return ServiceInfo(
        kind,
        f"{name}.{kind}",
        port=port,
        properties=dict(txt or {}),
        server=f"{uuid.uuid4().hex}.local.",
        parsed_addresses=["127.0.0.1"] if addresses is None else addresses,
    )


@asynccontextmanager
async def responder() -> AsyncIterator[AsyncZeroconf]:
    zeroconf = AsyncZeroconf(interfaces=list(LOOPBACK))
    try:
        yield zeroconf
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()


async def register(zeroconf: AsyncZeroconf, what: ServiceInfo) -> None:
    await (await zeroconf.async_register_service(what))


async def test_a_server_is_heard_moves_and_says_goodbye_and_comes_back() -> None:
    kind = service()
    async with browsing(kind) as ears, responder() as zeroconf:
        box = info(kind, "gpu_box", 11434, txt={"type": "ollama", "version": "0.33.0"})
        await register(zeroconf, box)
        await ears.until(lambda: ears.heard)
        first = ears.heard[-1]
        assert (first.name, first.url, first.type) == (
            "gpu box",
            "http://127.0.0.1:11434",
            BackendType.OLLAMA,
        )
        assert (first.source, first.version) == (Source.MDNS, "0.33.0")
        moved = info(kind, "gpu_box", 11500, txt={"type": "ollama"})
        await zeroconf.async_update_service(moved)
        await ears.until(lambda: ears.heard[-1].url == "http://127.0.0.1:11500")
        assert ears.heard[-1].key == first.key
        await (await zeroconf.async_unregister_service(moved))
        await ears.until(lambda: ears.gone)
        assert ears.gone == [first.key]
        count = len(ears.heard)
        await register(zeroconf, box)
        await ears.until(lambda: len(ears.heard) > count)
        assert (ears.heard[-1].key, ears.heard[-1].url) == (first.key, first.url)


async def test_what_was_announced_before_nexus_started_is_heard_with_several_types() -> None:
    one, two = service(), service()
    async with responder() as zeroconf:
        await register(zeroconf, info(one, "a", 8001, txt={"type": "vllm", "api_path": "/v1"}))
        await register(zeroconf, info(two, "b", 8002, txt={"api_path": "/llm/v1/"}))
        async with browsing(one, two) as ears:
            await ears.until(lambda: len({c.key for c in ears.heard}) == 2)
            found = {c.name: (c.url, c.type) for c in ears.heard}
    assert found == {
        "a": ("http://127.0.0.1:8001", BackendType.VLLM),
        "b": ("http://127.0.0.1:8002/llm", None),
    }


async def test_a_type_that_cannot_be_browsed_does_not_silence_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kind = service()
    with caplog.at_level(logging.ERROR, "nexus.discovery"):
        async with browsing("nonsense", kind) as ears, responder() as zeroconf:
            await register(zeroconf, info(kind, "a", 8001))
            await ears.until(lambda: ears.heard)
    assert "nonsense cannot be browsed" in caplog.text


LIARS: Mapping[str, tuple[int, list[str] | None, Mapping[str, str], str]] = {
    "zero": (0, None, {}, "announces port 0"),
    "public": (
        8000,
        ["8.8.8.8"],
        {},
        "announces 8.8.8.8: a public address, beyond the local network",
    ),
    "many": (8000, ["224.0.0.251"], {}, "announces 224.0.0.251: an address of many"),
    "none": (8000, ["0.0.0.0"], {}, "announces 0.0.0.0: not an address"),
    "huge": (
        8000,
        None,
        {f"k{n}": "x" * 200 for n in range(12)},
        "has more than 2048 bytes of TXT",
    ),
    "climber": (8000, None, {"api_path": "/../admin"}, "has an api_path that is no plain path"),
}


async def test_liars_are_named_with_the_reason_and_an_honest_one_is_heard_among_them() -> None:
    kind = service()
    async with browsing(kind) as ears, responder() as zeroconf, asyncio.TaskGroup() as group:
        for name, (port, addresses, txt, _) in LIARS.items():
            group.create_task(register(zeroconf, info(kind, name, port, addresses, txt)))
        group.create_task(register(zeroconf, info(kind, "honest", 8000)))
        await ears.until(lambda: ears.heard and len({r.name for r in ears.reasons}) == len(LIARS))
    assert {r.name: r.why for r in ears.reasons} == {name: lie[3] for name, lie in LIARS.items()}
    assert {candidate.name for candidate in ears.heard} == {"honest"}


async def test_nexus_itself_is_told_and_not_used() -> None:
    kind = service()
    async with browsing(kind, is_nexus=True) as ears, responder() as zeroconf:
        await register(zeroconf, info(kind, "me", 8000))
        await ears.until(lambda: ears.reasons)
    assert ears.reasons[0].why == "is this Nexus itself"


async def test_a_name_with_invisible_letters_is_heard_without_them() -> None:
    kind = service()
    async with browsing(kind) as ears, responder() as zeroconf:
        await register(zeroconf, info(kind, "\u202egpu\u200b-1", 8000))
        await ears.until(lambda: ears.heard)
    assert ears.heard[0].name == "gpu-1"


async def test_a_packet_with_escape_codes_in_the_name_is_refused_by_its_clean_name() -> None:
    kind = service()
    async with browsing(kind) as ears, responder() as zeroconf:
        await zeroconf.zeroconf.async_wait_for_start()
        packet = DNSOutgoing(0x8400)  # an answer that nobody asked for; no honest sender makes it
        name = f"\x1b]0;owned\x07box.{kind}"
        packet.add_answer_at_time(DNSPointer(kind, 12, 1, 4500, name), 0)
        zeroconf.zeroconf.async_send(packet)
        await ears.until(lambda: ears.reasons)
    assert ears.reasons[0].name == "]0;ownedbox"
    assert ears.reasons[0].why == "has a name that no service may have"
    assert ears.heard == []


@zeroconf_leaks
async def test_where_mdns_does_not_work_it_says_so_and_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    browser = MdnsBrowser(
        Ears(), [service()], lambda host, port: False, interfaces=["203.0.113.77"]
    )
    with caplog.at_level(logging.WARNING, "nexus.discovery"):
        async with asyncio.timeout(10):
            await browser.run()
    assert browser.problem
    assert "mDNS is off" in caplog.text
    assert browser.listening.is_set()
    gc.collect()


async def test_a_helper_announces_and_says_goodbye_at_its_end() -> None:
    kind = service()
    async with browsing(kind) as ears:
        async with announcing(
            kind, "my box", 11434, LOOPBACK, {"type": "ollama"}, interfaces=LOOPBACK
        ) as name:
            assert name == f"my box.{kind}"
            await ears.until(lambda: ears.heard)
            assert ears.heard[0].url == "http://127.0.0.1:11434"
        await ears.until(lambda: ears.gone)


@zeroconf_leaks
async def test_announcing_where_mdns_does_not_work_is_an_error_with_a_reason() -> None:
    with pytest.raises(MdnsUnavailable):
        async with announcing(service(), "box", 1, LOOPBACK, {}, interfaces=["203.0.113.77"]):
            pass
    gc.collect()


def test_zeroconf_is_not_loaded_before_somebody_browses() -> None:
    code = "import sys, nexus.runtime, nexus.cli.main; print('zeroconf' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_addresses_are_asked_of_the_c_library_without_a_child_process_that_finds_it() -> None:
    code = (
        "import sys; from nexus.discovery.mdns import own_addresses; own_addresses(); "
        "print([n for n in ('ctypes.util', 'shutil', 'tempfile') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
