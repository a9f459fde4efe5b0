"""An operator ends a request: its client is told, its backend is let go, nothing is blamed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from nexus.domain.events import RequestFinished
from nexus.domain.history import Wanted
from nexus.runtime import Gateway
from tests.fakes.client import Client, chat, request
from tests.fakes.gateway import face, finished, gateway
from tests.fakes.upstream import STREAM_HEAD, Got, Script, Upstream, chunk, event, upstream

NOTHING = Wanted()
WHY = "cancelled by maria"


@contextlib.asynccontextmanager
async def over(script: Script) -> AsyncGenerator[tuple[Gateway, Upstream]]:
    async with upstream(script) as up, gateway(face("one", up.url)) as here:
        yield here, up


def speaking(first: bytes) -> Script:
    """Says something and then nothing, until its client leaves."""

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        await writer.drain()
        await reader.read()

    return script


async def running(here: Gateway) -> str:
    """The id of the one request, once its backend works on it."""
    async with asyncio.timeout(10):
        while not (
            ids := [r["request_id"] for r in await here.control.requests.recent(NOTHING, 1)]
        ):
            await asyncio.sleep(0.005)
        while not here.control.view.load(next(iter(here.control.view.fleet().backends))).pending:
            await asyncio.sleep(0.005)
    return str(ids[0])


async def ended(here: Gateway, client: Client) -> RequestFinished:
    """Cancel the one request and see its end."""
    async with asyncio.TaskGroup() as group:
        end = group.create_task(finished(here), name="the end")
        await asyncio.sleep(0)
        assert here.carrier.cancel(await running(here), WHY)
    (told,) = end.result()
    load = here.control.view.load(told.backend_id)
    assert (load.pending, load.errors) == (0, 0)
    assert here.control.backends.resolve("one").is_routable
    return told


async def test_a_stream_ends_with_an_event_that_says_who_and_no_done() -> None:
    async with over(speaking(STREAM_HEAD + chunk(event("a")))) as (here, up):
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=True)))
        await client.head()
        assert b"a" in await client.chunk()
        told = await ended(here, client)
        last = await client.chunk()

        assert b'"code": "cancelled"' in last
        assert WHY.encode() in last
        assert await client.chunk() == b""
        client.close()
        async with asyncio.timeout(5):
            await up.closed_by_client.wait()
    assert (told.status, told.error) == (200, WHY)


async def test_one_that_waits_for_its_backend_is_answered_and_not_repeated() -> None:
    async with over(speaking(b"")) as (here, up):
        client = await Client.to(here.url)
        client.send(request(body=chat()))
        told = await ended(here, client)
        reply = await client.reply()

        assert (reply.status, reply.error()["code"]) == (503, "cancelled")
        assert reply.headers["x-should-retry"] == "false"
        assert reply.error()["message"] == WHY
        client.close()
        async with asyncio.timeout(5):
            await up.closed_by_client.wait()
    assert told.status == 503


async def test_the_connection_of_its_client_goes_on() -> None:
    async with over(speaking(b"")) as (here, _):
        client = await Client.to(here.url)
        client.send(request(body=chat()))
        await ended(here, client)
        await client.reply()
        client.send(request("/health", method="GET"))

        assert (await client.reply()).status == 200
        client.close()


async def test_what_does_not_run_cannot_be_ended() -> None:
    async with over(speaking(b"")) as (here, _):
        assert not here.carrier.cancel("req-1-1", WHY)
