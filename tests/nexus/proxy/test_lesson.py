"""What an error teaches, and that it teaches only what was asked."""

from __future__ import annotations

import json

import pytest

from nexus.backends.error_kinds import ErrorKind, ErrorReading
from nexus.domain.backend import BackendStatus, BackendType
from nexus.domain.request import Endpoint
from nexus.proxy.lesson import lesson, may_be_bettered
from nexus.runtime import Gateway
from nexus.simulator.real import is_available, real_llamacpp
from tests.fakes.captured import captured
from tests.fakes.client import ask, chat, request
from tests.fakes.fleets import candidate, needs
from tests.fakes.gateway import face, gateway
from tests.fakes.upstream import answer, reply, upstream

BLIND = ErrorReading(ErrorKind.CAPABILITY, "vision")
SHORT = ErrorReading(ErrorKind.CONTEXT, limit=512)
NO_PATH = ErrorReading(ErrorKind.PATH_ABSENT, "embeddings")
V, L = BackendType.VLLM, BackendType.LLAMACPP
IMAGE = [
    {
        "role": "user",
        "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
    }
]


def test_an_ability_that_was_asked_for_is_known_to_be_missing() -> None:
    assert lesson(BLIND, needs(vision=True), L) == {"vision": False}


def test_an_ability_that_was_not_asked_for_is_not_taken_away() -> None:
    assert lesson(BLIND, needs(tools=True), L) == {}


def test_the_window_is_learnt_from_a_request_that_could_be_longer() -> None:
    assert lesson(SHORT, needs(prompt_tokens=600), L) == {"context_length": 512}
    assert lesson(SHORT, needs(prompt_tokens=5, max_tokens=9999), V) == {"context_length": 512}


def test_an_error_that_tells_no_window_teaches_none() -> None:
    unsaid = ErrorReading(ErrorKind.CONTEXT)
    assert lesson(unsaid, needs(prompt_tokens=600), L) == {}
    assert not may_be_bettered(unsaid, [candidate(context_length=4096)])


def test_a_window_that_every_byte_would_fill_is_believed() -> None:
    assert lesson(SHORT, needs(prompt_tokens=128), L) == {"context_length": 512}


def test_a_window_that_the_request_cannot_have_filled_is_not_believed() -> None:
    assert lesson(SHORT, needs(prompt_tokens=127), L) == {}
    assert lesson(SHORT, needs(prompt_tokens=3), L) == {}


def test_a_path_that_is_missing_tells_of_a_model_on_vllm_only() -> None:
    embeds = needs(endpoint=Endpoint.EMBEDDINGS)
    assert lesson(NO_PATH, embeds, V) == {"embeddings": False}
    assert lesson(NO_PATH, embeds, BackendType.GENERIC) == {}
    assert lesson(ErrorReading(ErrorKind.PATH_ABSENT, "chat"), needs(), V) == {}


@pytest.mark.parametrize("kind", [k for k in ErrorKind if not k.is_the_requests_fault])
def test_other_errors_teach_nothing(kind: ErrorKind) -> None:
    assert lesson(ErrorReading(kind), needs(vision=True), L) == {}


def test_only_who_is_known_to_do_better_is_tried_next() -> None:
    assert may_be_bettered(BLIND, [candidate(vision=False), candidate(vision=True)])
    assert not may_be_bettered(BLIND, [candidate(), candidate(vision=False)])
    assert may_be_bettered(SHORT, [candidate(context_length=4096)])
    assert not may_be_bettered(SHORT, [candidate(context_length=512), candidate()])
    assert not may_be_bettered(ErrorReading(ErrorKind.INVALID), [candidate(vision=True)])


# ---- through the gateway


def believed(here: Gateway, name: str) -> dict[str, object]:
    (model,) = next(b for b in here.control.view.fleet().backends.values() if b.name == name).models
    return {"vision": model.vision, "context_length": model.context_length}


def recorded(name: str) -> bytes:
    case = captured(*name.split("/"))
    reason = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\n" % case.status
    return reason + b"content-length: %d\r\n\r\n" % len(case.text) + case.text.encode()


async def test_a_500_about_an_image_passes_at_once_and_is_remembered() -> None:
    refusal = recorded("llamacpp/err_image")
    async with (
        upstream(answer(refusal)) as one,
        upstream(answer(refusal)) as two,
        gateway(face("one", one.url, L, 1), face("two", two.url, L, 99)) as here,
    ):
        first = await ask(here.url, request(body=chat(messages=IMAGE)))
        loads = {
            name: here.control.view.load(here.control.backends.resolve(name).id)
            for name in ("one", "two")
        }

        assert first.status == 500
        assert first.body.decode() == captured("llamacpp", "err_image").text
        assert (len(one.got), len(two.got)) == (1, 0)
        assert (loads["one"].errors, loads["one"].pending) == (0, 0)
        assert believed(here, "one")["vision"] is False
        await ask(here.url, request(body=chat(messages=IMAGE)))
        assert (len(one.got), len(two.got)) == (1, 1)  # not sent where it is known to fail
        third = await ask(here.url, request(body=chat(messages=IMAGE)))
        assert third.status == 400
        assert json.loads(third.body)["error"]["code"] == "capability_missing"
        text = await ask(here.url, request(body=chat()))
        assert text.status == 500  # text is still sent


async def test_a_400_about_the_window_passes_untouched_and_is_remembered() -> None:
    refusal = recorded("vllm/err_context")
    async with upstream(answer(refusal)) as one, gateway(face("one", one.url, V)) as here:
        long = [{"role": "user", "content": "word " * 600}]
        got = await ask(here.url, request(body=chat(messages=long)))

        assert (got.status, got.body.decode()) == (400, captured("vllm", "err_context").text)
        assert believed(here, "one")["context_length"] == 512
        again = await ask(here.url, request(body=chat(messages=long)))
        assert json.loads(again.body)["error"]["code"] == "context_length_exceeded"
        assert len(one.got) == 1


async def test_a_500_that_says_nothing_of_the_request_still_fails_over() -> None:
    broken = b'{"error":{"message":"out of memory","type":"server_error","code":500}}'
    fine = b'{"id":"c","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}'
    async with (
        upstream(answer(reply(broken, "500 Oops"))) as one,
        upstream(answer(reply(fine))) as two,
        gateway(face("one", one.url, V, 1), face("two", two.url, V, 99)) as here,
    ):
        got = await ask(here.url, request(body=chat(messages=IMAGE)))

        assert (got.status, got.body) == (200, fine)
        assert believed(here, "one")["vision"] is None


@pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_a_real_llamacpp_that_does_not_embed_is_asked_once() -> None:
    async with (
        real_llamacpp(alias="m", ctx=512) as llama,
        gateway(face("llama", llama.url, L)) as here,
    ):
        ask_for = request("/v1/embeddings", {"model": "m", "input": "hello"})
        first, second = await ask(here.url, ask_for), await ask(here.url, ask_for)

        assert first.status == 501
        assert b"not_supported_error" in first.body
        assert (second.status, second.error()["code"]) == (400, "capability_missing")
        long = [{"role": "user", "content": "word " * 3000}]
        assert (await ask(here.url, request(body=chat(messages=long)))).status == 400
        image = await ask(here.url, request(body=chat(messages=IMAGE)))
        assert image.error()["code"] == "capability_missing"  # its list says so already
        fine = await ask(here.url, request(body=chat(max_tokens=4)))
        assert fine.status == 200
        (seen,) = here.control.view.fleet().backends.values()
        assert (seen.status, here.control.view.load(seen.id).errors) == (BackendStatus.HEALTHY, 0)
