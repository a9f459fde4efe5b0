"""A trickle of background requests, so that a demo's screen lives.

A minimal HTTP client on asyncio streams: the demo must not pay for a real one, and must not care
what becomes of an answer. It is polite: when the gateway is away, it waits.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from random import Random
from urllib.parse import urlsplit

from nexus.simulator.wire import dumps

USER_AGENT = "nexus-demo"
_AWAY_S = 2.0
_IN_FLIGHT = 24
"""Requests at a time; more than that means that the fleet is full, and nobody needs a flood."""
_PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
_PROMPTS = (
    "What does a gateway do?",
    "Why is my first token slow?",
    "Explain draining in one sentence.",
    "Hello! Who are you?",
    "How does routing choose a server?",
    "What is the weather in Paris?",
    "Summarise the log of last night.",
    "Where does private data go?",
)
_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}


async def trickle(
    base_url: str,
    models: Sequence[str],
    rate_per_s: float = 1.5,
    *,
    embedding_models: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Send requests to `base_url` until cancelled, `rate_per_s` on average."""
    random = Random(seed)
    room = asyncio.Semaphore(_IN_FLIGHT)
    turn = 0
    async with asyncio.TaskGroup() as tasks:
        while models:
            await asyncio.sleep(random.expovariate(rate_per_s))
            await room.acquire()
            path, body = compose(random, models, embedding_models)
            turn += 1
            tasks.create_task(_one(base_url, path, body, room), name=f"demo traffic {turn}")


def compose(
    random: Random, models: Sequence[str], embedding_models: Sequence[str]
) -> tuple[str, dict[str, object]]:
    """The next request: mostly chat, some embeddings and tools, now and then a wrong name."""
    dice = random.random()
    if embedding_models and dice < 0.15:
        text = [random.choice(_PROMPTS) for _ in range(random.randint(1, 4))]
        return "/v1/embeddings", {"model": random.choice(embedding_models), "input": text}
    content: object = random.choice(_PROMPTS) + " (demo)" * random.randint(0, 3)
    body: dict[str, object] = {"model": random.choice(models), "stream": random.random() < 0.7}
    if dice > 0.97:
        body["model"] = random.choice(("gpt-6", "llama-9b", "qwen3"))
    elif dice > 0.85:
        body["tools"] = [_TOOL]
    elif dice > 0.82:
        image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_PIXEL}"}}
        content = [{"type": "text", "text": "What is this?"}, image]
    body["messages"] = [{"role": "user", "content": content}]
    return "/v1/chat/completions", body


async def _one(base_url: str, path: str, body: dict[str, object], room: asyncio.Semaphore) -> None:
    try:
        await _post(base_url, path, dumps(body))
    except OSError:
        await asyncio.sleep(_AWAY_S)
    finally:
        room.release()


async def _post(base_url: str, path: str, body: bytes) -> None:
    """Send and read to the end, keeping nothing."""
    parts = urlsplit(base_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        head = (
            f"POST {parts.path.rstrip('/')}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"User-Agent: {USER_AGENT}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        while await reader.read(65_536):
            pass
    finally:
        writer.close()
        await writer.wait_closed()
