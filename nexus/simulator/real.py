"""The real member of a fleet: llama.cpp's server over the tiny generated model.

It runs in a process of its own, because its threads and its teardown are not ours, and its standard
input is a pipe from here: when this process dies, however hard, the server sees the end and leaves.
"""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from nexus.domain.backend import BackendType, Zone
from nexus.simulator.tinymodel import tiny_model_path

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 3.0


class RealUnavailable(Exception):
    """The real server cannot run here. The argument says why."""


@dataclass(frozen=True, slots=True)
class RealServer:
    """A running llama.cpp server."""

    name: str
    url: str
    pid: int
    type: BackendType = BackendType.LLAMACPP
    zone: Zone = Zone.RESTRICTED
    priority: int = 20
    real: bool = True


def is_available() -> bool:
    """True when the optional packages are installed. Imports none of them."""
    return all(find_spec(name) is not None for name in ("xllamacpp", "gguf", "numpy"))


@asynccontextmanager
async def real_llamacpp(
    alias: str = "tiny-llama",
    parallel: int = 2,
    ctx: int = 2048,
    embedding: bool = False,
    name: str = "real-llama",
    port: int = 0,
) -> AsyncGenerator[RealServer]:
    """A real server while the block runs. `ctx` is tokens per slot.

    Raises:
        RealUnavailable: packages are missing, or the server did not start.
    """
    if not is_available():
        raise RealUnavailable("the packages xllamacpp, gguf and numpy are not installed")
    model = await _model()
    command = [
        # By path and without it on sys.path (-P), so that it runs from any directory.
        *(sys.executable, "-P", str(Path(__file__).with_name("llamacpp_process.py")), str(model)),
        *("--port", str(port), "--alias", alias, "--parallel", str(parallel), "--ctx", str(ctx)),
        *(["--embedding"] if embedding else []),
    ]
    process = await asyncio.create_subprocess_exec(
        # A session of its own: Ctrl+C is for the gateway, which may still need this server while it
        # finishes its streams.
        *command,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
    )
    try:
        url = await _address(process)
        yield RealServer(name, url, process.pid)
    finally:
        await _stop(process)


async def _model() -> Path:
    """The tiny model's file.

    It is written by another process, which has numpy in its memory and one thread for its
    arithmetic: more are slower for matrices this small.
    """
    path = tiny_model_path()
    if path.exists():
        return path
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    home = str(Path(__file__).parents[2])
    writer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "nexus.simulator.tinymodel"),
        env={**os.environ, **one, "PYTHONPATH": home},
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        _, complaint = await writer.communicate()
    finally:
        if writer.returncode is None:
            writer.kill()
            await writer.wait()
    if writer.returncode:
        lines = complaint.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
        raise RealUnavailable(f"the tiny model cannot be written: {lines[-1]}")
    return path


async def _address(process: Process) -> str:
    """The URL that the process prints. Raises `RealUnavailable`."""
    if process.stdout is None:
        raise RealUnavailable("the server has no output")
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            async for line in process.stdout:
                word, _, url = line.decode("utf-8", "replace").strip().partition(" ")
                if word == "listening":
                    return url
    except TimeoutError as exc:
        raise RealUnavailable(f"llama.cpp did not start in {START_TIMEOUT_S:.0f} s") from exc
    raise RealUnavailable(f"llama.cpp ended with exit code {await process.wait()}")


async def _stop(process: Process) -> None:
    """End the process for sure: ask, then insist."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()
