"""The real llama.cpp server over the generated model, driven by the official SDK."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from openai import APIStatusError, AsyncOpenAI

from nexus.simulator import real
from nexus.simulator.real import RealUnavailable, is_available, real_llamacpp
from nexus.simulator.tiny.corpus import TOPICS

pytestmark = pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")

TOOL: object = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ANSWERS = {answer for topic in TOPICS for answer in topic.answers}


@pytest.fixture(autouse=True, scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> object:
    """One generated model for all tests here, and none in the user's cache."""
    patch = pytest.MonkeyPatch()
    patch.setenv("NEXUS_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture
async def client() -> AsyncIterator[AsyncOpenAI]:
    async with (
        asyncio.timeout(60),
        real_llamacpp(embedding=True) as server,
        AsyncOpenAI(base_url=f"{server.url}/v1", api_key="-", max_retries=0) as sdk,
    ):
        yield sdk


async def test_writes_readable_english_and_stops_by_itself(client: AsyncOpenAI) -> None:
    for question in ("Hello!", "What does a gateway do?", "Is my data private?", "42?"):
        reply = await client.chat.completions.create(
            model="tiny-llama",
            messages=[{"role": "user", "content": question}],
            temperature=0,
        )

        assert reply.choices[0].message.content in ANSWERS
        assert reply.choices[0].finish_reason == "stop"


async def test_streams_with_usage(client: AsyncOpenAI) -> None:
    text, usage = "", None
    stream = await client.chat.completions.create(
        model="tiny-llama",
        messages=[{"role": "user", "content": "Hello!"}],
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    async for chunk in stream:
        text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
        usage = chunk.usage or usage

    assert text in ANSWERS
    assert usage is not None
    assert usage.completion_tokens > 5


async def test_calls_a_tool_and_answers_after_its_result(client: AsyncOpenAI) -> None:
    messages: list[object] = [{"role": "user", "content": "What is the weather in Paris?"}]
    asked = await client.chat.completions.create(
        model="tiny-llama", messages=messages, tools=[TOOL], temperature=0, max_tokens=100
    )  # type: ignore[call-overload]
    call = asked.choices[0].message.tool_calls[0]
    messages += [
        asked.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"},
    ]
    told = await client.chat.completions.create(
        model="tiny-llama", messages=messages, tools=[TOOL], temperature=0
    )  # type: ignore[call-overload]

    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments).keys() <= {"city"}
    assert told.choices[0].message.content in ANSWERS


async def test_writes_json_when_asked_to(client: AsyncOpenAI) -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sunny": {"type": "boolean"},
        },
        "required": ["city", "days", "tags", "sunny"],
    }
    free, bound = [
        await client.chat.completions.create(
            model="tiny-llama",
            messages=[{"role": "user", "content": "Answer in JSON"}],
            response_format=shape,
            temperature=0,
            max_tokens=100,
        )  # type: ignore[call-overload]
        for shape in (
            {"type": "json_object"},
            {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        )
    ]

    assert isinstance(json.loads(free.choices[0].message.content), dict)
    assert json.loads(bound.choices[0].message.content).keys() == {"city", "days", "tags", "sunny"}


async def test_embeds_similar_texts_close_together(client: AsyncOpenAI) -> None:
    texts = ["tell me about routing", "explain routing to me", "what is the weather in Paris"]
    reply = await client.embeddings.create(model="tiny-llama", input=texts)
    one, two, other = (entry.embedding for entry in reply.data)

    def dot(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    assert dot(one, two) > dot(one, other)


async def test_refuses_an_image_as_llamacpp_does(client: AsyncOpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    with pytest.raises(APIStatusError, match="image input is not supported") as caught:
        await client.chat.completions.create(
            model="tiny-llama", messages=[{"role": "user", "content": [image]}]
        )  # type: ignore[call-overload]

    assert caught.value.status_code == 500


async def test_leaves_when_the_block_ends_even_by_an_error() -> None:
    pids: list[int] = []

    async def fail() -> None:
        async with real_llamacpp() as server:
            pids.append(server.pid)
            raise LookupError

    with pytest.raises(LookupError):
        await fail()

    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


async def test_says_why_when_the_model_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NEXUS_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(RealUnavailable, match=r"cannot be written: .*file"):
        async with real_llamacpp():
            pass


async def test_says_why_when_packages_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real, "find_spec", lambda name: None)

    assert not is_available()
    with pytest.raises(RealUnavailable, match="not installed"):
        async with real_llamacpp():
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
async def test_leaves_when_its_parent_is_killed() -> None:
    """A demo that is killed must not leave a server behind."""
    code = (
        "import asyncio\n"
        "from nexus.simulator.real import real_llamacpp\n"
        "async def main():\n"
        "    async with real_llamacpp() as server:\n"
        "        print(server.url, flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    async with asyncio.timeout(60):
        parent = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            stdout=asyncio.subprocess.PIPE,
            cwd=Path(real.__file__).parents[2],
        )
        assert parent.stdout is not None
        port = int((await parent.stdout.readline()).decode().strip().rpartition(":")[2])
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
        # Another process's end has no event to wait for.
        while await answers(port):
            await asyncio.sleep(0.05)


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
