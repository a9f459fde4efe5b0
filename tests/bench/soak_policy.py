"""Promises under a million worlds: `python -m tests.bench.soak_policy [DECISIONS] [REQUESTS]`.

First random (fleet, policy, request) triples are decided and checked against promises that are
written apart from the rules (`tests.fakes.promises`). Then requests go through the real relay to
servers that fail at random, restricted ones and open ones with the same model; the open ones count
their connections. Both counts of violations must be zero; anything else ends with status 1.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load, Model, Zone
from nexus.domain.conditions import Conditions
from nexus.domain.decision import Decision
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.routing.router import decide
from tests.bench.tables import show
from tests.fakes.client import Client, chat, request
from tests.fakes.fleets import backend, fleet
from tests.fakes.gateway import face, gateway
from tests.fakes.promises import broken
from tests.fakes.upstream import Got, Upstream, reply, upstream

NAMES = ["m", "n", "o", "m:latest", "secret-1"]
ALIASES: list[dict[str, str]] = [{}, {"gpt": "m"}, {"gpt": "mid", "mid": "n"}, {"gpt": "secret-1"}]
FALLBACKS: list[dict[str, tuple[str, ...]]] = [{}, {"m": ("n", "o"), "secret-1": ("m",)}]
TEAM = ("x-team", "research*")
CONDITIONS = [
    *[Conditions()] * 4,
    Conditions(tenants=("acme",)),
    Conditions(endpoints=(Endpoint.EMBEDDINGS,)),
    Conditions(headers=(TEAM,)),
    Conditions(("a*",), (Endpoint.CHAT,), (TEAM,)),
]
GLOBS = ["m", "m*", "*", "gpt", "secret*", "?", "[no]", "mid", "*:latest"]
GOOD = reply(b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"}}]}')


def a_fleet(chance: random.Random) -> Fleet:
    return fleet(
        *(
            backend(
                f"b{number}",
                *(
                    Model(name, zone=chance.choice([None, None, None, Zone.OPEN]))
                    for name in chance.sample(NAMES, chance.randint(1, 3))
                ),
                status=chance.choice(
                    [BackendStatus.HEALTHY, BackendStatus.HEALTHY, *BackendStatus]
                ),
                zone=chance.choice(list(Zone)),
                tier=chance.randint(1, 5),
                priority=chance.randint(0, 100),
                type=chance.choice([BackendType.VLLM, BackendType.OLLAMA]),
                max_concurrent=chance.choice([None, None, 2]),
            )
            for number in range(chance.randint(1, 7))
        )
    )


def a_policy(chance: random.Random) -> Policy:
    return Policy(
        strategy=chance.choice(list(Strategy)),
        aliases=chance.choice(ALIASES),
        fallbacks=chance.choice(FALLBACKS),
        traffic=Traffic(
            TrafficPolicy(
                chance.choice(GLOBS),
                chance.choice([None, *Privacy]),
                chance.choice([None, None, 2, 3, 5]),
                chance.random() < 0.7,
                when=chance.choice(CONDITIONS),
            )
            for _ in range(chance.choice([0, 0, 1, 2, 4]))
        ),
        privacy=chance.choice([None, None, None, *Privacy]),
        unknown_is_routable=chance.random() < 0.2,
    )


def decisions(count: int, seed: int) -> tuple[int, int, list[str]]:
    """Routed, refused, and every broken promise."""
    chance = random.Random(seed)
    routed = refused = 0
    found: list[str] = []
    picture = a_fleet(chance)
    for turn in range(count):
        if turn % 5 == 0:  # a new fleet costs more than a decision
            picture = a_fleet(chance)
        policy = a_policy(chance)
        needs = Needs(
            chance.choice([Endpoint.CHAT, Endpoint.EMBEDDINGS]),
            chance.choice([*NAMES, "gpt", "nobody"]),
            tenant=chance.choice(["anonymous", "acme"]),
            headers=chance.choice([(), (TEAM,)]),
            zone=chance.choice([None, None, Zone.RESTRICTED]),
            strict=chance.random() < 0.2,
            affinity=chance.choice(["", "a", "b"]),
        )
        loads = {BackendId(f"b{n}"): Load(pending=chance.randint(0, 3)) for n in range(7)}
        outcome = decide(needs, picture, loads, policy, turn=turn)
        if isinstance(outcome, Decision):
            routed += 1
            if wrong := broken(needs, picture, policy, outcome):
                found.append(f"{wrong}: {needs} {policy}")
        else:
            refused += 1
    return routed, refused, found


def moody(chance: random.Random, ill: float):
    """A script that answers, refuses, or drops the connection."""

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if chance.random() >= ill:
            writer.write(GOOD)
        elif chance.random() < 0.5:
            writer.write(reply(b'{"error":{"message":"no"}}', "503 Service Unavailable"))
        else:
            writer.transport.abort()

    return script


async def requests(count: int, seed: int, clients: int = 16) -> tuple[dict[int, int], int, int]:
    """Answers by status, sockets opened in zone open, and prompts that open backends got."""
    chance = random.Random(seed)
    async with (
        upstream(moody(chance, 0.4)) as one,
        upstream(moody(chance, 0.4)) as two,
        upstream(moody(chance, 0.0)) as cloud,
    ):
        faces = (
            face("one", one.url, priority=50),
            face("two", two.url, priority=50),
            face("cloud", cloud.url, priority=0, zone=Zone.OPEN, zone_told=True),
        )
        async with gateway(*faces) as here:
            statuses: dict[int, int] = {}

            async def client(share: int) -> None:
                connection = await Client.to(here.url)
                for _ in range(share):
                    connection.send(request(body=chat()))
                    answer = await connection.reply()
                    statuses[answer.status] = statuses.get(answer.status, 0) + 1
                connection.close()

            async with asyncio.TaskGroup() as group:
                for _ in range(clients):
                    group.create_task(client(count // clients))
            return statuses, here.pools.guard.opened[Zone.OPEN], _prompts(cloud)


def _prompts(server: Upstream) -> int:
    return len(server.got)


def main(decided: int = 1_000_000, relayed: int = 100_000, seed: int = 1) -> int:
    began = time.perf_counter()
    routed, refused, found = decisions(decided, seed)
    first_s = time.perf_counter() - began
    began = time.perf_counter()
    statuses, opened, leaked = asyncio.run(requests(relayed, seed))
    second_s = time.perf_counter() - began
    show(
        f"Promises, seed {seed}",
        [
            (f"{decided} worlds in {first_s:.0f} s: routed, refused", f"{routed}, {refused}", ""),
            ("promises broken", str(len(found)), "0"),
            (f"{relayed} requests in {second_s:.0f} s: by status", str(statuses), ""),
            ("sockets opened outside the zone", str(opened), "0"),
            ("prompts that left the zone", str(leaked), "0"),
        ],
    )
    for line in found[:5]:
        sys.stderr.write(line + "\n")
    return 1 if found or opened or leaked else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
