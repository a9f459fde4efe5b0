from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from nexus.discovery.identify import Found, Stranger, identify, listening, local_port
from nexus.discovery.mdns import own_addresses
from nexus.discovery.places import Places
from nexus.discovery.probe import WELL_KNOWN, PortScanner, scan
from nexus.domain.backend import BackendFace, BackendId, BackendType, Source, Zone
from nexus.domain.events import PortProbed
from nexus.domain.http import HttpReply
from nexus.registry.registry import Registry
from tests.fakes import hearsay
from tests.fakes.captures import recorded, said
from tests.fakes.probing import HandClock, ScriptedAsker, settle

LLAMACPP = recorded("llamacpp/models", "llamacpp/props")
VLLM = recorded("vllm/models", "vllm/version")
WEB_PAGE = hearsay.STRANGERS["a web page for everything"]


class Machine:
    """A machine whose ports are scripted, and a scanner that looks at it."""

    def __init__(self, own_url: str = "http://127.0.0.1:9000", **options: Any) -> None:
        self.clock = HandClock()
        self.registry = Registry(lambda event: None, lambda: self.clock.seconds)
        self.asker = ScriptedAsker()
        self.said: list[PortProbed] = []
        self.added: list[BackendId] = []
        self.connected: list[int] = []
        self.names_of: dict[str, list[str]] = {}
        """Addresses by host name, for whoever asks DNS."""
        self.together: asyncio.Barrier | None = None
        """Where set, DNS answers only when so many names are being asked for."""
        self.scanner = PortScanner(
            self.registry,
            self.asker,
            self._hear,
            own_url=own_url,
            added=self.added.append,
            connect=self._connect,
            places=Places(self._resolve),
            sleep=self.clock.sleep,
            monotonic=self.clock.monotonic,
            now=self.clock.monotonic,
            **options,
        )

    def _hear(self, event: object) -> None:
        assert isinstance(event, PortProbed)
        self.said.append(event)

    async def _resolve(self, name: str) -> Collection[str]:
        if self.together is not None:
            await self.together.wait()
        return self.names_of.get(name, ())

    async def _connect(self, host: str, port: int) -> str:
        self.connected.append(port)
        return "" if f"http://{host}:{port}" in self.asker.script else "connection refused"

    def start(self, port: int, replies: Mapping[str, HttpReply]) -> None:
        self.asker.serve(f"http://127.0.0.1:{port}", replies)

    def stop(self, port: int) -> None:
        self.asker.stop(f"http://127.0.0.1:{port}")

    def names(self) -> list[str]:
        return [backend.name for backend in self.registry.fleet().backends.values()]

    def detail(self, port: int) -> str:
        """The last word about a port."""
        return next(e.detail for e in reversed(self.said) if e.url.endswith(f":{port}"))


@asynccontextmanager
async def scanning(machine: Machine) -> AsyncIterator[Machine]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(machine.scanner.run())
        await settle()
        yield machine
        task.cancel()


def test_the_well_known_ports_are_those_of_the_five_servers() -> None:
    assert set(WELL_KNOWN) == {11434, 1234, 8080, 8000, 52415}


async def test_an_empty_machine_is_told_port_by_port() -> None:
    machine = Machine()
    async with scanning(machine):
        assert {event.url.rpartition(":")[2] for event in machine.said} == {
            str(port) for port in WELL_KNOWN
        }
        assert {event.detail for event in machine.said} == {"connection refused"}
        assert machine.names() == []


async def test_found_servers_are_added_by_their_type_and_announced() -> None:
    machine = Machine()
    machine.start(11434, hearsay.OLLAMA)
    machine.start(8080, LLAMACPP)
    machine.start(8000, VLLM)
    machine.start(1234, hearsay.LMSTUDIO)
    machine.start(52415, hearsay.EXO)
    async with scanning(machine):
        assert set(machine.names()) == {"ollama", "lmstudio", "llamacpp-8080", "vllm-8000", "exo"}
        faces = [backend.face for backend in machine.registry.fleet().backends.values()]
        assert {face.source for face in faces} == {Source.PROBE}
        assert {face.zone for face in faces} == {Zone.RESTRICTED}
        assert set(machine.added) == {face.id for face in faces}
        assert machine.detail(11434).startswith("Ollama 0.33.0 (")


async def test_a_server_is_recognised_on_a_port_that_is_not_its_own() -> None:
    machine = Machine()
    machine.start(11434, LLAMACPP)
    machine.start(1234, hearsay.OLLAMA)
    async with scanning(machine):
        assert set(machine.names()) == {"llamacpp-11434", "ollama-1234"}


