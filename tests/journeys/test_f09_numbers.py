"""What Nexus counts is what its clients saw, under concurrent requests that go well and badly."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter

import httpx

from nexus.domain.backend import BackendType, Model
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.gateway import face, free_port, gateway

MODELS = (Model("m", 8192),)
SPECS = tuple(SimSpec(name, BackendType.VLLM, MODELS, slots=64) for name in ("left", "right"))
PATH = "/v1/chat/completions"


async def test_the_numbers_match_what_clients_saw() -> None:
    chance = random.Random(7)
    good = {"model": "m", "max_tokens": 2, "messages": [{"role": "user", "content": "hi"}]}
    bodies = [good, good, good, good | {"stream": True}, good | {"model": "absent"}, {"model": 3}]
    sent = [chance.choice(bodies) for _ in range(300)]
    seen: Counter[str] = Counter()
    by_backend: Counter[str] = Counter()
    ids: set[str] = set()

    async with SimFleet(SPECS) as fleet:
        faces = [face(server.name, server.url, server.type) for server in fleet.servers]
        gone = face("gone", f"http://127.0.0.1:{free_port()}")
        async with (
            gateway(*faces, gone) as here,
            httpx.AsyncClient(base_url=here.url, trust_env=False, timeout=30) as client,
        ):
            gate = asyncio.Semaphore(32)

            async def one(body: dict[str, object]) -> None:
                async with gate:
                    got = await client.post(PATH, json=body)
                seen[str(got.status_code)] += 1
                by_backend[got.headers.get("x-nexus-backend", "none")] += 1
                ids.add(got.headers["x-nexus-request-id"])

            async with asyncio.TaskGroup() as group:
                for number, body in enumerate(sent):
                    group.create_task(one(body), name=f"request {number}")
            await here.carrier.idle()
            stats = (await client.get("/v1/stats")).json()
            page = (await client.get("/metrics")).text
            recorded = (await client.get("/nexus/v1/requests?limit=5000")).json()["requests"]

    assert stats["requests"]["total"] == len(sent) == sum(seen.values())
    assert stats["requests"]["success"] == seen["200"]
    assert stats["requests"]["errors"] == seen["400"] + seen["404"]
    assert {b["name"]: b["requests"] for b in stats["backends"]} == {
        "left": by_backend["left"],
        "right": by_backend["right"],
        "gone": 0,
    }
    assert all(backend["pending"] == 0 for backend in stats["backends"])
    counted: Counter[str] = Counter()
    for backend, status, count in re.findall(
        r'^nexus_requests_total\{backend="(\w+)",model="\w+",status="(\d+)"\} (\d+)\.0$',
        page,
        re.MULTILINE,
    ):
        counted[backend] += int(count)
        counted[status] += int(count)
    assert counted == seen + by_backend
    assert {each["request_id"] for each in recorded} == ids
    assert all(each["status"] for each in recorded)
