"""Promises under a million worlds: `python -m tests.bench.soak_policy [DECISIONS] [REQUESTS]`.

First random (fleet, policy, request) triples are decided and checked against promises that are
written apart from the rules (`tests.fakes.promises`). Then requests go through the real relay to
servers that fail at random, restricted ones and open ones with the same model; the open ones count
their connections. A fallback takes over after failures, within what binds the request; in a tenth
of them some requests are free, and only those may be found outside. All counts of violations must
be zero; anything else ends with status 1.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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
from tests.fakes.upstream import Got, reply, upstream

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


MARK = "this may leave"
"""Stands in those prompts, and in no others, that may go to the open server."""

CONFIG = """
[routing.fallbacks]
secret-1 = ["big", "small"]
free = ["big"]

[[routing.policies]]
model_pattern = "secret-*"
privacy = "restricted"
"""
"""A fallback after failures too: `big` is on the open server alone, and `free` may go there."""


@dataclass
class Relayed:
    """What became of the requests."""

    statuses: Counter[int]
    fallbacks: int = 0
    """Answers of a fallback model."""
    opened: int = 0
    """Sockets of the open zone."""
    leaked: int = 0
    """Prompts of the open server that were not to leave."""
    breaches: int = 0
    """Attempts that the guard had to stop."""


async def requests(count: int, seed: int, models: Sequence[str], clients: int = 16) -> Relayed:
    """Requests for these models in turn, through the real relay to servers that fail at random."""
    chance = random.Random(seed)
    async with (
        upstream(moody(chance, 0.4), ["m", "secret-1", "free"]) as one,
        upstream(moody(chance, 0.4), ["m", "secret-1", "free", "small"]) as two,
        upstream(moody(chance, 0.0), ["m", "secret-1", "big"]) as cloud,
    ):
        faces = (
            face("one", one.url, priority=50),
            face("two", two.url, priority=50),
            face("cloud", cloud.url, priority=0, zone=Zone.OPEN, zone_told=True),
        )
        with tempfile.TemporaryDirectory() as folder:
            async with gateway(*faces, config=CONFIG, tmp_path=Path(folder)) as here:
                found = Relayed(Counter())

                async def client(share: int) -> None:
                    connection = await Client.to(here.url)
                    for number in range(share):
                        model = models[number % len(models)]
                        text = MARK if model == "free" else "this stays"
                        body = chat(model=model, messages=[{"role": "user", "content": text}])
                        connection.send(request(body=body))
                        answer = await connection.reply()
                        found.statuses[answer.status] += 1
                        found.fallbacks += "x-nexus-fallback-model" in answer.headers
                    connection.close()

                async with asyncio.TaskGroup() as group:
                    for _ in range(clients):
                        group.create_task(client(count // clients))
                guard = here.pools.guard
                found.opened, found.breaches = guard.opened[Zone.OPEN], guard.breaches
                found.leaked = sum(MARK.encode() not in each.body for each in cloud.got)
                return found


def main(decided: int = 1_000_000, relayed: int = 100_000, seed: int = 1) -> int:
    began = time.perf_counter()
    routed, refused, found = decisions(decided, seed)
    first_s = time.perf_counter() - began
    began = time.perf_counter()
    bound = asyncio.run(requests(relayed, seed, ["m", "secret-1"]))
    mixed = asyncio.run(requests(relayed // 10, seed, ["m", "secret-1", "free"]))
    second_s = time.perf_counter() - began
    opened, leaked = bound.opened, bound.leaked + mixed.leaked
    breaches = bound.breaches + mixed.breaches
    show(
        f"Promises, seed {seed}",
        [
            (f"{decided} worlds in {first_s:.0f} s: routed, refused", f"{routed}, {refused}", ""),
            ("promises broken", str(len(found)), "0"),
            (f"{relayed} bound requests: by status", str(dict(bound.statuses)), ""),
            ("of these answered by a fallback model", str(bound.fallbacks), ""),
            (f"{relayed // 10} more, some free: by status", str(dict(mixed.statuses)), ""),
            ("of these answered by a fallback model", str(mixed.fallbacks), ""),
            (f"in {second_s:.0f} s: sockets opened outside the zone", str(opened), "0"),
            ("prompts that left the zone", str(leaked), "0"),
            ("attempts that the guard stopped", str(breaches), "0"),
        ],
    )
    for line in found[:5]:
        sys.stderr.write(line + "\n")
    return 1 if found or opened or leaked or breaches else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
