"""All benches, or those named: `python -m tests.bench [relay|streams|memory|...]`.

They print numbers beside their goals and judge nothing: a shared machine would lie. Ratios are of
one run, its rounds interleaved.
"""

from __future__ import annotations

import resource
import sys
import time

from tests.bench import (
    attached,
    bench_decide,
    dashboard,
    discovery,
    failover,
    health,
    history,
    keys,
    memory,
    operator,
    questions,
    relay,
    scale,
    startup,
    streams,
)

BENCHES = {
    "relay": relay.main,
    "streams": streams.main,
    "memory": memory.main,
    "dashboard": dashboard.main,
    "attached": attached.main,
    "operator": operator.main,
    "keys": keys.main,
    "scale": scale.main,
    "startup": startup.main,
    "decide": bench_decide.main,
    "health": health.main,
    "failover": failover.main,
    "history": history.main,
    "questions": questions.main,
    "discovery": discovery.main,
}


def main() -> int:
    """Run what is asked for; the exit code."""
    names = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"No bench {', '.join(unknown)}. There are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if sys.platform != "linux":
        print("Processes are measured through /proc: only decide runs here.", file=sys.stderr)
        names = ["decide"]
    else:  # 1,000 streams are 2,000 sockets of the gateway
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    began = time.perf_counter()
    for name in names:
        BENCHES[name]()
    print(f"\n{time.perf_counter() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
