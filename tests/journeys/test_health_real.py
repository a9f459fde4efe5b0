"""Three real llama.cpp servers: one is killed, one stopped, one comes back with another model."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import replace

import pytest

from nexus.domain.backend import Backend, BackendId, BackendStatus, BackendType
from nexus.domain.events import BackendChanged, FleetSeen
from nexus.runtime import Gateway
from nexus.simulator.real import RealServer, is_available, real_llamacpp
from tests.fakes.client import ask, request
from tests.fakes.gateway import face, gateway

pytestmark = [
    pytest.mark.skipif(
        not is_available(), reason="needs the demo extra: pip install 'nexus[demo]'"
    ),
    pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs signals"),
]

MODEL = "tiny-llama"


async def until(here: Gateway, name: str, wanted: Callable[[Backend], bool]) -> Backend:
    """The backend once it is as wanted, told by the gateway's own events."""
    async with asyncio.timeout(40):
        async for update in here.control.view.updates():
            match update:
                case FleetSeen(fleet=fleet) if wanted(fleet.backends[BackendId(name)]):
                    return fleet.backends[BackendId(name)]
                case BackendChanged(backend=backend) if backend.name == name and wanted(backend):
                    return backend
                case _:
                    pass
    raise AssertionError("the gateway has stopped")


async def say(here: Gateway, model: str = MODEL) -> tuple[int, str]:
    """A short chat: status, and who answered."""
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4}
    got = await ask(here.url, request(body=body))
    return got.status, got.headers.get("x-nexus-backend", "")


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """The process takes connections, by its kernel, and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.asynccontextmanager
async def two() -> AsyncGenerator[tuple[Gateway, RealServer, RealServer]]:
    """A gateway over two servers; the first is preferred."""
    async with real_llamacpp() as one, real_llamacpp() as other:
        faces = (
            face("one", one.url, BackendType.LLAMACPP, priority=0),
            face("other", other.url, BackendType.LLAMACPP, priority=100),
        )
        async with gateway(*faces) as here:
            yield here, one, other


async def test_one_that_is_killed_under_load_costs_no_request() -> None:
    async with two() as (here, one, _):
        async with asyncio.TaskGroup() as group:
            answered = asyncio.Semaphore(0)
            answers: list[tuple[int, str]] = []

            async def work() -> None:
                while answers.count((200, "other")) < 20:
                    answers.append(await say(here))
                    answered.release()

            for _ in range(4):
                group.create_task(work())
            for _ in range(10):
                await answered.acquire()
            os.kill(one.pid, signal.SIGKILL)
        assert set(answers) == {(200, "one"), (200, "other")}
        gone = await until(here, "one", lambda b: b.status is BackendStatus.UNREACHABLE)
        assert gone.models_stale
        assert gone.next.startswith("checked again ")


async def test_one_that_is_stopped_is_stalled_and_recovers_when_it_goes_on() -> None:
    async with two() as (here, one, _):
        pool = here.pools.pool(here.control.backends.resolve(BackendId("one")).face)
        pool.timeouts = replace(pool.timeouts, first_byte_s=0.3)  # two minutes by default
        with stopped(one.pid):
            answers = [await say(here) for _ in range(4)]
            assert answers == [(200, "other")] * 4
            stalled = here.control.backends.resolve(BackendId("one"))
            assert stalled.status is BackendStatus.STALLED
            assert "does not answer" in stalled.reason
        pool.timeouts = replace(pool.timeouts, first_byte_s=30.0)
        await until(here, "one", lambda b: b.is_routable)
        assert await say(here) == (200, "one")
        # Not at once: what it was asked while it was stopped may keep both its places for a moment.
        await until(here, "one", lambda b: b.status is BackendStatus.HEALTHY)


async def test_one_that_comes_back_on_its_port_with_another_model_is_known_by_that() -> None:
    async with contextlib.AsyncExitStack() as first:
        one = await first.enter_async_context(real_llamacpp(alias="before"))
        async with gateway(face("one", one.url, BackendType.LLAMACPP)) as here:
            assert (await say(here, "before"))[0] == 200
            await first.aclose()
            assert (await say(here, "before"))[0] in (502, 503)  # else a check tells, in its time
            await until(here, "one", lambda b: b.status is BackendStatus.UNREACHABLE)
            port = int(one.url.rpartition(":")[2])
            async with real_llamacpp(alias="after", port=port):
                await until(here, "one", lambda b: b.is_routable)
                back = here.control.backends.resolve(BackendId("one"))
                assert [model.id for model in back.models] == ["after"]
                assert not back.models_stale
                assert (await say(here, "after"))[0] == 200
                assert (await say(here, "before"))[0] == 404