async def test_what_is_no_llm_server_is_called_so_and_asked_seldom() -> None:
    machine = Machine()
    machine.start(8080, WEB_PAGE)
    async with scanning(machine):
        assert machine.detail(8080) == "answers HTTP but is no known LLM server"
        before = len(machine.asker.asked)
        await machine.clock.turn(30)
        assert len(machine.asker.asked) == before
        await machine.clock.turn(60)
        assert len(machine.asker.asked) > before
        assert machine.names() == []


async def test_a_server_that_starts_later_is_found() -> None:
    machine = Machine()
    async with scanning(machine):
        machine.start(11434, hearsay.OLLAMA)
        await machine.clock.turn(5)
        assert machine.names() == ["ollama"]


async def test_an_operators_scan_says_everything_again() -> None:
    machine = Machine()
    machine.start(8080, WEB_PAGE)
    async with scanning(machine):
        await machine.clock.turn(20)
        assert len(machine.said) == len(WELL_KNOWN)
        machine.start(8080, LLAMACPP)
        await machine.scanner.scan()
        assert len(machine.said) == 2 * len(WELL_KNOWN)
        assert machine.names() == ["llamacpp-8080"]


async def test_nexus_does_not_find_itself() -> None:
    machine = Machine(own_url="http://0.0.0.0:8000")
    machine.start(8000, VLLM)
    async with scanning(machine):
        assert machine.detail(8000) == "this is Nexus itself"
        assert machine.names() == []
        assert 8000 not in machine.connected


@pytest.mark.parametrize("name", [name for name in hearsay.STRANGERS if "Nexus" in name])
async def test_another_nexus_is_no_backend(name: str) -> None:
    machine = Machine()
    machine.start(8000, hearsay.STRANGERS[name])
    async with scanning(machine):
        assert "another Nexus" in machine.detail(8000)
        assert machine.names() == []


async def test_a_server_that_wants_a_key_is_not_added_but_says_what_to_do() -> None:
    machine = Machine()
    machine.start(8080, {"/v1/models": said({"error": {"message": "no key"}}, 401)})
    async with scanning(machine):
        assert "api_key_env" in machine.detail(8080)
        assert machine.names() == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
async def test_what_the_configuration_names_is_left_alone(host: str) -> None:
    machine = Machine()
    machine.start(11434, hearsay.OLLAMA)
    machine.registry.add(
        BackendFace(
            BackendId("mine"),
            "mine",
            f"http://{host}:11434",
            BackendType.OLLAMA,
            Zone.RESTRICTED,
        )
    )
    async with scanning(machine):
        assert machine.names() == ["mine"]
        assert machine.detail(11434) == "configured as mine"
        machine.stop(11434)
        await machine.clock.turn(300)
        assert machine.names() == ["mine"]


async def test_names_that_resolve_slowly_do_not_wait_for_each_other() -> None:
    machine = Machine()
    machine.start(8000, VLLM)
    machine.together = asyncio.Barrier(3)
    for name in ("one", "two", "three"):
        url = f"http://{name}.example:8000"
        machine.registry.add(
            BackendFace(BackendId(name), name, url, BackendType.VLLM, Zone.RESTRICTED)
        )
    async with scanning(machine):
        assert machine.names() == ["one", "two", "three", "vllm-8000"]


async def test_a_name_that_is_taken_gets_the_port() -> None:
    machine = Machine()
    machine.start(11434, hearsay.OLLAMA)
    machine.registry.add(
        BackendFace(
            BackendId("ollama"),
            "ollama",
            "http://gpu-7:11434",
            BackendType.OLLAMA,
            Zone.RESTRICTED,
        )
    )
    async with scanning(machine):
        assert machine.names() == ["ollama", "ollama-11434"]


async def test_a_found_server_is_forgotten_only_after_the_grace_period() -> None:
    machine = Machine(grace_s=60)
    machine.start(11434, hearsay.OLLAMA)
    async with scanning(machine):
        machine.stop(11434)
        await machine.clock.turn(60)
        assert machine.names() == ["ollama"]
        await machine.clock.turn(10)
        assert machine.names() == []
        assert machine.detail(11434) == "connection refused"


async def test_a_server_that_comes_back_in_time_keeps_its_id_and_its_full_grace() -> None:
    machine = Machine(grace_s=60)
    machine.start(11434, hearsay.OLLAMA)
    async with scanning(machine):
        (first,) = machine.registry.fleet().backends
        machine.stop(11434)
        await machine.clock.turn(50)
        machine.start(11434, hearsay.OLLAMA)
        await machine.clock.turn(10)
        machine.stop(11434)
        await machine.clock.turn(50)
        assert list(machine.registry.fleet().backends) == [first]
        assert len(machine.added) == 1


