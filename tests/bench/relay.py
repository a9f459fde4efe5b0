"""CPU of the gateway per unary request and per streamed chunk, beside a plain relay.

Rounds are interleaved, so that a noisy neighbour meets all. Nexus is measured twice: as it comes,
where a thread of it writes each request into its history, and with `history.enabled = false`, which
is what the plain relay does.
"""

from __future__ import annotations

from statistics import median

from tests.bench.processes import Running, cpu_us, nexus, plain_relay, upstream
from tests.bench.tables import show

ROUNDS = 3

NO_HISTORY = "[history]\nenabled = false\n"


def _unary(server: Running) -> float:
    cost, figures = cpu_us(server, "requests", "closed", connections=32, warm=0.7, seconds=2)
    _blame(figures)
    return cost


def _chunk(server: Running, streams: int) -> float:
    cost, figures = cpu_us(
        server, "chunks", "streams", connections=streams, ramp=1, warm=1.2, seconds=2
    )
    _blame(figures)
    return cost


def _blame(figures: dict[str, float]) -> None:
    if figures["errors"]:
        print(f"  ! {figures['errors']:g} requests failed")


def main() -> None:
    costs: dict[str, list[float]] = {}
    with (
        upstream() as backends,
        nexus(backends.ports) as ours,
        nexus(backends.ports, extra=NO_HISTORY) as bare,
        plain_relay(backends.ports) as plain,
    ):
        for _ in range(ROUNDS):
            costs.setdefault("unary", []).append(_unary(ours))
            costs.setdefault("bare unary", []).append(_unary(bare))
            costs.setdefault("plain unary", []).append(_unary(plain))
            costs.setdefault("chunk", []).append(_chunk(ours, 50))
            # 50 streams are more than it can carry: its chunks would run together.
            costs.setdefault("plain chunk", []).append(_chunk(plain, 10))
    cost = {name: median(rounds) for name, rounds in costs.items()}
    rows = [
        ("nexus, CPU per unary request", f"{cost['unary']:.0f} µs", "<= 110 µs"),
        ("nexus, unary requests per core", f"{1e6 / cost['unary']:,.0f}/s", ""),
        ("nexus without history, CPU per unary request", f"{cost['bare unary']:.0f} µs", ""),
        ("plain relay, CPU per unary request", f"{cost['plain unary']:.0f} µs", ""),
        ("unary requests per core, nexus : plain", _ratio(cost, "unary"), ">= 15"),
        (
            "unary requests per core, nexus without history : plain",
            f"{cost['plain unary'] / cost['bare unary']:.1f}",
            ">= 15",
        ),
        ("nexus, CPU per streamed chunk", f"{cost['chunk']:.1f} µs", "<= 32 µs"),
        ("plain relay, CPU per streamed chunk", f"{cost['plain chunk']:.0f} µs", ""),
        ("chunks per core, nexus : plain", _ratio(cost, "chunk"), ""),
    ]
    show(f"Relay: 1 KB body, 20 backends; median of {ROUNDS} rounds", rows)


def _ratio(cost: dict[str, float], what: str) -> str:
    return f"{cost[f'plain {what}'] / cost[what]:.1f}"


if __name__ == "__main__":
    main()
