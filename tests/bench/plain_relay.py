"""What one would write in an afternoon: FastAPI and one shared httpx client. The yardstick.

`python -m tests.bench.plain_relay PORT BACKEND_PORT...` reads the body's JSON, takes the next
backend and relays its answer as a stream. No routing, no health, no limits, no log.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask


def app(ports: list[int]) -> FastAPI:
    """The relay over backends on these ports."""
    backends = cycle([f"http://127.0.0.1:{port}" for port in ports])
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(limits=limits, timeout=300, trust_env=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with client:
            yield

    relay = FastAPI(lifespan=lifespan)

    @relay.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @relay.post("/v1/chat/completions")
    async def chat(request: Request) -> StreamingResponse:
        body: dict[str, Any] = await request.json()
        url = next(backends) + "/v1/chat/completions"
        answer = await client.send(client.build_request("POST", url, json=body), stream=True)
        return StreamingResponse(
            answer.aiter_raw(),
            status_code=answer.status_code,
            media_type=answer.headers.get("content-type"),
            background=BackgroundTask(answer.aclose),
        )

    return relay


if __name__ == "__main__":
    port, *ports = map(int, sys.argv[1:])
    uvicorn.run(app(ports), host="127.0.0.1", port=port, log_level="error", access_log=False)
