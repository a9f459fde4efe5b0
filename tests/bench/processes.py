"""Processes of a bench: started, measured from outside, and ended by their pid whatever happens.

CPU time and memory are read from `/proc`, so the benches run on Linux only.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
START_S = 20.0
"""Seconds a process has to become ready."""


@dataclass
class Running:
    """A process and, for servers, where it listens."""

    popen: subprocess.Popen[bytes]
    port: int = 0
    ports: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """User and system time so far, in steps of a clock tick (10 ms)."""
        text = Path(f"/proc/{self.popen.pid}/stat").read_text()
        fields = text[text.rindex(")") + 2 :].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def rss_bytes(self) -> int:
        """Resident memory."""
        pages = Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1]
        return int(pages) * PAGE_BYTES


def cpus() -> tuple[set[int], set[int]]:
    """CPUs for what is measured and for what measures it, apart where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return set(), set()
    usable = sorted(os.sched_getaffinity(0))
    return ({usable[0]}, set(usable[1:])) if len(usable) > 1 else (set(usable), set(usable))


@contextlib.contextmanager
def started(
    command: Sequence[str | Path],
    *,
    measured: bool,
    env: dict[str, str] | None = None,
    terminal: int | None = None,
    out: int = subprocess.PIPE,
    err: int | None = None,
) -> Generator[Running]:
    """A process until the block ends; then SIGTERM, and SIGKILL if it does not listen.

    Args:
        command: program and arguments.
        measured: runs on the CPU of its own instead of that of the load.
        env: instead of this environment.
        terminal: file descriptor of a terminal that becomes its stdin, stdout and stderr.
        out: its stdout where there is no terminal.
        err: its stderr where there is no terminal; ours by default.
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NEXUS_")}
    popen = subprocess.Popen(
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=env if env is not None else clean,
        stdin=subprocess.PIPE if terminal is None else terminal,
        stdout=out if terminal is None else terminal,
        stderr=err if terminal is None else terminal,
        start_new_session=terminal is not None,
    )
    pinned = cpus()[0 if measured else 1]
    if pinned:
        os.sched_setaffinity(popen.pid, pinned)
    try:
        yield Running(popen)
    finally:
        if popen.poll() is None:
            popen.send_signal(signal.SIGTERM)
            try:
                popen.wait(5)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
        for stream in (popen.stdin, popen.stdout):
            if stream is not None:
                stream.close()


@contextlib.contextmanager
def upstream(
    servers: int = 20, *, gap_ms: float = 5, chunks: int = 200, think_ms: float = 0
) -> Generator[Running]:
    """`tests.bench.upstream` on as many ports."""
    command = [sys.executable, "-m", "tests.bench.upstream"]
    options = [f"--servers={servers}", f"--gap-ms={gap_ms}", f"--chunks={chunks}"]
    options.append(f"--think-ms={think_ms}")
    with started([*command, *options], measured=False) as running:
        assert running.popen.stdout is not None
        running.ports = json.loads(running.popen.stdout.readline())
        running.port = running.ports[0]
        yield running


@contextlib.contextmanager
def nexus(
    ports: Sequence[int],
    *,
    terminal: int | None = None,
    extra: str = "",
    ready_path: str = "/health",
) -> Generator[Running]:
    """The product as users start it, over these backends, with its log going to /dev/null.

    Args:
        ports: of the backends.
        terminal: shows the dashboard there.
        extra: TOML put before the backends.
        ready_path: what must answer 200 before it counts as ready.
    """
    backends = [
        f'[[backends]]\nname = "b{n}"\nurl = "http://127.0.0.1:{port}"\ntype = "generic"\n'
        for n, port in enumerate(ports)
    ]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "nexus.toml"
        config.write_text("\n".join([extra, *backends]))
        port = free_port()
        command = [sys.executable, "-m", "nexus", "serve", "--no-discovery"]
        options = ["--config", str(config), "--port", str(port)]
        if terminal is None:
            options.append("--no-tui")
        env = users_environ()
        env["XDG_STATE_HOME"] = folder  # the history is written there, not into the user's
        if terminal is not None:
            env |= {"TERM": "xterm-256color", "NEXUS_TOUR": "0"}
        with started(
            [*command, *options],
            measured=True,
            env=env,
            terminal=terminal,
            out=subprocess.DEVNULL,
            err=subprocess.DEVNULL,
        ) as running:
            running.port = port
            wait_for(running, ready_path)
            yield running


def users_environ() -> dict[str, str]:
    """The environment of a user: without settings of ours, and Python keeps its bytecode.

    Where it does not, every start and every first question compiles, and what that leaves behind
    counts as memory.
    """
    not_theirs = ("NEXUS_", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    return {k: v for k, v in os.environ.items() if not k.startswith(not_theirs)}


@contextlib.contextmanager
def plain_relay(ports: Sequence[int]) -> Generator[Running]:
    """`tests.bench.plain_relay`, what Nexus is measured against."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.plain_relay", str(port), *map(str, ports)]
    with started(command, measured=True, out=subprocess.DEVNULL) as running:
        running.port = port
        wait_for(running, "/health")
        yield running


def wait_for(running: Running, path: str) -> None:
    """Until the server answers 200 there.

    Raises:
        RuntimeError: it ended or took too long.
    """
    ends = time.perf_counter() + START_S
    while not answers(running.url + path):
        if running.popen.poll() is not None or time.perf_counter() > ends:
            raise RuntimeError(f"{running.popen.args!r} is not ready ({running.popen.returncode})")
        time.sleep(0.005)


def answers(url: str) -> bool:
    """Whether a GET gets a 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def load(port: int, mode: str, **options: float) -> Generator[Iterator[dict[str, float]]]:
    """`tests.bench.load` against a port: its reports as they come.

    The first one says that the warm-up is over, the last one has the figures.
    """
    command = [sys.executable, "-m", "tests.bench.load", mode, f"--port={port}"]
    flags = [f"--{name}={value:g}" for name, value in options.items()]
    with started([*command, *flags], measured=False) as running:
        assert running.popen.stdout is not None
        yield _reports(running.popen.stdout)


def _reports(lines: Iterable[bytes]) -> Iterator[dict[str, float]]:
    """Two of them, or it is said that the load ended early; why, it has said itself."""
    count = 0
    for line in lines:
        count += 1
        yield json.loads(line)
    if count < 2:
        raise RuntimeError("the load could not be sent")


def loaded(port: int, mode: str, **options: float) -> dict[str, float]:
    """The figures of a whole run of `load`."""
    with load(port, mode, **options) as reports:
        return list(reports)[-1]


def cpu_us(
    server: Running, unit: str, mode: str, **options: float
) -> tuple[float, dict[str, float]]:
    """CPU microseconds of a server per `unit` (a figure of `load`) after the warm-up."""
    with load(server.port, mode, **options) as reports:
        next(reports)
        before = server.cpu_s()
        figures = next(reports)
        spent = server.cpu_s() - before
    return spent / max(1, figures[unit]) * 1e6, figures
