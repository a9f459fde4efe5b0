"""How long a person or a script waits for the command."""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from tests.bench.processes import REPOSITORY, nexus, users_environ
from tests.bench.tables import show

ROUNDS = 7


def _command(*arguments: str) -> float:
    """Wall milliseconds of one run."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nexus", *arguments],
        cwd=REPOSITORY,
        env=users_environ(),
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return (time.perf_counter() - began) * 1000


def _first_200() -> float:
    """Wall milliseconds from the start of the process to the first good answer."""
    began = time.perf_counter()
    with nexus([]):
        return (time.perf_counter() - began) * 1000


def main() -> None:
    rows = [
        (f"nexus {flag}", f"{median(_command(flag) for _ in range(ROUNDS)):.0f} ms", "< 100 ms")
        for flag in ("--version", "--help")
    ]
    ready = median(_first_200() for _ in range(3))
    rows.append(("headless, start to first 200", f"{ready:.0f} ms", ""))
    show(f"Start, median of {ROUNDS} runs", rows)


if __name__ == "__main__":
    main()
