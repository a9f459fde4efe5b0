"""The first promise: `nexus` as a process over real llama.cpp, driven by the OpenAI SDK."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import re
import signal
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import openai
import pytest
from openai import AsyncOpenAI

from nexus.simulator.real import is_available, real_llamacpp
from tests.fakes.client import ask, request
from tests.fakes.gateway import process

pytestmark = pytest.mark.skipif(
    not is_available(), reason="needs the demo extra: pip install 'nexus[demo]'"
)

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
HELLO = [{"role": "user", "content": "Hello, who are you?"}]


@dataclass
class Here:
    """A gateway process over one llama.cpp server."""

    url: str
    llama: str
    model: str
    child: asyncio.subprocess.Process

    def sdk(self, **more: object) -> AsyncOpenAI:
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key="not-needed", **more)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def nexus_over_llama(
    tmp_path: Path, *, embedding: bool = False, more: str = "", ctx: int = 2048
) -> AsyncGenerator[Here]:
    async with real_llamacpp(alias="tiny", embedding=embedding, ctx=ctx) as llama:
        config = (
            f'{more}\n[[backends]]\nname = "llama"\nurl = "{llama.url}/v1/"\ntype = "llamacpp"\n'
        )
        async with process(tmp_path, config) as (url, child):
            here = Here(url, llama.url, "tiny", child)
            async with asyncio.timeout(20), here.sdk(max_retries=0) as client:
                while not [m.id async for m in client.models.list()]:
                    await asyncio.sleep(0.05)
            yield here


async def test_models_are_listed_with_what_the_server_really_can(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        (model,) = [m async for m in client.models.list()]
        one = await client.models.retrieve("tiny")

    assert one == model
    assert model.id == "tiny"
    extra = model.model_extra or {}
    assert extra["backends"] == ["llama"]
    assert extra["context_length"] > 0
    assert extra["capabilities"]["tools"] is True
    assert extra["capabilities"]["vision"] is False


async def test_chat_answers_in_readable_english_with_usage(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        raw = await client.chat.completions.with_raw_response.create(
            model="tiny",
            messages=HELLO,
            temperature=0,  # type: ignore[arg-type]
        )
        answer = raw.parse()

    content = answer.choices[0].message.content or ""
    assert re.search(r"[a-z]+ [a-z]+ [a-z]+", content)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens > 3
    assert raw.headers["x-nexus-backend"] == "llama"


async def test_a_unary_answer_equals_the_servers_own(tmp_path: Path) -> None:
    """Nexus asks llama.cpp for a stream and puts the answer together; nobody should see that."""
    body = {"model": "tiny", "messages": HELLO, "temperature": 0, "seed": 1, "cache_prompt": False}
    async with nexus_over_llama(tmp_path) as here:
        through = (await ask(here.url, request(body=body))).json()
        direct = (await ask(here.llama, request(body=body))).json()

    for answer in (through, direct):
        for changing in ("id", "created", "timings"):
            answer.pop(changing)
    assert through == direct


async def test_a_stream_is_the_servers_own_bytes(tmp_path: Path) -> None:
    body = {
        "model": "tiny",
        "messages": HELLO,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    async with nexus_over_llama(tmp_path) as here:
        through = (await ask(here.url, request(body=body))).body
        direct = (await ask(here.llama, request(body=body))).body

    def constant(stream: bytes) -> bytes:
        stream = re.sub(rb'"(id|created)":("[^"]*"|\d+)', rb'"\1":0', stream)
        stream = re.sub(rb'"timings":\{[^}]*\}', b'"timings":{}', stream)
        return re.sub(rb'"cached_tokens":\d+', b'"cached_tokens":0', stream)

    assert constant(through) == constant(direct)
    assert through.endswith(b"data: [DONE]\n\n")


async def test_streaming_through_the_sdk_ends_with_usage(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        stream = await client.chat.completions.create(
            model="tiny",
            messages=HELLO,  # type: ignore[arg-type]
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]

    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert len(text) > 10
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 3


async def test_a_tool_call_comes_back_whole(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        answer = await client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": "weather in Paris?"}],
            tools=[WEATHER],  # type: ignore[list-item]
            temperature=0,
        )

    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.function.name == "get_weather"  # type: ignore[union-attr]
    assert "city" in json.loads(call.function.arguments)  # type: ignore[union-attr]


async def test_json_mode_answers_json(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        answer = await client.chat.completions.create(
            model="tiny",
            messages=HELLO,  # type: ignore[arg-type]
            response_format={"type": "json_object"},
            temperature=0,
            max_tokens=200,
        )

    assert isinstance(json.loads(answer.choices[0].message.content or ""), dict)


async def test_legacy_completions_pass(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        answer = await client.completions.create(model="tiny", prompt="The gateway", max_tokens=8)

    assert answer.choices[0].text
    assert answer.object == "text_completion"


async def test_an_image_for_a_text_model_is_refused_with_the_missing_capability(
    tmp_path: Path,
) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(
                model="tiny",
                messages=[
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "image_url",
                                "image_url": {"url": f"data:image/png;base64,{PIXEL}"},
                            }
                        ],
                    }
                ],
            )

    assert refused.value.code == "capability_missing"
    assert "vision" in refused.value.message


async def test_an_unknown_model_is_a_404_that_names_what_exists(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        with pytest.raises(openai.NotFoundError) as refused:
            await client.chat.completions.create(model="tinny", messages=HELLO)  # type: ignore[arg-type]

    assert refused.value.code == "model_not_found"
    assert "tiny" in refused.value.message


async def test_embeddings_in_both_encodings(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path, embedding=True) as here, here.sdk() as client:
        packed = await client.embeddings.create(model="tiny", input=["hello", "the gateway"])
        plain = await client.embeddings.create(model="tiny", input="hello", encoding_format="float")

    assert [e.index for e in packed.data] == [0, 1]
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, rel=1e-3, abs=1e-4)


async def test_an_alias_reaches_the_real_model(tmp_path: Path) -> None:
    more = '[routing.aliases]\n"gpt-4o" = "tiny"\n'
    async with nexus_over_llama(tmp_path, more=more) as here, here.sdk() as client:
        answer = await client.chat.completions.create(
            model="gpt-4o",
            messages=HELLO,  # type: ignore[arg-type]
        )

    assert answer.choices[0].message.content


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_the_slot(tmp_path: Path, stream: bool) -> None:
    """llama.cpp alone would finish a unary answer for nobody (a streaming one it drops)."""
    wanted = 8_000  # seven seconds of work; the model ends at 8,192
    body = {
        "model": "tiny",
        "messages": HELLO,
        "stream": stream,
        "max_tokens": wanted,
        "ignore_eos": True,
    }
    async with nexus_over_llama(tmp_path, ctx=8192) as here:
        going = asyncio.ensure_future(ask(here.url, request(body=body)))
        await _slots(here.llama, busy=True)
        going.cancel()
        await _slots(here.llama, busy=False)
        metrics = await ask(here.llama, request("/metrics", method="GET", headers=""))

    written = re.search(rb"^llamacpp:tokens_predicted_total (\d+)", metrics.body, re.MULTILINE)
    assert written is not None
    assert int(written[1]) < wanted / 2


async def test_sigterm_ends_the_process_cleanly_after_the_stream(tmp_path: Path) -> None:
    async with nexus_over_llama(tmp_path) as here, here.sdk() as client:
        stream = await client.chat.completions.create(
            model="tiny",
            messages=HELLO,  # type: ignore[arg-type]
            stream=True,
        )
        first = await anext(aiter(stream))
        here.child.send_signal(signal.SIGTERM)
        rest = [chunk async for chunk in stream]
        _, errors = await asyncio.wait_for(here.child.communicate(), 15)

    assert first.choices
    assert rest[-1].choices[0].finish_reason == "stop"
    assert here.child.returncode == 0
    assert b"Traceback" not in errors


async def _slots(url: str, *, busy: bool) -> None:
    """Until any slot of the server works, or none does."""
    async with asyncio.timeout(30):
        while True:
            reply = await ask(url, request("/slots", method="GET", headers=""))
            slots = json.loads(reply.body)
            if any(slot["is_processing"] for slot in slots) is busy:
                return
            await asyncio.sleep(0.01)
