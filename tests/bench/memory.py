"""What the gateway occupies at rest: headless, with the dashboard, and per backend."""

from __future__ import annotations

import time

from tests.bench.processes import Running, nexus, upstream
from tests.bench.tables import kb, mb, show
from tests.bench.terminal import terminal

FEW, MANY = 20, 220
REST_S = 2.5
"""Seconds until what starting needed has been given back."""


def _at_rest(server: Running) -> int:
    time.sleep(REST_S)
    return server.rss_bytes()


def main() -> None:
    with upstream(MANY) as backends:
        ports = backends.ports
        with nexus([]) as server:
            alone = _at_rest(server)
        with nexus(ports[:FEW]) as server:
            headless = _at_rest(server)
        with terminal() as screen, nexus(ports[:FEW], terminal=screen) as server:
            dashboard = _at_rest(server)
        with nexus(ports[:FEW], health=False) as server:
            few = _at_rest(server)
        with nexus(ports, health=False) as server:
            many = _at_rest(server)
    rows = [
        ("headless, no backend", mb(alone), "<= 50 MB"),
        (f"headless, {FEW} backends, health checks on", mb(headless), "<= 50 MB"),
        (f"with the dashboard, {FEW} backends", mb(dashboard), "<= 66 MB"),
        (
            f"per further backend ({FEW} -> {MANY}, health checks off)",
            kb((many - few) / (MANY - FEW)),
            "<= 10 kB",
        ),
    ]
    show("Memory at rest", rows)


if __name__ == "__main__":
    main()
