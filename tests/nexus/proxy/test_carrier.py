"""The data path, through the real gateway, against upstreams that do exactly what a test says."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncGenerator

import pytest

from nexus.domain.backend import BackendType
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.history import Wanted
from nexus.errors import NoBackend, UpstreamBroken, ZoneViolation
from nexus.runtime import Gateway
from tests.fakes.client import CHAT, Client, Reply, ask, chat, request
from tests.fakes.gateway import face, finished, free_port, gateway
from tests.fakes.upstream import (
    DONE,
    LAST_CHUNK,
    STREAM_HEAD,
    Script,
    Upstream,
    answer,
    chunk,
    event,
    reply,
    upstream,
)

ANSWER = b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
WHOLE_STREAM = (
    STREAM_HEAD
    + chunk(event("a"))
    + chunk(event("b") + event("c"))
    + chunk(event("", "stop"))
    + chunk(DONE)
    + LAST_CHUNK
)


@contextlib.asynccontextmanager
async def over(script: Script, **settings: object) -> AsyncGenerator[tuple[Gateway, Upstream]]:
    """A gateway over one scripted upstream called `one`."""
    async with upstream(script) as up, gateway(face("one", up.url), **settings) as here:  # type: ignore[arg-type]
        yield here, up


def at_rest(here: Gateway) -> bool:
    """Every lease given back, every connection idle."""
    loads = [here.control.view.load(id) for id in here.control.view.fleet().backends]
    pools = [here.pools.pool(b.face) for b in here.control.view.fleet().backends.values()]
    return not any(load.pending for load in loads) and not any(pool.in_use for pool in pools)


async def until(condition: object) -> None:
    """Give the loop turns until `condition()` holds."""
    async with asyncio.timeout(5):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.005)


# ---- bytes


async def test_a_unary_body_arrives_as_it_was_sent() -> None:
    odd = b'{ "id" : "x",\n  "choices":[],"unknown":{"\\u00e9":1.50}, "model":"other" }\n'
    async with over(answer(reply(odd))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (200, odd)
    assert got.headers["content-length"] == str(len(odd))


async def test_a_stream_arrives_as_it_was_sent() -> None:
    async with over(answer(WHOLE_STREAM)) as (here, _):
        got = await ask(here.url, request(body=chat(stream=True)))

    assert got.body == event("a") + event("b") + event("c") + event("", "stop") + DONE
    assert got.headers["content-type"] == "text/event-stream"


async def test_the_request_reaches_the_backend_as_the_client_sent_it() -> None:
    body = b'{"model":"m", "messages" : [],"stop":"x","new_field":{"a":[1,2.50]},"stream":false}'
    async with over(answer(reply(ANSWER))) as (here, up):
        await ask(here.url, request(raw=body, headers="content-type: application/json\r\n"))

    assert up.got[0].body == body


async def test_the_backend_never_sees_the_clients_credentials_cookies_or_host() -> None:
    private = (
        "content-type: application/json\r\nauthorization: Bearer secret\r\ncookie: a=b\r\n"
        "x-api-key: secret\r\n"
    )
    async with over(answer(reply(ANSWER))) as (here, up):
        await ask(here.url, request(body=chat(), headers=private))

    assert "secret" not in str(up.got[0].headers)
    assert "cookie" not in up.got[0].headers
    assert up.got[0].headers["host"] == up.url.removeprefix("http://")


async def test_the_configured_key_is_shown_to_the_backend() -> None:
    async with (
        upstream(answer(reply(ANSWER))) as up,
        gateway(face("one", up.url, api_key_env="THE_KEY"), environ={"THE_KEY": "k1"}) as here,
    ):
        await ask(here.url, request(body=chat()))

    assert up.got[0].headers["authorization"] == "Bearer k1"


async def test_headers_say_where_the_answer_came_from_before_its_first_byte() -> None:
    go_on = asyncio.Event()

    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))  # nothing goes out before a first event
        await writer.drain()
        await go_on.wait()
        writer.write(chunk(event("", "stop")) + chunk(DONE) + LAST_CHUNK)

    async with over(script) as (here, _):
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=True)))
        async with asyncio.timeout(10):
            _, headers = await client.head()
        go_on.set()
        client.close()

    assert headers["x-nexus-backend"] == "one"
    assert headers["x-nexus-backend-type"] == "local"
    assert headers["x-nexus-route-reason"] == "capability-match"
    assert headers["x-nexus-privacy-zone"] == "restricted"
    assert headers["x-nexus-request-id"].startswith("req-")


async def test_a_backend_cannot_speak_in_the_gateways_name() -> None:
    lying = "content-type: application/json\r\nx-nexus-backend: other\r\nx-request-id: r1\r\n"
    async with over(answer(reply(ANSWER, headers=lying))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert got.headers["x-nexus-backend"] == "one"
    assert got.headers["x-request-id"] == "r1"


async def test_headers_of_one_connection_do_not_pass() -> None:
    hops = (
        "content-type: application/json\r\nconnection: x-secret, close\r\nx-secret: 1\r\n"
        "keep-alive: timeout=1\r\n"
    )
    async with over(answer(reply(ANSWER, headers=hops))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert not {"x-secret", "keep-alive", "connection"} & set(got.headers)


@pytest.mark.parametrize("accepts", ["accept-encoding: gzip\r\n", ""])
async def test_a_gzip_answer_stays_gzip_only_for_a_client_that_reads_it(accepts: str) -> None:
    packed = gzip.compress(ANSWER)
    lines = "content-type: application/json\r\ncontent-encoding: gzip\r\n"
    async with over(answer(reply(packed, headers=lines))) as (here, _):
        got = await ask(
            here.url,
            request(body=chat(), headers=f"content-type: application/json\r\n{accepts}"),
        )

    assert got.headers.get("content-encoding") == ("gzip" if accepts else None)
    assert (gzip.decompress(got.body) if accepts else got.body) == ANSWER


JSON = "content-type: application/json\r\n"
SSE = "content-type: text/event-stream\r\ncontent-encoding: gzip\r\n"
USED = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}\n\n'


async def test_a_compressed_stream_is_watched_like_any_other() -> None:
    whole = gzip.compress(event("a") + event("", "stop") + USED + DONE)
    early = gzip.compress(event("a"))
    async with over(answer(reply(whole, headers=SSE))) as (here, up):
        read = request(body=chat(stream=True), headers=JSON + "accept-encoding: gzip\r\n")
        got = await ask(here.url, read)
        (told,) = await here.control.requests.recent(Wanted())
        up.script = answer(reply(early, headers=SSE))
        cut = await ask(here.url, read)

    assert got.body.endswith(USED + DONE)
    assert "content-encoding" not in got.headers
    assert (told["prompt_tokens"], told["completion_tokens"]) == (3, 5)
    assert cut.body.startswith(event("a"))
    assert b"ended the stream before" in cut.body


@pytest.mark.parametrize("packed", [gzip.compress(ANSWER)[:-9], b"not gzip at all"])
async def test_damaged_gzip_is_a_clear_502(packed: bytes) -> None:
    lines = "content-type: application/json\r\ncontent-encoding: gzip\r\n"
    async with over(answer(reply(packed, headers=lines))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status == 502 and b"gzip data" in got.body) or not got.complete


@pytest.mark.parametrize("accepts", ["accept-encoding: gzip, br\r\n", ""])
async def test_a_coding_that_the_client_does_not_read_is_no_answer(accepts: str) -> None:
    lines = "content-type: application/json\r\ncontent-encoding: br\r\n"
    async with over(answer(reply(b"\x0b\x02\x80", headers=lines))) as (here, _):
        got = await ask(here.url, request(body=chat(), headers=JSON + accepts))

    assert got.status == (200 if accepts else 502)
    assert (got.body == b"\x0b\x02\x80") is bool(accepts)
    assert accepts or b"answered in 'br', which nobody asked for" in got.body


async def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(ANSWER, length=False))
        await writer.drain()
        writer.close()

    async with over(script) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body, got.complete) == (200, ANSWER, True)


async def test_early_hints_and_continue_are_not_the_answer() -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n"
    async with over(answer(hints + reply(ANSWER))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (200, ANSWER)
    assert "link" not in got.headers


async def test_a_4xx_passes_untouched_and_is_not_tried_elsewhere() -> None:
    said = b'{"error":{"message":"bad temperature","type":"x","param":"temperature","code":400}}'
    async with (
        upstream(answer(reply(said, "400 Bad Request"))) as bad,
        upstream(answer(reply(ANSWER))) as good,
        gateway(face("bad", bad.url, priority=1), face("good", good.url, priority=90)) as here,
    ):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (400, said)
    assert good.got == []


# ---- connections


async def test_connections_to_a_backend_are_used_again() -> None:
    async with over(answer(reply(ANSWER))) as (here, up):
        before = up.connections
        for _ in range(5):
            await ask(here.url, request(body=chat()))

        assert up.connections - before == 1


async def test_bytes_after_an_answer_never_become_the_next_answer() -> None:
    """faults.md 0.8: a forged second answer behind the first poisoned the pool of two clients."""
    forged = reply(b'{"forged":true}')
    async with over(answer(reply(ANSWER) + forged)) as (here, _):
        bodies = [(await ask(here.url, request(body=chat()))).body for _ in range(3)]

    assert bodies == [ANSWER] * 3


async def test_a_connection_that_went_stale_is_replaced_without_the_client_noticing() -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(ANSWER))
        await writer.drain()
        if len(up.got) == 1:
            script_closes.append(writer)

    script_closes: list[asyncio.StreamWriter] = []
    async with over(script) as (here, up):
        await ask(here.url, request(body=chat()))
        script_closes[0].transport.abort()  # seen by the gateway only when it writes
        got = await ask(here.url, request(body=chat()))

    assert got.status == 200


async def test_a_second_request_on_the_same_connection_is_answered() -> None:
    async with over(answer(reply(ANSWER))) as (here, _):
        client = await Client.to(here.url)
        replies: list[Reply] = []
        for _ in range(3):
            client.send(request(body=chat()))
            replies.append(await client.reply())
        client.close()

    assert [r.status for r in replies] == [200, 200, 200]


async def test_pipelined_requests_are_answered_in_order() -> None:
    async def script(got: Upstream, reader: object, writer: asyncio.StreamWriter) -> None:
        text = json.dumps({"id": got.json()["user"], "choices": []})  # type: ignore[attr-defined]
        writer.write(reply(text.encode()))

    async with over(script) as (here, _):
        client = await Client.to(here.url)
        listing = request("/v1/models", method="GET", headers="")
        client.send(request(body=chat(user="1")) + listing + request(body=chat(user="2")) + listing)
        replies = [await client.reply() for _ in range(4)]
        client.close()

    assert [r.json().get("id", r.json().get("object")) for r in replies] == [
        "1",
        "list",
        "2",
        "list",
    ]


# ---- failures


async def test_a_refused_connection_moves_to_the_next_backend() -> None:
    async with (
        upstream(answer(reply(ANSWER))) as dying,
        upstream(answer(reply(ANSWER))) as good,
        gateway(face("dying", dying.url, priority=1), face("good", good.url, priority=90)) as here,
    ):
        dying_pool = here.pools.pool(here.control.backends.resolve("dying").face)
        dying_pool._port = free_port()  # nobody listens there any more
        dying_pool.close()
        got = await ask(here.url, request(body=chat()))

    assert got.status == 200
    assert got.headers["x-nexus-backend"] == "good"
    assert got.headers["x-nexus-route-reason"] == "failover"


@pytest.mark.parametrize("status", ["500 X", "502 X", "503 X", "429 X"])
async def test_a_failing_backend_is_passed_over(status: str) -> None:
    async with (
        upstream(answer(reply(b'{"error":"x"}', status))) as bad,
        upstream(answer(reply(ANSWER))) as good,
        gateway(face("bad", bad.url, priority=1), face("good", good.url, priority=90)) as here,
    ):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (200, ANSWER)
    assert len(bad.got) == 1


async def test_when_all_fail_the_client_gets_the_first_backends_own_words() -> None:
    said = b'{"error":{"message":"out of memory"}}'
    async with (
        upstream(answer(reply(said, "500 X"))) as bad,
        upstream(answer(reply(b"{}", "503 X"))) as worse,
        gateway(face("bad", bad.url, priority=1), face("worse", worse.url, priority=90)) as here,
    ):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (500, said)
    assert got.headers["x-nexus-backend"] == "bad"


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"\x00\x01garbage\r\n\r\n", "not HTTP"),
        (reply(b"<html>login</html>", headers="content-type: text/html\r\n"), "text/html"),
        (reply(b"hello", headers="content-type: application/json\r\n"), "not JSON"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 70_000 + b"\r\n\r\n", ""),
    ],
    ids=["not http", "html", "not json", "upgrade", "huge head"],
)
async def test_garbage_from_a_backend_is_a_clear_502(sent: bytes, why: str) -> None:
    async with over(answer(sent)) as (here, _):
        got = await ask(here.url, request(body=chat()))
        await until(lambda: at_rest(here))

    assert got.status == 502
    assert "'one'" in str(got.error()["message"])
    assert why in str(got.error()["message"])


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (reply(b"", "307 X", "location: http://127.0.0.1:9/\r\n"), "a redirect (HTTP 307)"),
        (reply(b"", "204 No Content", "", length=False), "nothing (HTTP 204)"),
        (reply(b'{"error":{"message":"no such path"}}'), "an error: no such path"),
        (reply(b'\n{"error" :"no such path"}'), "an error: no such path"),
        (reply(b"<h1>Bad gateway</h1>", "502 X", "content-type: text/html\r\n"), "Bad gateway"),
        (reply(b"Internal Server Error", "500 X", "content-type: text/plain\r\n"), "HTTP 500"),
    ],
)
async def test_what_is_no_answer_moves_on_and_is_a_clear_error_where_nobody_else_is(
    sent: bytes, why: str
) -> None:
    async with upstream(answer(sent)) as bad, upstream(answer(reply(ANSWER))) as good:
        async with gateway(face("bad", bad.url)) as here:
            alone = await ask(here.url, request(body=chat()))
        faces = face("bad", bad.url, priority=0), face("good", good.url, priority=100)
        async with gateway(*faces) as here:
            got = await ask(here.url, request(body=chat()))

    assert (alone.status, alone.headers["content-type"]) == (
        500 if "HTTP 500" in why else 502,
        "application/json",
    )
    assert why in str(alone.error()["message"])
    assert "location" not in alone.headers
    assert (got.status, got.body, got.headers["x-nexus-tried"]) == (200, ANSWER, "bad")


async def test_an_error_beside_an_answer_is_left_to_the_client() -> None:
    beside = b'{"error":null,"choices":[{"message":{"content":"hi"}}]}'
    async with over(answer(reply(beside))) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (200, beside)


async def test_a_backend_that_closes_without_an_answer_is_a_clear_502() -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with over(script) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert got.status == 502
    assert got.error()["code"] == "upstream_unreachable"


async def test_silence_before_the_answer_is_a_504(tmp_path: object) -> None:
    async def script(got: object, reader: asyncio.StreamReader, writer: object) -> None:
        await reader.read(1)  # until the gateway gives up

    config = "[server]\nfirst_byte_timeout_seconds = 1\n"
    async with over(script, config=config, tmp_path=tmp_path) as (here, up):
        got = await ask(here.url, request(body=chat()))
        await asyncio.wait_for(up.closed_by_client.wait(), 5)

    assert got.status == 504
    assert got.error()["code"] == "upstream_timeout"


@pytest.mark.parametrize("half", [b"", event("b")[:40]], ids=["between events", "inside an event"])
async def test_a_stream_that_breaks_ends_with_one_error_event_and_no_done(half: bytes) -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")) + (chunk(half) if half else b""))
        await writer.drain()
        writer.transport.abort()

    async with over(script) as (here, _):
        watch = asyncio.ensure_future(finished(here))
        await asyncio.sleep(0)
        got = await ask(here.url, request(body=chat(stream=True)))
        (ended,) = await watch

    assert got.complete
    assert got.body.startswith(event("a"))
    last = got.body.removeprefix(event("a"))
    assert last.startswith(b'data: {"error": {')
    assert last.endswith(b"\n\n")
    assert last.count(b"data:") == 1
    assert ended.is_error


async def test_a_stream_that_ends_politely_but_too_early_is_an_error() -> None:
    """faults.md 0.4: the SDK takes a clean end without a finish for success."""
    cut = STREAM_HEAD + chunk(event("a")) + LAST_CHUNK
    async with over(answer(cut)) as (here, _):
        got = await ask(here.url, request(body=chat(stream=True)))

    assert b'"error"' in got.body
    assert b"[DONE]" not in got.body


async def test_a_stream_without_done_but_with_a_finish_is_whole() -> None:
    stream = STREAM_HEAD + chunk(event("a")) + chunk(event("", "stop")) + LAST_CHUNK
    async with over(answer(stream)) as (here, _):
        got = await ask(here.url, request(body=chat(stream=True)))

    assert got.body == event("a") + event("", "stop")


async def test_a_stalled_stream_ends_with_an_error_event(tmp_path: object) -> None:
    async def script(got: object, reader: asyncio.StreamReader, writer: object) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))  # type: ignore[attr-defined]
        await reader.read(1)

    config = "[server]\nidle_timeout_seconds = 1\n"
    async with over(script, config=config, tmp_path=tmp_path) as (here, up):
        got = await ask(here.url, request(body=chat(stream=True)))
        await asyncio.wait_for(up.closed_by_client.wait(), 5)

    assert b"upstream_timeout" in got.body


async def test_a_unary_answer_that_breaks_is_cut_and_not_completed() -> None:
    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(ANSWER)[:-10])
        await writer.drain()
        await asyncio.sleep(0.05)  # so that a part has been relayed
        writer.transport.abort()

    async with over(script) as (here, _):
        got = await ask(here.url, request(body=chat()))
        await until(lambda: at_rest(here))

    assert not got.complete


# ---- clients that leave


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("when", ["waiting", "midway"])
async def test_a_client_that_leaves_frees_the_backend(stream: bool, when: str) -> None:
    arrived = asyncio.Event()

    async def script(got: object, reader: asyncio.StreamReader, writer: object) -> None:
        if when == "midway":
            start = STREAM_HEAD + chunk(event("a")) if stream else reply(ANSWER)[:-10]
            writer.write(start)  # type: ignore[attr-defined]
        arrived.set()
        await reader.read(1)

    async with over(script) as (here, up):
        watch = asyncio.ensure_future(finished(here))
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=stream)))
        await asyncio.wait_for(arrived.wait(), 5)
        if when == "midway":
            await client.head()
        client.writer.transport.abort()
        await asyncio.wait_for(up.closed_by_client.wait(), 5)
        (ended,) = await watch
        await until(lambda: at_rest(here))

    assert ended.status == 499
    assert not ended.is_error


async def test_a_client_that_leaves_inside_its_own_body_disturbs_nothing() -> None:
    async with over(answer(reply(ANSWER))) as (here, up):
        client = await Client.to(here.url)
        client.send(request(body=chat())[:-5])
        await client.writer.drain()
        client.writer.transport.abort()
        got = await ask(here.url, request(body=chat()))

    assert got.status == 200
    assert len(up.got) == 1


# ---- slow readers


async def test_a_slow_reader_slows_the_backend_and_loses_nothing() -> None:
    piece = b"data: " + b"x" * 16_000 + b"\n\n"
    pieces = 1_000
    sent = 0

    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(STREAM_HEAD)
        for _ in range(pieces):
            writer.write(chunk(piece))
            await writer.drain()
            sent += 1
        writer.write(chunk(event("", "stop")) + chunk(DONE) + LAST_CHUNK)

    async with over(script) as (here, _):
        client = await Client.to(here.url)
        client.send(request(body=chat(stream=True)))
        await client.head()
        before = -1
        while sent != before:  # until the backend is held
            before = sent
            await asyncio.sleep(0.2)
        held_at = sent
        total = 0
        while data := await client.chunk():
            total += len(data)
        client.close()

    assert held_at < pieces
    assert total == pieces * len(piece) + len(event("", "stop")) + len(DONE)


# ---- a unary answer put together from a stream (llama.cpp)


async def test_llamacpp_is_asked_for_a_stream_and_the_client_gets_one_answer() -> None:
    async with (
        upstream(answer(WHOLE_STREAM)) as up,
        gateway(face("one", up.url, BackendType.LLAMACPP)) as here,
    ):
        got = await ask(here.url, request(body=chat()))

    assert up.got[0].json()["stream"] is True
    message = got.json()["choices"][0]["message"]  # type: ignore[index]
    assert message["content"] == "abc"
    assert got.json()["object"] == "chat.completion"
    assert got.headers["content-type"].startswith("application/json")


async def test_a_stream_that_nobody_asked_for_is_one_answer() -> None:
    async with over(answer(WHOLE_STREAM)) as (here, _):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert got.json()["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "abc"}, "finish_reason": "stop"}
    ]


async def test_an_answer_without_the_stream_that_was_asked_for_is_one_event() -> None:
    used = ANSWER[:-1] + b',"usage":{"prompt_tokens":3,"completion_tokens":5}}'
    async with over(answer(reply(used))) as (here, up):
        got = await ask(here.url, request(body=chat(stream=True)))
        (told,) = await here.control.requests.recent(Wanted())
        up.script = answer(reply(b'{"object":"list"}'))
        odd = await ask(here.url, request(body=chat(stream=True)))

    first, last = got.body.split(b"\n\n", 1)
    assert (got.headers["content-type"], last) == ("text/event-stream", DONE)
    assert json.loads(first.removeprefix(b"data: "))["choices"] == [
        {"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}
    ]
    assert (told["prompt_tokens"], told["completion_tokens"]) == (3, 5)
    assert (odd.status, odd.error()["code"]) == (502, "upstream_broken")


async def test_a_stream_that_breaks_while_put_together_moves_on() -> None:
    cut = STREAM_HEAD + chunk(event("a")) + LAST_CHUNK
    async with (
        upstream(answer(cut)) as bad,
        upstream(answer(reply(ANSWER))) as good,
        gateway(
            face("bad", bad.url, BackendType.LLAMACPP, priority=1),
            face("good", good.url, priority=90),
        ) as here,
    ):
        got = await ask(here.url, request(body=chat()))

    assert (got.status, got.body) == (200, ANSWER)


async def test_words_of_a_backend_that_may_quote_a_prompt_reach_the_client_and_no_record() -> None:
    quoting = b'data: {"error": {"message": "cannot parse: my secret"}}\n\n'
    async with (
        upstream(answer(STREAM_HEAD + chunk(quoting) + LAST_CHUNK)) as up,
        gateway(face("one", up.url, BackendType.LLAMACPP)) as here,
    ):
        got = await ask(here.url, request(body=chat()))
        account = here.control.requests.recent  # whatever it keeps is told there
        (kept,) = await account(Wanted(), 1)
        whole = await here.control.requests.story(str(kept["request_id"]))
        reason = here.control.backends.resolve("one").reason

    assert got.status == 502
    assert "cannot parse: my secret" in got.json()["error"]["message"]  # type: ignore[index]
    assert "secret" not in str(whole)
    assert "secret" not in reason


# ---- books


async def test_a_hundred_at_once_are_all_answered_and_the_books_balance() -> None:
    async with over(answer(WHOLE_STREAM)) as (here, _):
        watch = asyncio.ensure_future(finished(here, 100))
        await asyncio.sleep(0)
        replies = await asyncio.gather(
            *(ask(here.url, request(body=chat(stream=True))) for _ in range(100))
        )
        await watch
        load = here.control.view.load(here.control.backends.resolve("one").id)

    assert {r.status for r in replies} == {200}
    assert (load.pending, load.total, load.errors) == (0, 100, 0)


@pytest.mark.parametrize(
    ("surprise", "status"),
    [
        (RuntimeError("a bug"), 500),
        (ZoneViolation("outside"), 503),
        (UpstreamBroken("odd"), 502),
        (NoBackend("gone"), 503),
    ],
)
async def test_the_end_of_a_request_is_told_once_however_it_fails(
    monkeypatch: pytest.MonkeyPatch, surprise: Exception, status: int
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise surprise

    async def ends(here: Gateway) -> list[str]:
        told: list[str] = []
        async for update in here.control.view.updates():
            if isinstance(update, RequestFinished | RequestRefused):
                told.append(f"{update.request_id} {update.status}")
                if len(told) == 2:
                    break
        return told

    async with over(answer(reply(ANSWER))) as (here, _):
        watch = asyncio.ensure_future(ends(here))
        await asyncio.sleep(0)
        with monkeypatch.context() as patch:
            patch.setattr("nexus.proxy.carrier.attempt", fails)
            failed = await ask(here.url, request(body=chat()))
        served = await ask(here.url, request(body=chat()))
        async with asyncio.timeout(5):
            told = await watch

    assert (failed.status, served.status) == (status, 200)
    assert told == [f"{r.headers['x-nexus-request-id']} {r.status}" for r in (failed, served)]


async def test_more_than_the_configured_number_in_flight_is_refused(tmp_path: object) -> None:
    async def script(got: object, reader: asyncio.StreamReader, writer: object) -> None:
        await reader.read(1)

    config = "[server]\nmax_concurrent_requests = 1\n"
    async with over(script, config=config, tmp_path=tmp_path) as (here, up):
        first = await Client.to(here.url)
        first.send(request(body=chat()))
        await until(lambda: up.got)
        got = await ask(here.url, request(body=chat()))
        first.close()

    assert got.status == 503
    assert got.headers["retry-after"] == "1"


async def test_draining_stops_new_work_and_not_what_runs() -> None:
    go_on = asyncio.Event()

    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        await go_on.wait()
        writer.write(reply(ANSWER))

    async with over(script) as (here, up):
        running = asyncio.ensure_future(ask(here.url, request(body=chat())))
        await until(lambda: up.got)
        await here.control.backends.drain(here.control.backends.resolve("one").id)
        refused = await ask(here.url, request(body=chat()))
        go_on.set()
        finished_reply = await running

    assert refused.status == 503
    assert "drain" in str(refused.json())
    assert finished_reply.status == 200


async def test_stopping_lets_a_stream_finish() -> None:
    go_on = asyncio.Event()

    async def script(got: object, reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))
        await writer.drain()
        await go_on.wait()
        writer.write(chunk(event("", "stop")) + chunk(DONE) + LAST_CHUNK)

    async with upstream(script) as up:
        async with gateway(face("one", up.url)) as here:
            running = asyncio.ensure_future(ask(here.url, request(body=chat(stream=True))))
            await until(lambda: up.got)
            asyncio.get_running_loop().call_later(0.2, go_on.set)
        got = await running

    assert got.body.endswith(DONE)


async def test_stopping_tells_a_stream_that_takes_too_long(tmp_path: object) -> None:
    async def script(got: object, reader: asyncio.StreamReader, writer: object) -> None:
        writer.write(STREAM_HEAD + chunk(event("a")))  # type: ignore[attr-defined]
        await reader.read(1)

    config = "[server]\ndrain_timeout_seconds = 0\n"
    async with upstream(script) as up:
        async with gateway(face("one", up.url), config=config, tmp_path=tmp_path) as here:  # type: ignore[arg-type]
            client = await Client.to(here.url)
            client.send(request(CHAT, chat(stream=True)))
            await client.head()
            assert await client.chunk() == event("a")
        rest = await client.chunk()
        client.close()

    assert b"shutting_down" in rest
