"""Health checks of a large fleet with dead members, and the model list of a half dead one.

Run as `python -m tests.bench health`. Prints; asserts nothing, since machines differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import socket
import time
from collections import Counter
from collections.abc import Generator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from nexus.domain.backend import BackendFace, BackendId, BackendStatus, BackendType, Model, Zone
from nexus.health.checker import HealthChecker
from nexus.registry.registry import Registry
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.upstream.client import ProbeClient
from tests.bench.holds import Holds, worst_and_p99
from tests.bench.processes import Running, nexus
from tests.bench.tables import show

BACKENDS, DEAD, TIMEOUT_S = 200, 40, 5.0
HALF, MODELS, ASKED = 50, 10, 500
UP_S = 60.0


def serve(alive: int, pipe: Connection) -> None:
    """Simulated servers, in a process of their own so that only Nexus holds the measured loop."""
    specs = tuple(
        SimSpec(f"s{n}", BackendType.VLLM, tuple(Model(f"m{n}-{k}") for k in range(MODELS)))
        for n in range(alive)
    )

    async def run() -> None:
        async with SimFleet(specs) as fleet:
            pipe.send([server.port for server in fleet.servers])
            await asyncio.to_thread(pipe.recv)

    asyncio.run(run())


@contextlib.contextmanager
def fleet(alive: int, dead: int) -> Generator[tuple[list[int], list[int]]]:
    """Ports of servers that answer, and of such that take connections and say nothing."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(alive, theirs))
    process.start()
    silent = [socket.create_server(("127.0.0.1", 0), backlog=512) for _ in range(dead)]
    try:
        yield ours.recv(), [sock.getsockname()[1] for sock in silent]
    finally:
        ours.send(None)
        process.join()
        for sock in silent:
            sock.close()


async def _round(registry: Registry, alive: int, holds: Holds) -> tuple[float, float]:
    """Seconds until the living are known, and until everybody is."""
    checker = HealthChecker(registry, ProbeClient(), lambda face: None, timeout_s=TIMEOUT_S)
    gc.collect()
    gc.freeze()  # as the gateway does at its start
    await asyncio.sleep(0)
    holds.turns.clear()  # that was one, before there is traffic
    began = time.perf_counter()
    well = 0.0
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(checker.run(), name="health"),
            group.create_task(holds.watch(), name="watch"),
        ]
        while True:
            await asyncio.sleep(0.01)
            known = registry.fleet().backends.values()
            if not well and sum(b.status is BackendStatus.HEALTHY for b in known) == alive:
                well = time.perf_counter() - began
            if all(b.checked_at is not None for b in known):
                break
        took = time.perf_counter() - began
        for task in tasks:
            task.cancel()
    return well, took


def checks() -> None:
    """One whole round."""
    registry = Registry(lambda event: None, time.time)
    holds = Holds()
    with fleet(BACKENDS - DEAD, DEAD) as (alive, dead):
        for port in (*alive, *dead):
            face = BackendFace(
                BackendId(f"b{port}"),
                f"b{port}",
                f"http://127.0.0.1:{port}",
                BackendType.VLLM,
                Zone.RESTRICTED,
            )
            registry.add(face)
        with holds.timed():
            well, took = asyncio.run(_round(registry, len(alive), holds))
    statuses = Counter(b.status.value for b in registry.fleet().backends.values())
    late, turns = worst_and_p99(holds.late), worst_and_p99(holds.turns)
    show(
        f"Health: {BACKENDS} backends with {MODELS} models, {DEAD} silent, timeout {TIMEOUT_S:g} s",
        [
            ("the living are known after", f"{well:.2f} s" if well else "never", ""),
            ("a whole round", f"{took:.2f} s", f"< {2 * TIMEOUT_S:g} s"),
            ("loop held by us, worst / p99", f"{turns[0]:.1f} / {turns[1]:.1f} ms", "<= 10 ms"),
            ("a timer late, worst / p99", f"{late[0]:.1f} / {late[1]:.1f} ms", ""),
            ("found", ", ".join(f"{n} {status}" for status, n in statuses.items()), ""),
        ],
    )


def models() -> None:
    """The model list, over HTTP, while half of the fleet answers nothing."""
    timings: list[float] = []
    size = 0
    with (
        fleet(HALF, HALF) as (alive, dead),
        nexus([*alive, *dead], extra="[health_check]\ninterval_seconds = 5\n") as server,
    ):
        ends = time.perf_counter() + UP_S
        while len(_listed(server)) < HALF * MODELS:
            if time.perf_counter() > ends:
                raise RuntimeError("the living did not come up")
            time.sleep(0.1)
        door = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for _ in range(ASKED):
            began = time.perf_counter()
            door.request("GET", "/v1/models")
            size = len(door.getresponse().read())
            timings.append(time.perf_counter() - began)
            time.sleep(0.01)  # spread over more than one round of checks
        door.close()
    worst, p99 = worst_and_p99(timings)
    p50 = sorted(timings)[len(timings) // 2] * 1000
    show(
        f"/v1/models: {HALF * MODELS} models ({size / 1000:.0f} kB), {HALF} of {HALF * 2} backends "
        f"silent, {ASKED} times",
        [
            ("p50 / p99", f"{p50:.1f} / {p99:.1f} ms", "< 10 ms"),
            ("worst", f"{worst:.1f} ms", ""),
        ],
    )


def _listed(server: Running) -> list[object]:
    door = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    door.request("GET", "/v1/models")
    found: list[object] = json.loads(door.getresponse().read())["data"]
    door.close()
    return found


def main() -> None:
    """Both."""
    checks()
    models()


if __name__ == "__main__":
    main()
