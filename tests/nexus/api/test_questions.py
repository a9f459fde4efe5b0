"""Questions about requests are answered without FastAPI, and as FastAPI would answer them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

import nexus.api.control
from nexus.api.questions import COMPRESSED
from nexus.control.control import Control
from nexus.runtime import Gateway
from tests.fakes.client import ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.servers import GOOD
from tests.fakes.upstream import upstream

JSON = {"content-type": "application/json"}
Question = tuple[str, str, bytes, dict[str, str]]

PLAIN: list[Question] = [
    ("GET", "requests/{id}", b"", {}),
    ("GET", "requests/nobody-knows-me", b"", {}),
    ("POST", "what-if", b'{"drop":["a"]}', JSON),
    ("POST", "what-if", b'{"drop":["nobody"],"since_s":60}', JSON),
    ("POST", "what-if", b"{}", {"content-type": "application/json; charset=utf-8"}),
    ("POST", "policy/test", b'{"expect":[{"name":"stays","model":"m","never_zone":"open"}]}', JSON),
    ("POST", "policy/test", b'{"expect":[{"name":"odd","model":"m","lands_on":7}]}', JSON),
]
ODD: list[Question] = [
    ("GET", "requests/a/b", b"", {}),
    ("HEAD", "requests/{id}", b"", {}),
    ("DELETE", "requests/{id}", b"", {}),
    ("GET", "what-if", b"", {}),
    ("POST", "what-if", b"{broken", JSON),
    ("POST", "what-if", b"", JSON),
    ("POST", "what-if", b"[]", JSON),
    ("POST", "what-if", b'{"dorp":[]}', JSON),
    ("POST", "what-if", b'{"since_s":-1}', JSON),
    ("POST", "policy/test", b'{"expect":7}', JSON),
]


@pytest.fixture
async def here() -> AsyncIterator[Gateway]:
    async with (
        upstream(GOOD, ["m"]) as one,
        upstream(GOOD, ["m"]) as two,
        gateway(face("a", one.url), face("b", two.url)) as running,
    ):
        yield running


async def asked(here: Gateway) -> str:
    """The id of a request that went through."""
    return (await ask(here.url, request(body=chat()))).headers["x-nexus-request-id"]


async def said(client: httpx.AsyncClient, id_: str, question: Question) -> tuple[int, Any, str]:
    method, path, body, headers = question
    url = "/nexus/v1/" + path.format(id=id_)
    reply = await client.request(method, url, content=body, headers=headers)
    told = reply.json() if reply.content else None
    return reply.status_code, told, reply.headers["content-type"]


def over(here: Gateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=here.url, trust_env=False, timeout=15)


def fast_api(control: Control) -> httpx.AsyncClient:
    app = nexus.api.control.control_app(control)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://nexus")


@pytest.mark.parametrize("question", [*PLAIN, *ODD], ids=str)
async def test_a_question_is_answered_as_fastapi_would(here: Gateway, question: Question) -> None:
    id_ = await asked(here)
    async with over(here) as client, fast_api(here.control) as other:
        assert await said(client, id_, question) == await said(other, id_, question)


@pytest.mark.parametrize("question", PLAIN, ids=str)
async def test_a_plain_question_does_not_wait_for_fastapi(
    here: Gateway, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Control) -> None:
        raise AssertionError("imported")

    monkeypatch.setattr(nexus.api.control, "control_app", nothing)
    id_ = await asked(here)
    async with over(here) as client:
        status, _, _ = await said(client, id_, question)

    assert status < 500


async def test_a_long_answer_is_compressed_for_whoever_takes_that(here: Gateway) -> None:
    id_ = await asked(here)
    async with over(here) as client:
        url = f"/nexus/v1/requests/{id_}"
        packed = await client.get(url, headers={"accept-encoding": "br, gzip"})
        plain = await client.get(url, headers={"accept-encoding": "identity"})

    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < COMPRESSED
    assert "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert len(plain.content) >= COMPRESSED
