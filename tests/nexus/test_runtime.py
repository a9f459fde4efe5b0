"""Starting in order, and stopping without losing a request or leaving a task."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from nexus.domain.events import FleetSeen
from tests.fakes.client import Client, Reply, ask, chat, request
from tests.fakes.doors import until
from tests.fakes.gateway import face, gateway, process
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Got,
    Script,
    answer,
    chunk,
    event,
    reply,
    upstream,
)

REST = chunk(event("b", "stop")) + chunk(DONE) + LAST_CHUNK
IMPATIENT = "[server]\ndrain_timeout_seconds = 0\n"


def waiting(go_on: asyncio.Event) -> Script:
    """Begins a stream and ends it when it is told to."""

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))
        await writer.drain()
        await go_on.wait()
        writer.write(REST)

    return script


async def streaming(url: str) -> Client:
    """A client in the middle of its stream."""
    client = await Client.to(url)
    client.send(request(body=chat(stream=True)))
    await client.head()
    assert await client.chunk() == event("a")
    return client


async def rest(client: Client) -> bytes:
    """What is left of a chunked body. Closes the connection."""
    body = b""
    async with asyncio.timeout(10):
        while piece := await client.chunk():
            body += piece
    client.close()
    return body


async def test_nothing_is_left_running_after_a_stop() -> None:
    before = asyncio.all_tasks()
    async with upstream(answer(reply())) as up, gateway(face("one", up.url)) as here:
        await ask(here.url, request(body=chat()))
        url = here.url

    await until(lambda: asyncio.all_tasks() <= before)
    with pytest.raises(ConnectionRefusedError):
        await Client.to(url)


async def test_an_idle_gateway_stops_with_clients_connected() -> None:
    async with upstream(answer(reply())) as up:
        async with asyncio.timeout(10), gateway(face("one", up.url)) as here:
            client = await Client.to(here.url)
            client.send(request(body=chat()))
            await client.reply()
        assert await client.reader.read(-1) == b""
        client.close()


async def test_while_stopping_running_streams_finish_and_new_requests_are_refused() -> None:
    go_on = asyncio.Event()
    refused: list[Reply] = []

    async def during(client: Client) -> None:
        await until(lambda: here.carrier.stopping)
        refused.append(await ask(here.url, request(body=chat())))
        go_on.set()
        said.append(await rest(client))

    said: list[bytes] = []
    async with (
        upstream(waiting(go_on)) as up,
        asyncio.TaskGroup() as group,
        gateway(face("one", up.url)) as here,
    ):
        client = await streaming(here.url)
        group.create_task(during(client), name="client")

    assert said == [event("b", "stop") + DONE]
    assert (refused[0].status, refused[0].error()["code"]) == (503, "shutting_down")
    assert "retry-after" in refused[0].headers


async def test_a_stream_that_outlasts_the_patience_is_told_so(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    async with upstream(waiting(go_on)) as up, asyncio.TaskGroup() as group:
        async with gateway(face("one", up.url), config=IMPATIENT, tmp_path=tmp_path) as here:
            client = await streaming(here.url)
            left = group.create_task(rest(client), name="client")
        go_on.set()

    assert b'"shutting_down"' in left.result()
    assert b"[DONE]" not in left.result()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_what_the_first_one_waits_for(
    tmp_path: Path, number: signal.Signals
) -> None:
    go_on = asyncio.Event()
    async with upstream(waiting(go_on)) as up:
        config = "[server]\ndrain_timeout_seconds = 3600\n[[backends]]\n"
        config += f'name = "one"\nurl = "{up.url}"\ntype = "generic"\n'
        async with process(tmp_path, config) as (url, child):
            while (await ask(url, request(body=chat(model="none")))).status == 503:
                pass  # its backend has not been seen yet
            client = await streaming(url)
            child.send_signal(number)
            while (await ask(url, request(body=chat(model="none")))).status != 503:
                pass  # it has not heard yet
            child.send_signal(number)
            left = await rest(client)
            _, errors = await asyncio.wait_for(child.communicate(), 10)
        go_on.set()

    assert b'"shutting_down"' in left
    assert child.returncode == 0
    assert b"a second signal ends them" in errors


async def test_a_request_without_an_answer_yet_is_told_so(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()

    async with upstream(script) as up, asyncio.TaskGroup() as group:
        async with gateway(face("one", up.url), config=IMPATIENT, tmp_path=tmp_path) as here:
            asked = group.create_task(ask(here.url, request(body=chat())), name="client")
            await until(lambda: up.got)
        go_on.set()

    assert (asked.result().status, asked.result().error()["code"]) == (503, "shutting_down")


async def test_a_failure_inside_still_stops_everything() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(BaseExceptionGroup) as caught:
        async with upstream(answer(reply())) as up, gateway(face("one", up.url)):
            raise KeyError("inside")

    assert caught.group_contains(KeyError)
    await until(lambda: asyncio.all_tasks() <= before)


async def test_watchers_are_let_go() -> None:
    async with (
        asyncio.timeout(10),
        upstream(answer(reply())) as up,
        asyncio.TaskGroup() as group,
        gateway(face("one", up.url)) as here,
    ):
        first = asyncio.Event()

        async def watch() -> list[object]:
            seen: list[object] = []
            async for update in here.control.view.updates():
                seen.append(update)
                first.set()
            return seen

        watching = group.create_task(watch(), name="watcher")
        await first.wait()

    assert isinstance(watching.result()[0], FleetSeen)
