"""How long until a server that starts can be asked, and until one that dies is set aside.

The gateway runs in this loop, over simulated servers; mDNS goes over loopback, responder and all.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import tempfile
import time
import urllib.request
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from statistics import median

from nexus.discovery.mdns import announcing
from nexus.domain.backend import BackendStatus, BackendType, Model
from nexus.domain.gateway import NewBackend
from nexus.runtime import Gateway
from nexus.simulator.fleet import SimFleet
from nexus.simulator.server import SimServer
from nexus.simulator.spec import SimSpec
from tests.bench.tables import Row, show
from tests.fakes.gateway import face, gateway

ROUNDS = 5
SPEC = SimSpec("it", BackendType.VLLM, (Model("m", 4096),))
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()


async def _local() -> float:
    """From the moment a local port listens."""
    async with SimFleet((SPEC,)) as fleet:
        await fleet["it"].refuse()
        async with _looking(ports=[fleet["it"].port]) as here:
            await asyncio.sleep(random.uniform(0.1, 2.1))  # anywhere between two looks
            await fleet["it"].listen()
            return await _timed(here, _routable)


async def _mdns() -> float:
    """From the moment an announcement begins."""
    kind = f"_nx{uuid.uuid4().hex[:10]}._tcp.local."
    async with (
        SimFleet((SPEC,)) as fleet,
        _looking(mdns=True, service_types=[kind], ports=[1]) as here,
    ):
        began = time.perf_counter()
        port = fleet["it"].port
        async with announcing(kind, "it", port, ["127.0.0.1"], {}, interfaces=["127.0.0.1"]):
            await _timed(here, _routable)
            return time.perf_counter() - began


async def _traffic() -> float:
    """From a request that is refused to the status that says so."""
    async with SimFleet((SPEC,)) as fleet, gateway(face("it", fleet["it"].url)) as here:
        await fleet["it"].refuse()
        began = time.perf_counter()
        await asyncio.to_thread(_ask, here.url)
        if _routable(here):
            return float("inf")
        return time.perf_counter() - began


async def _interval(server: Callable[[SimServer], Awaitable[None]]) -> float:
    """From a death that no request meets, checks being every second."""
    async with (
        SimFleet((SPEC,)) as fleet,
        _looking(gateway_extra="[health_check]\ninterval_seconds = 1\n", hosts=[]) as here,
    ):
        await here.control.backends.register(NewBackend(fleet["it"].url, name="it"))
        await server(fleet["it"])
        return await _timed(here, lambda here: not _routable(here))


def _ask(url: str) -> None:
    request = urllib.request.Request(
        url + "/v1/chat/completions", BODY, {"content-type": "application/json"}
    )
    with contextlib.suppress(OSError):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10)


def _routable(here: Gateway) -> bool:
    return any(
        b.status is BackendStatus.HEALTHY for b in here.control.view.fleet().backends.values()
    )


async def _timed(here: Gateway, true: Callable[[Gateway], bool]) -> float:
    began = time.perf_counter()
    async with asyncio.timeout(30):
        while not true(here):
            await asyncio.sleep(0.005)
    return time.perf_counter() - began


@contextlib.asynccontextmanager
async def _looking(*, gateway_extra: str = "", **more: object) -> AsyncGenerator[Gateway]:
    values = {"trust": "auto", "mdns": False, "beacons": False, "ports": [1], **more}
    if values["mdns"]:
        values["interfaces"] = ["127.0.0.1"]
    lines = [gateway_extra, "[discovery]"]
    lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    with tempfile.TemporaryDirectory() as folder:
        config = "\n".join(lines) + "\n"
        async with gateway(config=config, tmp_path=Path(folder), discovery=True) as here:
            yield here


async def _died(server: SimServer) -> None:
    await server.refuse()


def main() -> None:
    """One table."""
    rows: list[Row] = []
    for what, goal, once in (
        ("a local server starts, until routable", "<= 3 s", _local),
        ("one announces itself by mDNS, until routable", "<= 5 s", _mdns),
        ("a request is refused, until set aside", "at once", _traffic),
        ("one dies unseen, checked every 1 s, 3 failures", "", lambda: _interval(_died)),
    ):
        took = [asyncio.run(once()) for _ in range(ROUNDS)]
        rows.append((what, f"{median(took):.2f} s, worst {max(took):.2f} s", goal))
    show(f"Coming and going, {ROUNDS} rounds", rows)


if __name__ == "__main__":
    main()