async def test_another_program_on_the_port_takes_the_place_of_the_old_one() -> None:
    machine = Machine()
    machine.start(8080, LLAMACPP)
    async with scanning(machine):
        machine.stop(8080)
        await machine.clock.turn(5)
        machine.start(8080, VLLM)
        await machine.clock.turn(5)
        assert machine.names() == ["vllm-8080"]


async def test_a_stranger_on_the_port_does_not_keep_the_old_one_alive() -> None:
    machine = Machine(grace_s=60)
    machine.start(8080, LLAMACPP)
    async with scanning(machine):
        machine.stop(8080)
        await machine.clock.turn(5)
        machine.start(8080, WEB_PAGE)
        await machine.clock.turn(70)
        assert machine.names() == []


async def test_a_running_server_costs_one_connection_a_round_and_no_questions() -> None:
    machine = Machine()
    machine.start(11434, hearsay.OLLAMA)
    async with scanning(machine):
        before = len(machine.asker.asked)
        await machine.clock.turn(60)
        assert len(machine.asker.asked) == before


async def test_what_an_operator_removes_stays_away_until_a_scan_is_asked_for() -> None:
    machine = Machine()
    machine.start(11434, hearsay.OLLAMA)
    async with scanning(machine):
        (found,) = machine.registry.fleet().backends
        machine.registry.remove(found)
        await machine.clock.turn(120)
        assert machine.names() == []
        await machine.scanner.scan()
        assert machine.names() == ["ollama"]


async def test_a_port_that_opens_before_it_answers_is_asked_again_soon() -> None:
    machine = Machine()
    machine.start(8000, {"/v1/models": HttpReply(503, b"starting")})
    async with scanning(machine):
        assert machine.names() == []
        machine.start(8000, VLLM)
        await machine.clock.turn(5)
        assert machine.names() == ["vllm-8000"]


async def test_one_look_without_a_registry() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asker = ScriptedAsker()
    asker.serve(f"http://127.0.0.1:{port}", hearsay.OLLAMA)
    events: list[object] = []
    found = await scan(asker, own_url="http://127.0.0.1:1", publish=events.append, ports=(port, 1))
    server.close()
    await server.wait_closed()
    assert [(one.type, one.version) for one in found] == [(BackendType.OLLAMA, "0.33.0")]
    assert len(events) == 2


async def test_the_reason_of_silence_is_that_of_the_connection() -> None:
    asker = ScriptedAsker()
    assert await identify(asker, "http://127.0.0.1:1") == Stranger("connection refused", again=True)
    asker.serve("http://127.0.0.1:2", hearsay.OLLAMA)
    assert isinstance(await identify(asker, "http://127.0.0.1:2"), Found)


async def test_listening_tells_an_open_port_from_a_closed_one() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert await listening("127.0.0.1", port) == ""
    server.close()
    await server.wait_closed()
    assert await listening("127.0.0.1", port) == "connection refused"


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://localhost:8000", 8000),
        ("http://0.0.0.0:8000", 8000),
        ("http://[::1]:1", 1),
        ("http://127.0.0.1", 80),
        ("https://localhost", 443),
        ("http://gpu-1:8000", None),
        ("http://[broken", None),
    ],
)
def test_a_url_of_this_machine_is_known_by_its_port(url: str, port: int | None) -> None:
    assert local_port(url) == port


@pytest.mark.parametrize("how", ["name", "address"])
async def test_a_server_configured_by_another_name_of_this_machine_is_one_backend(how: str) -> None:
    machine = Machine()
    machine.names_of["this-host"] = ["127.0.1.1", "127.0.0.1"]
    host = "this-host"
    if how == "address":
        own = [address for address in own_addresses() if ":" not in address]
        if not own:
            pytest.skip("this machine has no address on a network")
        host = own[0]
    machine.start(11434, hearsay.OLLAMA)
    machine.registry.add(
        BackendFace(
            BackendId("mine"),
            "mine",
            f"http://{host}:11434",
            BackendType.OLLAMA,
            Zone.RESTRICTED,
        )
    )
    async with scanning(machine):
        assert machine.names() == ["mine"]
        assert machine.detail(11434) == "configured as mine"
        assert machine.asker.asked == []


async def test_a_local_server_that_mdns_told_of_is_left_to_mdns() -> None:
    machine = Machine(grace_s=0)
    machine.registry.add(
        BackendFace(
            BackendId("box"),
            "box",
            "http://127.0.0.1:11434",
            BackendType.OLLAMA,
            Zone.RESTRICTED,
            Source.MDNS,
        )
    )
    async with scanning(machine):
        await machine.clock.turn(60)
        assert machine.names() == ["box"]
        assert machine.detail(11434) == "known as box"
