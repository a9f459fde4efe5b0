"""Both doors, one behaviour: the protocol door, and plain ASGI under a stock uvicorn."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib

import pytest

from tests.fakes.client import CHAT, Client, ask, chat, request
from tests.fakes.doors import Opener, asgi_door, protocol_door, refused, until
from tests.fakes.gateway import free_port
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

ANSWER = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
STREAM = STREAM_HEAD + chunk(event("a")) + chunk(event("", "stop")) + chunk(DONE) + LAST_CHUNK
JSON = "content-type: application/json\r\n"

both = pytest.mark.parametrize("door", [protocol_door, asgi_door], ids=["protocol", "asgi"])


def beginning(data: bytes) -> Script:
    """Sends some bytes and then nothing, until its client leaves."""

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        await reader.read(1)

    return script


@both
@pytest.mark.parametrize("path", [CHAT, "/chat/completions", "/v1/completions", "/embeddings"])
async def test_a_unary_answer_comes_as_it_was_sent(door: Opener, path: str) -> None:
    body = {**chat(), "prompt": "x", "input": "x"}
    async with upstream(answer(reply(ANSWER))) as up, door(up.url) as here:
        got = await ask(here.url, request(path, body=body))

    assert (got.status, got.body) == (200, ANSWER)
    assert got.headers["content-length"] == str(len(ANSWER))
    assert got.headers["x-nexus-backend"] == "b0"


@both
async def test_a_stream_comes_as_it_was_sent(door: Opener) -> None:
    async with upstream(answer(STREAM)) as up, door(up.url) as here:
        got = await ask(here.url, request(body=chat(stream=True)))

    assert got.body == event("a") + event("", "stop") + DONE
    assert got.headers["content-type"] == "text/event-stream"
    assert got.headers["x-accel-buffering"] == "no"


@both
async def test_the_head_and_the_first_event_do_not_wait_for_the_second(door: Opener) -> None:
    first = STREAM_HEAD + chunk(event("a"))
    async with upstream(beginning(first)) as up, door(up.url) as here:
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=True)))
        async with asyncio.timeout(5):
            await client.head()
            piece = await client.chunk()
        client.close()

    assert piece == event("a")


@both
async def test_a_stream_that_breaks_ends_with_an_error_event(door: Opener) -> None:
    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))
        await writer.drain()
        writer.close()

    async with upstream(script) as up, door(up.url) as here:
        got = await ask(here.url, request(body=chat(stream=True)))

    last = got.body.split(b"\n\n")[-2]
    assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "upstream_broken"
    assert b"[DONE]" not in got.body


@both
async def test_a_body_cut_short_is_cut_short_for_the_client_too(door: Opener) -> None:
    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(ANSWER)[:-10])
        await writer.drain()
        writer.close()

    async with upstream(script) as up, door(up.url) as here:
        got = await ask(here.url, request(body=chat()))

    assert not got.complete


@both
@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (request(raw=b"{"), 400, "invalid_request"),
        (request(raw=b""), 400, "invalid_request"),
        (request(body={"messages": []}), 400, "invalid_request"),
        (request(body={**chat(), "model": "other"}), 404, "model_not_found"),
        (request(body=chat(), headers=""), 415, "unsupported_media_type"),
        (
            request(body=chat(), headers="content-type: text/plain\r\n"),
            415,
            "unsupported_media_type",
        ),
        (
            request(body=chat(), headers=JSON + "content-encoding: br\r\n"),
            415,
            "unsupported_media_type",
        ),
        (request(raw=b"no", headers=JSON + "content-encoding: gzip\r\n"), 400, "invalid_request"),
        (request(raw=b"x" * 2000), 413, "payload_too_large"),
        (request(method="GET", headers=""), 405, "method_not_allowed"),
        (request("/v1/nothing"), 404, "not_found"),
    ],
    ids=range(11),
)
async def test_errors_have_one_shape(door: Opener, data: bytes, status: int, code: str) -> None:
    async with door("http://127.0.0.1:1", body_limit=1000) as here:
        got = await ask(here.url, data)

    assert (got.status, got.error()["code"]) == (status, code)
    assert got.error()["type"] == "invalid_request_error"
    assert got.headers["content-type"] == "application/json"


@both
async def test_a_refusal_is_told_with_the_id_that_the_client_was_given(door: Opener) -> None:
    async with door("http://127.0.0.1:1") as here:
        watcher = here.bus.reader()
        got = await ask(here.url, request(body={**chat(), "model": "other"}))
        (told,) = refused(list(watcher.take()[0]))

    assert told.request_id == got.headers["x-nexus-request-id"]
    assert (told.requested, told.status, told.code) == ("other", 404, "model_not_found")


@both
async def test_an_unreachable_backend_is_a_502_with_its_name(door: Opener) -> None:
    async with door(f"http://127.0.0.1:{free_port()}") as here:
        got = await ask(here.url, request(body=chat()))

        assert (got.status, got.error()["code"]) == (502, "upstream_unreachable")
        assert "b0" in str(got.error()["message"])
        assert here.at_rest()


@both
async def test_a_packed_request_reaches_the_backend_unpacked(door: Opener) -> None:
    body = json.dumps(chat()).encode()
    async with upstream(answer(reply(ANSWER))) as up, door(up.url) as here:
        for coding, packed in (("gzip", gzip.compress(body)), ("deflate", zlib.compress(body))):
            headers = f"{JSON}content-encoding: {coding}\r\n"
            got = await ask(here.url, request(raw=packed, headers=headers))
            assert got.status == 200

    assert [got.body for got in up.got] == [body, body]
    assert "content-encoding" not in up.got[0].headers


@both
async def test_a_request_that_unpacks_to_more_than_the_limit_is_refused(door: Opener) -> None:
    bomb = gzip.compress(b" " * 1_000_000)
    async with door("http://127.0.0.1:1", body_limit=10_000) as here:
        got = await ask(here.url, request(raw=bomb, headers=JSON + "content-encoding: gzip\r\n"))

    assert (got.status, got.error()["code"]) == (413, "payload_too_large")


@both
async def test_packed_data_cut_short_is_refused(door: Opener) -> None:
    packed = gzip.compress(json.dumps(chat(pad="x" * 500)).encode())[:-12]
    async with door("http://127.0.0.1:1") as here:
        got = await ask(here.url, request(raw=packed, headers=JSON + "content-encoding: gzip\r\n"))

    assert got.status == 400


@both
@pytest.mark.parametrize("begun", [b"", STREAM_HEAD, STREAM_HEAD + chunk(event("a"))], ids=range(3))
async def test_a_client_that_leaves_frees_the_backend(door: Opener, begun: bytes) -> None:
    async with upstream(beginning(begun)) as up, door(up.url) as here:
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=True)))
        await until(lambda: up.got)
        client.close()
        async with asyncio.timeout(5):
            await up.closed_by_client.wait()

        await until(here.at_rest)
        assert here.registry.seen().loads[up_id(here)].errors == 0


def up_id(here: object) -> object:
    """The id of the one backend."""
    (id,) = here.registry.fleet().backends  # type: ignore[attr-defined]
    return id


@both
async def test_a_slow_client_slows_its_backend_down(door: Opener) -> None:
    sent = 0

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(STREAM_HEAD)
        piece = chunk(event("x" * 60_000))
        try:
            while True:
                writer.write(piece)
                await writer.drain()
                sent += len(piece)
        except ConnectionError:
            pass

    async with upstream(script) as up, door(up.url) as here:
        client = await Client.to(here.url)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.send(request(body=chat(stream=True)))
        last = -1
        while sent != last or not sent:  # until nothing has moved for a while
            last = sent
            await asyncio.sleep(0.2)
        client.writer.transport.abort()
        await until(here.at_rest)

    assert sent < 40_000_000


@both
async def test_many_requests_at_once_get_their_own_answers(door: Opener) -> None:
    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(json.dumps({"echo": got.json()["n"]}).encode()))

    async with upstream(script) as up, door(up.url) as here:
        async with asyncio.TaskGroup() as group:
            asked = [
                group.create_task(ask(here.url, request(body=chat(n=n))), name=f"client {n}")
                for n in range(30)
            ]
        assert [task.result().json()["echo"] for task in asked] == list(range(30))
        await until(here.at_rest)


@both
@pytest.mark.parametrize("path", ["/", "/health", "/v1/models", "/v1/models/m", "/models/m"])
async def test_small_answers_come_from_memory(door: Opener, path: str) -> None:
    async with door("http://127.0.0.1:1") as here:
        got = await ask(here.url, request(path, method="GET", headers=""))

    assert got.status == 200
    assert got.headers["content-type"] == "application/json"


@both
async def test_a_dry_run_answers_the_decision_and_sends_nothing(door: Opener) -> None:
    async with upstream(answer(reply(ANSWER))) as up, door(up.url) as here:
        head = JSON + "x-nexus-dry-run: 1\r\n"
        got = await ask(here.url, request(CHAT, body=chat(), headers=head))
        asked, rested = list(up.got), here.at_rest()
        real = await ask(
            here.url, request(CHAT, body=chat(), headers=JSON + "x-nexus-dry-run: 0\r\n")
        )

    told = json.loads(got.body)
    assert got.status == 200
    assert told["decision"]["order"] == ["b0"]
    assert not asked
    assert rested
    assert real.body == ANSWER


@both
async def test_a_dry_run_of_what_would_be_refused_says_so_and_refuses_nothing(door: Opener) -> None:
    async with door(f"http://127.0.0.1:{free_port()}") as here:
        head = JSON + "x-nexus-dry-run: 1\r\n"
        got = await ask(here.url, request(CHAT, body=chat(model="absent"), headers=head))

    assert got.status == 200
    assert json.loads(got.body)["decision"]["outcome"] == "refused"
