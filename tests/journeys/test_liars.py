"""The whole gateway over servers that lie to its checks: bounded, cleaned, said once."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nexus.domain.backend import Backend, BackendId, BackendStatus
from nexus.domain.gateway import NewBackend
from nexus.domain.text import clean
from nexus.runtime import Gateway
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.upstream import answer, reply, upstream

QUICK = "[health_check]\ninterval_seconds = 1\ntimeout_seconds = 1\n"
EVIL = "\x1b]0;owned\x07\u202eevil"
OK = BackendStatus.HEALTHY


def listing(*ids: str, **more: object) -> bytes:
    return json.dumps({"object": "list", "data": [{"id": id, **more} for id in ids]}).encode()


def packed(body: bytes) -> bytes:
    return reply(gzip.compress(body, 9), headers="content-encoding: gzip\r\n")


@dataclass
class Liar:
    """Answers every request with the same bytes, and drips them where that is its way."""

    raw: bytes
    drips: bool = False
    url: str = ""
    asked: list[str] = field(default_factory=list[str])


@contextlib.asynccontextmanager
async def lying(liar: Liar) -> AsyncGenerator[Liar]:
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            liar.asked.append(head.split(b"\r\n")[0].decode())
            writer.write(liar.raw)
            await writer.drain()
            while liar.drips:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()  # closing would wait until somebody reads the rest

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    liar.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield liar
    finally:
        server.close()
        # One that drips may not have seen yet that nobody listens. Left open it is told of when it
        # is collected, in the midst of another test.
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)  # what was closed is gone with the next turn of the loop


def seen(here: Gateway) -> Backend:
    return here.control.view.fleet().backends[BackendId("liar")]


@pytest.mark.parametrize(
    ("liar", "status", "why"),
    [
        (Liar(reply(b"<html>hi", headers="content-type: text/html\r\n")), OK, "not readable JSON"),
        (Liar(reply(b'{"error": "Unexpected endpoint"}')), BackendStatus.UNHEALTHY, "another kind"),
        (Liar(packed(bytes(64 << 20))), BackendStatus.UNHEALTHY, "longer than 8 MB"),
        (
            Liar(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", drips=True),
            BackendStatus.STALLED,
            "did not end within 1 s",
        ),
        (Liar(b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 99_999), BackendStatus.UNHEALTHY, "head is too"),
        (Liar(reply(EVIL.encode(), "500 Oops")), BackendStatus.UNHEALTHY, "HTTP 500"),
        (
            Liar(reply(json.dumps({"error": {"message": EVIL}}).encode(), "500 Oops")),
            BackendStatus.UNHEALTHY,
            "HTTP 500",
        ),
    ],
    ids=["web page", "200 with an error", "gzip bomb", "drip", "endless head", "noise", "escapes"],
)
async def test_a_liar_is_set_aside_with_a_clean_reason_and_said_once(
    liar: Liar,
    status: BackendStatus,
    why: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    liar = Liar(liar.raw, liar.drips)
    honest = upstream(answer(reply(b'{"id":"c1","choices":[]}')), ["m"])
    with caplog.at_level(logging.INFO, logger="nexus"):
        async with lying(liar), honest as good:
            faces = face("liar", liar.url), face("good", good.url)
            async with gateway(*faces, config=QUICK, tmp_path=tmp_path) as here:
                for _ in range(3):
                    await here.control.backends.check(BackendId("liar"))
                assert (await ask(here.url, request(body=chat()))).status == 200
                found = seen(here)
    assert found.status is status
    assert why in found.reason
    assert clean(found.reason) == found.reason
    told = [line for line in caplog.messages if line.startswith("backend liar")]
    assert len(told) <= 1
    assert len(liar.asked) < 30


async def test_a_redirect_is_followed_nowhere(tmp_path: Path) -> None:
    async with lying(Liar(reply(listing("m")))) as elsewhere:
        away = reply(b"", "302 Found", f"location: {elsewhere.url}/v1/models\r\n")
        async with (
            lying(Liar(away)) as liar,
            gateway(face("liar", liar.url), config=QUICK, tmp_path=tmp_path) as here,
        ):
            found = seen(here)
            named, evidence = await here.control.backends.register(
                NewBackend(liar.url + "/x", name="again")
            )
    assert elsewhere.asked == []
    assert (found.status, found.models) == (BackendStatus.UNHEALTHY, ())
    assert f"redirects to {elsewhere.url}" in found.reason
    assert (named.models, evidence) == ((), "nothing known answers there yet")


async def test_a_list_of_ten_thousand_is_cut_and_that_is_said() -> None:
    long = listing(*(f"model-{n}" for n in range(10_000)), owned_by=EVIL)
    async with lying(Liar(reply(long))) as liar, gateway(face("liar", liar.url)) as here:
        found = seen(here)
        assert (found.status, len(found.models)) == (OK, 5000)
        assert found.reason == "lists more models than are kept: 5000"
        listed = await ask(here.url, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(json.loads(listed.body)["data"]) == 5000


async def test_names_that_would_act_on_a_terminal_are_not_models() -> None:
    names = listing("good", EVIL, "\x1b[2J", "a\nb", "\u202egood", "x" * 4000)
    async with lying(Liar(reply(names))) as liar, gateway(face("liar", liar.url)) as here:
        assert [model.id for model in seen(here).models] == ["good"]
