"""A scripted HTTP/1.1 server on a raw socket: answers with exactly the bytes a test says.

Unlike the simulator it has no manners of its own, so it can answer what no well-made server would.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Got:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, object]:
        return json.loads(self.body)


Script = Callable[[Got, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Upstream:
    """A running server. `script` answers relayed posts; GETs list `models`."""

    url: str
    script: Script
    models: list[str]
    got: list[Got] = field(default_factory=list)
    connections: int = 0
    closed_by_client: asyncio.Event = field(default_factory=asyncio.Event)


def reply(
    body: bytes = b"{}",
    status: str = "200 OK",
    headers: str = "content-type: application/json\r\n",
    *,
    length: bool = True,
) -> bytes:
    """The bytes of an ordinary answer."""
    framing = f"content-length: {len(body)}\r\n" if length else ""
    return f"HTTP/1.1 {status}\r\n{headers}{framing}\r\n".encode() + body


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def event(text: str, finish: str | None = None) -> bytes:
    """One chat chunk as an SSE event."""
    delta = {"content": text} if text else {}
    chunk = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def answer(data: bytes) -> Script:
    """Always the same bytes."""

    async def script(got: Got, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return script


@contextlib.asynccontextmanager
async def upstream(script: Script, models: list[str] | None = None) -> AsyncGenerator[Upstream]:
    """Serve on a free port of 127.0.0.1."""
    listed = ["m"] if models is None else models
    here = Upstream("", script, listed)
    open_: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.connections += 1
        open_.add(writer)
        try:
            while (got := await _read(reader)) is not None:
                if got.method == "GET":
                    writer.write(_get(got, here.models))
                    await writer.drain()
                    continue
                here.got.append(got)
                await here.script(got, reader, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            here.closed_by_client.set()
            writer.close()
            open_.discard(writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        server.close()
        for writer in open_:
            writer.transport.abort()
        await asyncio.sleep(0)  # what was closed is gone with the next turn of the loop


def _get(got: Got, models: list[str]) -> bytes:
    if got.path != "/v1/models":
        return reply(b'{"error":{"message":"no"}}', "404 Not Found")
    data = [{"id": name, "object": "model", "created": 1, "owned_by": "test"} for name in models]
    return reply(json.dumps({"object": "list", "data": data}).encode())


async def _read(reader: asyncio.StreamReader) -> Got | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {
        name.lower(): value.strip()
        for name, _, value in (line.partition(":") for line in lines if line)
    }
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Got(method, path, headers, body)
