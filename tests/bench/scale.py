"""A large fleet on the screen: 500 backends, 5,000 models, 1,000 requests a second.

CPU time of this process, so that a busy machine does not matter much: what folding one second of
updates takes, and what one frame of each page takes from the new state to the terminal's bytes.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Iterator
from statistics import median

from nexus.domain.backend import Backend, BackendId, Load, Model, Residency
from nexus.domain.decision import RouteReason
from nexus.domain.events import FleetSeen, LoadChanged, RequestFinished, RequestRouted, Update
from nexus.domain.fleet import picture
from tests.bench.tables import show
from tests.fakes.dashboard import START, Stage, staged
from tests.fakes.fleets import backend
from tui.render.pages import PAGES
from tui.state import DashboardState, reduce

BACKENDS = 500
MODELS = 5_000
RATE = 1_000
FRAMES = 25
FRAME_S = 0.2
SIZE = (120, 36)


def backends() -> dict[BackendId, Backend]:
    """Each has ten models of its own and one that all have."""
    each = MODELS // BACKENDS
    found: dict[BackendId, Backend] = {}
    for n in range(BACKENDS):
        models = [
            Model(f"model-{n * each + k:04d}", 8_192, residency=Residency.LOADED)
            for k in range(each)
        ]
        one = backend(f"gpu-{n:03d}", Model("llama3:70b", 131_072, tools=True), *models)
        found[one.id] = one
    return found


def opening(fleet: dict[BackendId, Backend]) -> FleetSeen:
    return FleetSeen(picture(1, fleet), {id: Load() for id in fleet})


def traffic(fleet: dict[BackendId, Backend]) -> Iterator[tuple[float, list[Update]]]:
    """What is told in each frame, with its time; requests take a second."""
    rng = random.Random(7)
    everyone = list(fleet.values())
    pending = dict.fromkeys(fleet, 0)
    running: deque[RequestRouted] = deque()
    now, number = START, 0
    while True:
        told: list[Update] = []
        for _ in range(int(RATE * FRAME_S)):
            now += 1 / RATE
            number += 1
            one = rng.choice(everyone)
            model = rng.choice(one.models).id
            routed = RequestRouted(
                f"req_{number:08d}", now, model, model, one.id, one.name,
                RouteReason.CAPABILITY_MATCH, f"highest_score:{one.name}:87", True,
            )  # fmt: skip
            running.append(routed)
            pending[one.id] += 1
            told += [routed, LoadChanged(one.id, Load(pending=pending[one.id]))]
            if len(running) > RATE:
                old = running.popleft()
                pending[old.backend_id] -= 1
                took = rng.uniform(200, 2000)
                status = 200 if rng.random() > 0.01 else 502
                told += [
                    LoadChanged(old.backend_id, Load(pending=pending[old.backend_id])),
                    RequestFinished(
                        old.request_id, now, old.requested, old.model, old.backend_id, old.backend,
                        one.face.type, old.reason, old.why, True, status,
                        ttft_ms=took / 4, duration_ms=took, prompt_tokens=200,
                        completion_tokens=100, tokens_per_s=60.0,
                    ),
                ]  # fmt: skip
        yield now, told


def _folded(state: DashboardState, updates: list[Update]) -> DashboardState:
    for update in updates:
        state = reduce(state, update)
    return state


async def _page(stage: Stage, story: Iterator[tuple[float, list[Update]]]) -> list[float]:
    """CPU milliseconds of each frame of the page shown."""
    found: list[float] = []
    app = stage.app
    for _ in range(FRAMES):
        stage.clock.now, told = next(story)
        app.state = _folded(app.state, told)
        began = time.process_time()
        app.show_latest()
        await stage.pilot.pause()
        found.append(1000 * (time.process_time() - began))
    return sorted(found)


async def measure() -> list[tuple[str, str, str]]:
    fleet = backends()
    story = traffic(fleet)
    rows: list[tuple[str, str, str]] = []
    async with staged(opening(fleet), size=SIZE) as stage:
        app = stage.app
        for _ in range(10):  # two seconds: requests end, windows fill
            stage.clock.now, told = next(story)
            app.state = _folded(app.state, told)
        state, count = app.state, 0
        began = time.process_time()
        for _ in range(5):
            stage.clock.now, told = next(story)
            count += len(told)
            state = _folded(state, told)
        spent = time.process_time() - began
        app.state = state
        rows.append((f"folding a second of {count} updates", f"{1000 * spent:.0f} ms", "< 100 ms"))
        for number, name in enumerate(PAGES, 1):
            began = time.process_time()
            await stage.pilot.press(str(number))
            await stage.settle()
            visit = 1000 * (time.process_time() - began)
            found = await _page(stage, story)
            at95 = found[int(len(found) * 0.95)]
            share = sum(found) / FRAMES / FRAME_S / 10
            rows.append(
                (
                    f"{name}: p50 / p95 / worst of a frame, of a core",
                    f"{median(found):.1f} / {at95:.1f} / {found[-1]:.1f} ms, {share:.0f} %",
                    "p95 < 50 ms",
                )
            )
            rows.append((f"{name}: first visit", f"{visit:.0f} ms", "< 100 ms"))
    return rows


def main() -> None:
    rows = asyncio.run(measure())
    title = f"{BACKENDS} backends, {MODELS} models, {RATE} requests/s at {SIZE[0]}x{SIZE[1]}"
    show(f"{title}: CPU time", rows)


if __name__ == "__main__":
    main()
