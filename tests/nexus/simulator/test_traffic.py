from __future__ import annotations

import asyncio
from collections import Counter
from random import Random

from nexus.domain.backend import BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.simulator.traffic import compose, trickle

SPEC = SimSpec("gateway", BackendType.GENERIC, (Model("m", embeddings=True, vision=True),))


async def test_traffic_says_who_it_is_and_mixes_its_requests() -> None:
    async with SimFleet((SPEC,)) as fleet, asyncio.timeout(20), asyncio.TaskGroup() as group:
        seen = fleet.servers[0].seen
        task = group.create_task(
            trickle(fleet.servers[0].url, ["m"], 2000.0, embedding_models=["m"]), name="traffic"
        )
        await seen.until(lambda seen: seen.requests >= 60)
        task.cancel()

        assert seen.last_headers["user-agent"] == "nexus-demo"
        assert seen.by_path.keys() == {"/v1/chat/completions", "/v1/embeddings"}
        assert seen.crashes == []


async def test_traffic_outlives_a_gateway_that_is_away() -> None:
    async with SimFleet((SPEC,)) as fleet, asyncio.timeout(20), asyncio.TaskGroup() as group:
        server = fleet.servers[0]
        await server.refuse()
        task = group.create_task(trickle(server.url, ["m"], 500.0), name="traffic")
        await asyncio.sleep(0.02)
        await server.listen()
        await server.seen.until(lambda seen: seen.finished >= 3)
        task.cancel()


async def test_traffic_does_not_pile_up_on_a_stalled_gateway() -> None:
    async with SimFleet((SPEC,)) as fleet, asyncio.timeout(20), asyncio.TaskGroup() as group:
        server = fleet.servers[0]
        server.faults.stall_before_reply = True
        task = group.create_task(trickle(server.url, ["m"], 5000.0), name="traffic")
        await server.seen.until(lambda seen: seen.sockets_open == 24)
        for _ in range(100):
            await asyncio.sleep(0)

        assert server.seen.sockets_opened == 24
        task.cancel()


async def test_traffic_without_models_ends() -> None:
    await trickle("http://127.0.0.1:1", [])


def test_requests_are_mostly_chat_with_a_few_wrong_names() -> None:
    random = Random(1)
    kinds = Counter[str]()
    for _ in range(2000):
        path, body = compose(random, ["m"], ["e"])
        kinds[path] += 1
        kinds["unknown"] += body["model"] not in {"m", "e"}
        kinds["tools"] += "tools" in body
        kinds["stream"] += body.get("stream") is True

    assert 0.8 < kinds["/v1/chat/completions"] / 2000 < 0.9
    assert 0 < kinds["unknown"] / 2000 < 0.06
    assert kinds["tools"] > 100
    assert kinds["stream"] > 900
