"""How soon the four explain tools answer over 100,000 requests, by HTTP and by the command.

Each tool is asked first thing after a start of its own, and then again: what is imported or read at
the first question is in the first number. The fleet is simulated, in a thread of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Generator
from pathlib import Path
from statistics import median

from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from nexus.store.store import Store
from tests.bench.history import AT_ONCE, COUNT, requests
from tests.bench.processes import REPOSITORY, Running, nexus, users_environ
from tests.bench.tables import Row, mb, show
from tests.fakes.fleets import large_fleet

STARTS = 3
AGAIN = 5
SPAN_S = 80_000.0
TOML = "[[expect]]\nmodel = 'model-3'\nnever_zone = 'open'\n"
GOAL = "< 200 ms"


@contextlib.contextmanager
def servers() -> Generator[dict[str, str]]:
    """The fleet that the requests were decided in: URLs by name."""
    specs = [
        SimSpec(each.name, each.face.type, each.models)
        for each in large_fleet(8, 20, 4).backends.values()
    ]
    ready, over, urls = threading.Event(), threading.Event(), dict[str, str]()

    async def serve() -> None:
        async with SimFleet(specs) as fleet:
            urls.update({each.name: each.url for each in fleet.servers})
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="servers")
    thread.start()
    ready.wait()
    try:
        yield urls
    finally:
        over.set()
        thread.join()


def history(path: Path) -> str:
    """Write the requests; the id of one in the middle."""
    store = Store(path)
    store.start()
    records = requests(COUNT, 4, SPAN_S)
    for start in range(0, COUNT, AT_ONCE):
        for record in records[start : start + AT_ONCE]:
            store.put(record)
        store.flush(60)
    store.close()
    return records[COUNT // 2].request_id


@contextlib.contextmanager
def gateway(folder: Path, urls: dict[str, str]) -> Generator[Running]:
    """Nexus over the fleet and a copy of the requests, a moment after its start."""
    own = folder / "own.db"
    shutil.copy(folder / "history.db", own)
    backends = [
        f'[[backends]]\nname = "{name}"\nurl = "{url}"\ntype = "vllm"\npriority = {n}\n'
        for n, (name, url) in enumerate(urls.items())
    ]
    with nexus([], extra=f'[history]\npath = "{own}"\n' + "".join(backends)) as running:
        time.sleep(1.5)  # the first checks are over
        yield running


def ask(running: Running, path: str, body: object = None, **headers: str) -> float:
    """Milliseconds of one question."""
    data = None if body is None else json.dumps(body).encode()
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    lines["content-type"] = "application/json"
    request = urllib.request.Request(running.url + path, data, lines)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as reply:
        reply.read()
    return (time.perf_counter() - began) * 1000


def command(running: Running, *words: str) -> float:
    """Milliseconds of a command, its own start included."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nexus", *words, "--url", running.url],
        cwd=REPOSITORY,
        env=users_environ(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return (time.perf_counter() - began) * 1000


def _told(times: list[float]) -> str:
    return f"{median(times):.0f} ms, worst {max(times):.0f}"


def main() -> None:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name, servers() as urls:
        folder = Path(name)
        middle = history(folder / "history.db")
        table = folder / "expect.toml"
        table.write_text(TOML)
        chat = {"model": "model-3", "messages": [{"role": "user", "content": "hi"}]}
        expect = {"expect": [{"model": "model-3", "never_zone": "open"}]}
        tools: dict[str, tuple[Callable[[Running], float], tuple[str, ...]]] = {
            "explain": (
                lambda it: ask(it, f"/nexus/v1/requests/{middle}"),
                ("explain", middle),
            ),
            "route (dry run)": (
                lambda it: ask(it, "/v1/chat/completions", chat, X_Nexus_Dry_Run="1"),
                ("route", "--model", "model-3"),
            ),
            "what-if": (
                lambda it: ask(it, "/nexus/v1/what-if", {"drop": ["gpu-0001"]}),
                ("what-if", "--drop", "gpu-0001"),
            ),
            "policy test": (
                lambda it: ask(it, "/nexus/v1/policy/test", expect),
                ("policy", "test", str(table)),
            ),
        }
        for tool, (once, words) in tools.items():
            first, again, typed, grown = (list[float]() for _ in range(4))
            for _ in range(STARTS):
                with gateway(folder, urls) as it:
                    before = it.rss_bytes()
                    first.append(once(it))
                    grown.append(it.rss_bytes() - before)
                    again += [once(it) for _ in range(AGAIN)]
                    typed.append(command(it, *words))
            rows += [
                (f"{tool}, first after a start", _told(first), GOAL),
                (f"{tool}, again", _told(again), GOAL),
                (f"{tool}, as a command", _told(typed), ""),
                (f"{tool}, memory after the first", f"+{mb(max(grown))}", ""),
            ]
    show(f"Four tools over {COUNT:,} requests, {STARTS} starts each", rows)


if __name__ == "__main__":
    main()
