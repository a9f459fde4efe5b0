"""What a decision, a reading and an edit cost: `python -m tests.bench.bench_decide`.

Prints the best of several rounds, which is the figure least disturbed by neighbours.
"""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from functools import partial

from nexus.domain.backend import BackendId, Load
from nexus.domain.decision import Decision
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Endpoint, Needs
from nexus.protocols.needs import read_needs
from nexus.protocols.splice import as_stream, with_model
from nexus.protocols.sse import SseTap, usage_of
from nexus.routing.router import decide, explain
from tests.bench.tables import show
from tests.fakes.fleets import large_fleet, needs

CHUNK = (
    b'data: {"choices":[{"finish_reason":null,"index":0,"delta":{"content":" gateway"}}],'
    b'"created":1795427256,"id":"chatcmpl-WRIgeRZxNVCEDepJCtTGiWaoOQEcv23v","model":"tiny",'
    b'"system_fingerprint":"b0-unknown","object":"chat.completion.chunk"}\n\n'
)


def best_us(call: Callable[[], object], budget_s: float = 0.3, rounds: int = 5) -> float:
    """Microseconds a call, best of `rounds`."""
    timer = timeit.Timer(call)
    once = max(timer.timeit(1), 1e-7)
    number = max(1, int(budget_s / rounds / once))
    return min(timer.repeat(rounds, number)) / number * 1e6


class Traffic:
    """Decisions between which requests begin and end: two loads are others each time."""

    def __init__(self, asked: Needs, fleet: Fleet, policy: Policy) -> None:
        self._asked, self._fleet, self._policy = asked, fleet, policy
        self._loads = {
            id: Load(pending=n % 7, latency_ms=40.0 + n % 50) for n, id in enumerate(fleet.backends)
        }
        self._ids: list[BackendId] = [each.backend.id for each in fleet.by_model[asked.model]]
        self._turn = 0

    def decide(self) -> object:
        turn = self._turn = self._turn + 1
        for shift in (0, 3):
            id = self._ids[(turn + shift) % len(self._ids)]
            self._loads[id] = Load(pending=turn % 7, latency_ms=40.0 + turn % 50)
        return decide(self._asked, self._fleet, self._loads, self._policy, turn=turn)


def body(size: int) -> bytes:
    """A chat body of about `size` bytes: three turns of prose with escapes."""
    prose = 'She said "yes" and went on.\nThen it rained; the café closed. '
    turns = [{"role": "user", "content": prose * max(1, size // 3 // len(prose))} for _ in range(3)]
    return json.dumps({"model": "model-0", "messages": turns, "temperature": 0.2}).encode()


def image_body(size: int) -> bytes:
    """A chat body whose bulk is a picture."""
    url = {"url": "data:image/png;base64," + "iVBORw0K" * (size // 8)}
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]
    return json.dumps(
        {"model": "model-0", "messages": [{"role": "user", "content": parts}]}
    ).encode()


def _first(asked: Needs, fleet: Fleet, loads: dict[BackendId, Load]) -> object:
    """A decision for which nothing has been worked out yet."""
    fleet.memo.clear()
    return decide(asked, fleet, loads, Policy())


def main() -> None:
    rows: list[tuple[str, float]] = []
    asked = needs("model-0", prompt_tokens=200, tools=True)
    for count, models in ((20, 20), (1000, 5000)):
        fleet = large_fleet(count, models, 20)
        loads: dict[BackendId, Load] = {}
        for strategy in Strategy:
            policy = Policy(strategy)
            assert isinstance(decide(asked, fleet, loads, policy), Decision)
            label = f"decide, {count} backends, {models} models, {strategy.value}"
            rows.append((label, best_us(Traffic(asked, fleet, policy).decide)))
        first = partial(_first, asked, fleet, loads)
        rows.append((f"decide, {count} backends, the first of its kind", best_us(first)))
        rows.append(
            (f"explain, {count} backends", best_us(partial(explain, asked, fleet, loads, Policy())))
        )
    for label, data in (
        ("1 KB", body(1_000)),
        ("50 KB", body(50_000)),
        ("1 MB", body(1_000_000)),
        ("1 MB image", image_body(1_000_000)),
    ):
        rows.append((f"read_needs, {label}", best_us(partial(read_needs, Endpoint.CHAT, data))))
        rows.append((f"with_model, {label}", best_us(partial(with_model, data, "qwen2:72b"))))
        rows.append((f"as_stream, {label}", best_us(partial(as_stream, data))))
    tap = SseTap()
    rows.append(("SseTap.feed, one event a chunk", best_us(partial(tap.feed, CHUNK))))
    half = len(CHUNK) // 2

    def in_halves() -> None:
        tap.feed(CHUNK[:half])
        tap.feed(CHUNK[half:])

    rows.append(("SseTap.feed, one event in two chunks", best_us(in_halves)))
    rows.append(("SseTap.usage, finished", best_us(tap.usage)))
    rows.append(("usage_of, 1 KB", best_us(partial(usage_of, body(1000)))))
    goals = {
        "decide, 20 backends, 20 models, smart": "<= 30 µs",
        "decide, 1000 backends, 5000 models, smart": "<= twice that",
    }
    shown = [(label, f"{cost:.2f} µs", goals.get(label, "")) for label, cost in rows]
    show("Deciding, reading, editing: best of 5 rounds", shown)


if __name__ == "__main__":
    main()
