"""A fast pretended LLM server on many ports, as a process: `python -m tests.bench.upstream`.

Prints its ports as JSON, then serves until it is told to stop. It knows just enough HTTP for the
benches and answers every request alike, so that it costs little beside what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal

from tests.bench.payloads import DONE, event, models_answer, unary_answer


def _reply(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


UNARY = _reply(unary_answer())
MODELS = _reply(models_answer())
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
EVENT = _chunk(event(" gateway"))
LAST = _chunk(event(None)) + _chunk(DONE) + b"0\r\n\r\n"


class Server(asyncio.Protocol):
    """One connection. It thinks, and a stream's chunks leave one by one, `gap_s` apart."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, gap_s: float, chunks: int, think_s: float = 0
    ) -> None:
        self._loop = loop
        self._think_s = think_s
        self._gap_s = gap_s
        self._chunks = chunks
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._left = 0
        self._due = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None

    def data_received(self, data: bytes) -> None:
        data = self._data = self._data + data
        head = data.find(b"\r\n\r\n")
        if head < 0 or self._transport is None:
            return
        if data.startswith(b"GET"):
            self._data = b""
            self._transport.write(MODELS)
            return
        at = data.lower().find(b"content-length:", 0, head)
        length = int(data[at + 15 : data.find(b"\r\n", at)])
        if len(data) < head + 4 + length:
            return
        self._data = b""
        stream = b'"stream": true' in data or b'"stream":true' in data
        if self._think_s:
            self._loop.call_later(self._think_s, self._answer, stream)
        else:
            self._answer(stream)

    def _answer(self, stream: bool) -> None:
        if self._transport is None:
            return
        if stream:
            self._transport.write(STREAM_HEAD)
            self._left = self._chunks
            self._due = self._loop.time() + self._gap_s
            self._loop.call_at(self._due, self._step)
        else:
            self._transport.write(UNARY)

    def _step(self) -> None:
        if self._transport is None:
            return
        self._left -= 1
        if self._left <= 0:
            self._transport.write(LAST)
            return
        self._transport.write(EVENT)
        self._due += self._gap_s
        self._loop.call_at(self._due, self._step)


async def serve(servers: int, gap_s: float, chunks: int, think_s: float) -> None:
    """Listen on `servers` free ports until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    ports: list[int] = []
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(servers):
            server = await loop.create_server(
                lambda: Server(loop, gap_s, chunks, think_s), "127.0.0.1", 0, backlog=2048
            )
            stack.callback(server.close)
            ports.append(server.sockets[0].getsockname()[1])
        print(json.dumps(ports), flush=True)
        await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--gap-ms", type=float, default=5)
    parser.add_argument("--chunks", type=int, default=200)
    parser.add_argument("--think-ms", type=float, default=0)
    args = parser.parse_args()
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(serve(args.servers, args.gap_ms / 1000, args.chunks, args.think_ms / 1000))


if __name__ == "__main__":
    main()
