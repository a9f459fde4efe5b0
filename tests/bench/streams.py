"""What open streams cost in memory, and what many requests leave behind."""

from __future__ import annotations

from tests.bench.processes import Running, load, loaded, nexus, upstream
from tests.bench.tables import kb, mb, show

STREAMS = 1000
FEW, MANY = 10_000, 100_000


def _streams() -> list[tuple[str, str, str]]:
    """Hold the streams and see what they take."""
    with upstream(gap_ms=250, chunks=40) as backends, nexus(backends.ports) as server:
        loaded(server.port, "streams", connections=20, warm=0.1, requests=20)
        before = server.rss_bytes()
        # The first report comes when all are open; no stream ends before the last has begun.
        with load(
            server.port, "streams", connections=STREAMS, ramp=2, warm=3.5, requests=STREAMS
        ) as reports:
            busy = next(reports)["busy"]
            held = server.rss_bytes() - before
            figures = next(reports)
        return [
            ("streams open at once", f"{busy:,.0f}", f"{STREAMS:,}"),
            ("of these complete", f"{figures['requests']:,.0f}", f"{STREAMS:,}"),
            ("of these with an error", f"{figures['errors']:.0f}", "0"),
            ("memory per open stream", kb(held / STREAMS), "<= 50 kB"),
        ]


def _growth() -> list[tuple[str, str, str]]:
    """Memory after few and after many requests."""
    with upstream() as backends, nexus(backends.ports) as server:
        after_few = _rss_after(server, FEW)
        after_many = _rss_after(server, MANY - FEW)
    grown = (after_many / after_few - 1) * 100
    return [
        (f"memory after {FEW:,} requests", mb(after_few), ""),
        (f"memory after {MANY:,} requests", mb(after_many), ""),
        ("growth between them", f"{grown:+.1f} %", "<= 10 %"),
    ]


def _rss_after(server: Running, requests: int) -> int:
    loaded(server.port, "closed", connections=32, warm=0, requests=requests)
    return server.rss_bytes()


def main() -> None:
    show("Streams and memory under load", [*_streams(), *_growth()])


if __name__ == "__main__":
    main()
