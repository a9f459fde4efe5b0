"""Health checks of a large fleet with dead members: how long a round takes, what holds the loop.

Run as `python -m tests.bench.health`. Prints; asserts nothing, since machines differ.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection

from nexus.domain.backend import BackendFace, BackendId, BackendStatus, BackendType, Model, Zone
from nexus.health.checker import HealthChecker
from nexus.registry.registry import Registry
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.upstream.client import ProbeClient

TICK_S = 0.001


def serve(alive: int, pipe: Connection) -> None:
    """Simulated servers, in a process of their own so that only Nexus holds the measured loop."""
    specs = tuple(
        SimSpec(f"s{n}", BackendType.VLLM, tuple(Model(f"m{n}-{k}") for k in range(10)))
        for n in range(alive)
    )

    async def run() -> None:
        async with SimFleet(specs) as fleet:
            pipe.send([server.url for server in fleet.servers])
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


def run(backends: int, dead: int, timeout_s: float) -> None:
    """One round over `backends`, of which `dead` take connections and never answer."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(backends - dead, theirs))
    process.start()
    silent = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(dead)]
    registry = Registry(lambda event: None, time.time)
    for n, url in enumerate(ours.recv()):
        _add(registry, f"up-{n}", url)
    for n, sock in enumerate(silent):
        _add(registry, f"dead-{n}", f"http://127.0.0.1:{sock.getsockname()[1]}")
    asyncio.run(_measure(registry, timeout_s, backends - dead))
    ours.send(None)
    process.join()
    for sock in silent:
        sock.close()


def _add(registry: Registry, name: str, url: str) -> None:
    registry.add(BackendFace(BackendId(name), name, url, BackendType.VLLM, Zone.RESTRICTED))


async def _measure(registry: Registry, timeout_s: float, alive: int) -> None:
    client = ProbeClient()
    gc.collect()
    gc.freeze()  # as the gateway does at its start
    checker = HealthChecker(registry, client, lambda face: None, timeout_s=timeout_s)
    holds: list[float] = []

    async def watch() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            holds.append(now - last - TICK_S)
            last = now

    began = time.perf_counter()
    well: float | None = None
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(checker.run(), name="health"),
            group.create_task(watch(), name="watch"),
        ]
        while True:
            await asyncio.sleep(0.01)
            known = registry.fleet().backends.values()
            up = sum(b.status is BackendStatus.HEALTHY for b in known)
            if well is None and up == alive:
                well = time.perf_counter() - began
            if all(b.checked_at is not None for b in known):
                break
        took = time.perf_counter() - began
        for task in tasks:
            task.cancel()
    holds.sort()
    print(f"{len(registry.fleet().backends)} backends, timeout {timeout_s:g} s")
    print(f"  the living are known after  {'never' if well is None else f'{well:.2f} s'}")
    print(f"  whole first round           {took:.2f} s ({took / timeout_s:.2f} x timeout)")
    worst, p99 = (holds[place] * 1000 for place in (-1, len(holds) * 99 // 100))
    print(f"  loop held, worst / p99      {worst:.1f} / {p99:.1f} ms")
    counts: dict[str, int] = {}
    for backend in registry.fleet().backends.values():
        counts[backend.status] = counts.get(backend.status, 0) + 1
    print(f"  statuses                    {counts}")


def main() -> None:
    """200 backends, 40 of them dead, the default timeout."""
    run(backends=200, dead=40, timeout_s=5.0)


if __name__ == "__main__":
    main()
