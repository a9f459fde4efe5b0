"""What a visible dashboard does to latency: the same open load, headless and with it."""

from __future__ import annotations

from statistics import median

from tests.bench.processes import Running, loaded, nexus, upstream
from tests.bench.tables import show
from tests.bench.terminal import COLUMNS, LINES, terminal

ROUNDS = 5
RATE = 200


def _round(server: Running) -> tuple[float, float]:
    """p50 and p99, ms."""
    figures = loaded(server.port, "open", rate=RATE, connections=16, warm=0.5, seconds=3)
    return figures["p50_ms"], figures["p99_ms"]


def main() -> None:
    found: dict[str, list[tuple[float, float]]] = {"direct": [], "headless": [], "dashboard": []}
    with (
        upstream() as backends,
        nexus(backends.ports) as headless,
        terminal() as screen,
        nexus(backends.ports, terminal=screen) as shown,
    ):
        for _ in range(ROUNDS):
            found["direct"].append(_round(backends))
            found["headless"].append(_round(headless))
            found["dashboard"].append(_round(shown))
    p50 = {name: median(first for first, _ in rounds) for name, rounds in found.items()}
    p99 = {name: median(second for _, second in rounds) for name, rounds in found.items()}
    added = {name: max(0.01, p99[name] - p50["direct"]) for name in ("headless", "dashboard")}
    rows = [
        (name, f"{p50[name]:.2f} / {p99[name]:.2f} ms", "")
        for name in ("direct", "headless", "dashboard")
    ]
    rows += [
        (f"added at p99, {name}", f"{added[name]:.2f} ms", "") for name in ("headless", "dashboard")
    ]
    rows.append(
        (
            "added at p99, dashboard : headless",
            f"{added['dashboard'] / added['headless']:.2f}",
            "<= 1.3",
        )
    )
    title = (
        f"Dashboard at {COLUMNS}x{LINES}, {RATE} requests/s: p50 / p99, median of {ROUNDS} rounds"
    )
    show(title, rows)


if __name__ == "__main__":
    main()
