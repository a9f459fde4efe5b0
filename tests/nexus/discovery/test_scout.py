"""What becomes of servers that somebody speaks of: asked, known already, used, or let wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from nexus.discovery.candidate import Candidate, Ignored
from nexus.discovery.places import Places
from nexus.discovery.scout import MOST_SIGHTINGS, Scout
from nexus.discovery.waiting import MOST_WAITING, WaitingRoom
from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Source,
    Zone,
)
from nexus.domain.events import PortProbed, ServerFound, ServerGone
from nexus.domain.hosts import Trust
from nexus.domain.http import HttpReply
from nexus.registry.registry import Registry
from tests.fakes import hearsay
from tests.fakes.captures import recorded, said
from tests.fakes.probing import HandClock, ScriptedAsker, settle

VLLM = recorded("vllm/models", "vllm/version")
LLAMACPP = recorded("llamacpp/models", "llamacpp/props")
FAR = "http://192.168.77.20:8000"
FURTHER = "http://192.168.77.21:8000"
HERE = "http://127.0.0.1:8000"


def candidate(url: str = FAR, name: str = "gpu box", **more: Any) -> Candidate:
    key = more.pop("key", f"mdns {name}")
    return Candidate(key, name, url, Source.MDNS, "mDNS _llm._tcp", **more)


class Network:
    """A network whose servers are scripted, and a scout that hears of them."""

    def __init__(self, trust: Trust = Trust.ASK, **options: Any) -> None:
        self.clock = HandClock()
        self.events: list[object] = []
        self.registry = Registry(self.events.append, self.clock.monotonic)
        self.asker = ScriptedAsker()
        self.waiting = WaitingRoom(self.events.append, self.clock.monotonic)
        self.woken: list[BackendId] = []
        self.resets: list[BackendId] = []
        self.names_of: dict[str, list[str]] = {}
        self.scout = Scout(
            self.registry,
            self.asker,
            self.events.append,
            self.waiting,
            self,
            own_url="http://127.0.0.1:9000",
            trust=trust,
            places=Places(self._resolve, self.clock.monotonic),
            clock=self.clock,
            now=self.clock.monotonic,
            **options,
        )

    async def _resolve(self, name: str) -> Collection[str]:
        return self.names_of.get(name, ())

    def wake(self, backend_id: BackendId) -> None:
        self.woken.append(backend_id)

    def reset(self, backend_id: BackendId) -> None:
        self.resets.append(backend_id)

    def serve(self, url: str, replies: Mapping[str, HttpReply] = VLLM) -> None:
        self.asker.serve(url, replies)

    async def hear(self, *candidates: Candidate) -> None:
        for one in candidates:
            self.scout.sighted(one)
        await settle()

    @property
    def used(self) -> dict[str, str]:
        """URL by name."""
        return {b.name: b.face.url for b in self.registry.fleet().backends.values()}

    @property
    def asked_about(self) -> dict[str, str]:
        """URL by name of those that wait."""
        return {server.name: server.url for server in self.waiting.all()}

    def detail(self, url: str) -> str:
        """The last word about an address."""
        said = [e for e in self.events if isinstance(e, PortProbed) and e.url == url]
        return said[-1].detail

    def configure(self, url: str, name: str = "static") -> None:
        self.registry.add(
            BackendFace(BackendId(name), name, url, BackendType.VLLM, Zone.RESTRICTED)
        )


@asynccontextmanager
async def looking(network: Network) -> AsyncIterator[Network]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(network.scout.run())
        await settle()
        yield network
        task.cancel()


async def test_a_server_beyond_this_machine_waits_and_gets_nothing() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate())
        assert network.used == {}
        (server,) = network.waiting.all()
        assert (server.name, server.url, server.type) == ("gpu box", FAR, BackendType.VLLM)
        assert (server.source, server.via, server.id) == (Source.MDNS, "mDNS _llm._tcp", "gpu-box")
        assert server.detail.startswith("vLLM ")
        assert {type(event) for event in network.events} == {PortProbed, ServerFound}


async def test_an_approved_server_is_a_backend_under_the_id_it_was_shown_with() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate())
        face = network.scout.approve(network.waiting.all()[0])
        assert face is not None
        assert (face.id, face.source, face.type) == ("gpu-box", Source.MDNS, BackendType.VLLM)
        assert network.woken == ["gpu-box"]
        assert network.asked_about == {}
        gone = [e for e in network.events if isinstance(e, ServerGone)]
        assert [(g.id, g.why) for g in gone] == [("gpu-box", "approved")]


async def test_a_dismissed_server_is_not_asked_about_again_until_it_is_elsewhere() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        network.serve(FURTHER)
        await network.hear(candidate())
        network.waiting.dismiss(BackendId("gpu-box"))
        network.scout.lost("mdns gpu box", "goodbye")
        await network.hear(candidate())
        assert network.asked_about == {}
        found = network.waiting.find("gpu box")
        assert found is not None  # and may be approved all the same
        await network.clock.turn(2)
        await network.hear(candidate(FURTHER))
        await network.clock.turn(2)
        assert network.asked_about == {"gpu box": FURTHER}


@pytest.mark.parametrize(
    ("trust", "what"),
    [
        (Trust.AUTO, candidate()),
        (Trust.ASK, candidate(trusted=True)),
        (Trust.ASK, candidate(HERE)),
    ],
)
async def test_what_is_trusted_named_or_here_is_used_at_once(trust: Trust, what: Candidate) -> None:
    async with looking(Network(trust)) as network:
        network.serve(what.url)
        await network.hear(what)
        assert network.used == {"gpu box": what.url}
        assert network.woken == ["gpu-box"]


async def test_nothing_counts_before_the_server_itself_is_recognised() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR, hearsay.STRANGERS["a web page for everything"])
        await network.hear(candidate(type=BackendType.VLLM))
        assert network.used == {}
        assert network.detail(FAR) == "answers HTTP but is no known LLM server [mDNS _llm._tcp]"


async def test_a_server_that_starts_after_its_announcement_is_asked_again() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        await network.hear(candidate())
        assert network.detail(FAR) == "connection refused [mDNS _llm._tcp]"
        network.serve(FAR)
        await network.clock.turn(3)
        assert network.used == {"gpu box": FAR}


async def test_the_servers_word_wins_over_the_announced_type_and_generic_takes_the_hint() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR, LLAMACPP)
        network.serve(FURTHER, {"/v1/models": said({"object": "list", "data": [{"id": "m"}]})})
        await network.hear(
            candidate(name="a", type=BackendType.VLLM),
            candidate(FURTHER, "b", type=BackendType.VLLM),
        )
        types = {b.name: b.face.type for b in network.registry.fleet().backends.values()}
        assert types == {"a": BackendType.LLAMACPP, "b": BackendType.VLLM}


async def test_a_configured_server_announced_by_another_name_is_one_backend() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.names_of["gpu-01"] = ["192.168.77.20"]
        network.configure("http://gpu-01:8000")
        network.serve(FAR)
        await network.hear(candidate())
        assert network.used == {"static": "http://gpu-01:8000"}
        assert network.asker.asked == []
        assert network.detail(FAR) == "is static already [mDNS _llm._tcp]"


async def test_localhost_and_an_own_address_are_the_same_server_and_another_port_is_not() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.configure("http://localhost:8000")
        network.serve("http://[::1]:8001")
        await network.hear(
            candidate("http://[::1]:8000", "same"), candidate("http://[::1]:8001", "other")
        )
        assert network.used == {
            "static": "http://localhost:8000",
            "other": "http://[::1]:8001",
        }


async def test_one_server_announced_twice_is_one_backend_and_outlives_either_announcement() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR)
        await network.hear(candidate(name="a"), candidate(name="b"))
        assert list(network.used) == ["a"]
        network.scout.lost("mdns a", "goodbye")
        await settle()
        assert list(network.used) == ["a"]
        assert network.resets == []  # nobody thinks it has left
        network.scout.lost("mdns b", "goodbye")
        assert network.resets == ["a"]


async def test_one_server_announced_twice_waits_once() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate(name="a"), candidate(name="b"))
        assert list(network.asked_about) == ["a"]
        network.scout.lost("mdns a", "goodbye")
        await settle()
        assert list(network.asked_about) == ["b"]


async def test_two_nodes_of_an_exo_cluster_are_one_backend_and_two_clusters_are_two() -> None:
    def node(*nodes: str) -> dict[str, HttpReply]:
        return {**hearsay.EXO, "/state": said({"topology": {"nodes": list(nodes)}})}

    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR, node("n1", "n2"))
        network.serve(FURTHER, node("n2", "n1"))
        network.serve("http://192.168.77.22:8000", node("n3"))
        await network.hear(
            candidate(FAR, "a"),
            candidate(FURTHER, "b"),
            candidate("http://192.168.77.22:8000", "c"),
        )
        assert sorted(network.used) == ["a", "c"]


async def test_nexus_itself_and_another_nexus_are_not_used() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        await network.hear(candidate("http://127.0.0.1:9000", "me"))
        assert network.used == {}
        assert network.asker.asked == []
        assert network.detail("http://127.0.0.1:9000").startswith("this is Nexus itself")


async def test_a_server_that_says_goodbye_is_unknown_then_forgotten() -> None:
    async with looking(Network(Trust.AUTO, grace_s=60)) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.registry.set_health(BackendId("gpu-box"), BackendStatus.HEALTHY)
        network.scout.lost("mdns gpu box", "its mDNS announcement is gone")
        await settle()
        backend = network.registry.fleet().backends[BackendId("gpu-box")]
        assert backend.status is BackendStatus.UNKNOWN
        assert backend.reason == "its mDNS announcement is gone"
        assert network.resets == ["gpu-box"]
        await network.clock.turn(59)
        assert network.used == {"gpu box": FAR}
        await network.clock.turn(2)
        assert network.used == {}


async def test_a_server_that_is_back_within_the_grace_keeps_its_id_and_is_checked_at_once() -> None:
    async with looking(Network(Trust.AUTO, grace_s=60)) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.scout.lost("mdns gpu box", "gone")
        await network.clock.turn(30)
        network.woken.clear()
        await network.hear(candidate())
        assert network.woken == ["gpu-box"]
        await network.clock.turn(120)
        assert network.used == {"gpu box": FAR}


async def test_an_approved_server_that_stayed_away_comes_back_without_a_question() -> None:
    async with looking(Network(grace_s=10)) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.scout.approve(network.waiting.all()[0])
        network.scout.lost("mdns gpu box", "gone")
        await network.clock.turn(11)
        assert network.used == {}
        await network.hear(candidate())
        assert network.used == {"gpu box": FAR}


async def test_flapping_asks_the_server_at_most_once_a_second() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR)
        await network.hear(candidate())
        for _ in range(50):
            network.scout.lost("mdns gpu box", "gone")
            await network.hear(candidate())
        assert network.asker.count(FAR, "/v1/models") == 1
        await network.clock.turn(1)
        assert network.asker.count(FAR, "/v1/models") == 2
        assert network.used == {"gpu box": FAR}


async def test_another_port_on_the_same_host_is_followed_under_the_same_id() -> None:
    moved = "http://192.168.77.20:8100"
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.scout.approve(network.waiting.all()[0])
        network.asker.stop(FAR)
        network.serve(moved)
        await network.hear(candidate(moved))
        await network.clock.turn(2)
        assert network.used == {"gpu box": moved}
        assert network.resets == ["gpu-box"]


async def test_a_trusted_name_at_another_host_needs_a_new_yes_unless_trust_is_automatic() -> None:
    for trust, used, asked in (
        (Trust.AUTO, {"gpu box": FURTHER}, {}),
        (Trust.ASK, {}, {"gpu box": FURTHER}),
    ):
        async with looking(Network(trust)) as network:
            network.serve(FAR)
            await network.hear(candidate())
            for server in network.waiting.all():
                network.scout.approve(server)
            network.asker.stop(FAR)
            network.serve(FURTHER)
            await network.hear(candidate(FURTHER))
            await network.clock.turn(2)
            assert (network.used, network.asked_about) == (used, asked)


async def test_a_name_taken_over_while_its_owner_still_answers_changes_nothing() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        network.serve(FURTHER)
        await network.hear(candidate())
        network.scout.approve(network.waiting.all()[0])
        await network.hear(candidate(FURTHER))
        await network.clock.turn(2)
        assert (network.used, network.asked_about) == ({"gpu box": FAR}, {})


async def test_an_announced_name_never_hides_a_known_one() -> None:
    async with looking(Network()) as network:
        network.configure("http://10.0.0.1:8000", "gpu box")
        network.serve(FAR)
        await network.hear(candidate())
        assert list(network.asked_about) == ["gpu box (192.168.77.20:8000)"]


async def test_what_the_operator_removed_stays_away_until_it_was_gone_or_a_scan() -> None:
    async with looking(Network(Trust.AUTO)) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.registry.remove(BackendId("gpu-box"))
        await network.clock.turn(700)
        assert network.used == {}
        async with asyncio.TaskGroup() as group:
            group.create_task(network.scout.recheck())
            await network.clock.turn(2)
        assert network.used == {"gpu box": FAR}


@pytest.mark.parametrize("looked_meanwhile", [True, False])
async def test_whom_the_operator_removed_needs_a_new_yes(looked_meanwhile: bool) -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.scout.approve(network.waiting.all()[0])
        network.registry.remove(BackendId("gpu-box"))
        await network.clock.turn(700 if looked_meanwhile else 2)
        network.scout.lost("mdns gpu box", "gone")
        await network.hear(candidate())
        assert (network.used, network.asked_about) == ({}, {"gpu box": FAR})


async def test_a_changed_announcement_that_makes_no_sense_is_a_loss() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        await network.hear(candidate())
        network.scout.ignored(Ignored("mdns gpu box", "gpu box", "announces port 0"))
        assert network.asked_about == {}
        assert network.detail("gpu box (mdns)") == "announces port 0"


async def test_a_flood_of_announcements_fills_bounded_lists_and_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with looking(Network()) as network:
        for number in range(MOST_SIGHTINGS + 50):
            url = f"http://10.1.{number // 250}.{number % 250 + 1}:8000"
            network.serve(url)
            network.scout.sighted(candidate(url, f"box {number}"))
        for _ in range(400):
            await settle()
        assert len(network.waiting.all()) == MOST_WAITING
        asked = {url for url, _ in network.asker.asked}
        assert len(asked) == MOST_SIGHTINGS
    assert sum("announced servers: ignored" in r.message for r in caplog.records) == 1


async def test_an_announcer_that_repeats_itself_costs_one_look() -> None:
    async with looking(Network()) as network:
        network.serve(FAR)
        for _ in range(20):
            await network.hear(replace(candidate()))
        assert network.asker.count(FAR, "/v1/models") == 1
        assert sum(isinstance(event, PortProbed) for event in network.events) == 1
