"""`nexus backends drain --wait` against the real gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nexus.domain.backend import BackendId, BackendStatus
from nexus.domain.events import RequestRouted
from tests.fakes.commands import Commands
from tests.fakes.servers import Server, Story, story
from tests.fakes.upstream import Got, answer, reply


class Held:
    """A server that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(
        self, got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self.go.wait()
        await answer(reply(b'{"choices":[]}'))(got, reader, writer)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def here(tmp_path: Path, held: Held) -> AsyncGenerator[Story]:
    async with story(tmp_path, a=Server(("m",), held)) as it, asyncio.TaskGroup() as group:
        group.create_task(it.chat(model="m"), name="client")
        async for update in it.gateway.control.view.updates():
            if isinstance(update, RequestRouted):
                break
        yield it
        held.go.set()


@pytest.fixture
def nexus(here: Story, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(here.gateway.url, capsys)


async def is_draining(here: Story) -> None:
    """Wait until the gateway knows it."""
    async for _ in here.gateway.control.view.updates():
        if here.gateway.control.backends.resolve("a").status is BackendStatus.DRAINING:
            return


async def test_waiting_ends_when_nothing_is_in_flight(
    here: Story, held: Held, nexus: Commands
) -> None:
    async with asyncio.TaskGroup() as group:
        drained = group.create_task(nexus("backends", "drain", "a", "--wait", "30s"), name="drain")
        await is_draining(here)
        held.go.set()
    code, out, _ = drained.result()
    assert code == 0
    assert out.splitlines() == [
        "a is draining, 1 model, 1 request in flight.",
        "a is draining, 1 model.",
    ]


async def test_patience_that_ends_first_is_exit_code_1(nexus: Commands) -> None:
    code, out, _ = await nexus("backends", "drain", "a", "--wait", "10ms")
    assert code == 1
    assert out.splitlines()[-1] == "a is draining, 1 model, 1 request in flight."
    told = await nexus.json("backends", "drain", "a", "--wait", "10ms", code=1)
    assert told["pending_requests"] == 1


async def test_a_backend_that_gets_work_again_is_not_waited_for(
    here: Story, nexus: Commands
) -> None:
    async with asyncio.TaskGroup() as group:
        drained = group.create_task(nexus("backends", "drain", "a", "--wait", "30s"), name="drain")
        await is_draining(here)
        await here.gateway.control.backends.undrain(BackendId("a"))
    code, _, err = drained.result()
    assert (code, err) == (1, "Error: a was taken back into rotation meanwhile\n")
