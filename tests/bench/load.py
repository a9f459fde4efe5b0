"""The load of the benches, as a process: `python -m tests.bench.load closed|open|streams`.

`closed` keeps each connection busy with unary requests, `open` sends them at a rate whether or not
the last ones are answered, `streams` keeps each connection busy with streamed ones. Prints a JSON
line when the warm-up is over (`busy`: connections with a request on its way) and one with the
figures at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable

from tests.bench.payloads import DONE, chat_body

now = time.perf_counter


def request(port: int, body: bytes) -> bytes:
    """A whole POST."""
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:%d\r\naccept: application/json\r\n"
        b"accept-encoding: gzip, deflate\r\nuser-agent: bench\r\n"
        b"authorization: Bearer sk-bench\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (port, len(body), body)
    )


class Tally:
    """What happened after the warm-up. Errors are never forgotten."""

    def __init__(self, errors: int = 0) -> None:
        self.requests = 0
        self.chunks = 0
        self.errors = errors
        self.latencies: list[float] = []
        """Seconds."""

    def figures(self, elapsed_s: float) -> dict[str, float]:
        ordered = sorted(self.latencies) or [0.0]
        last = len(ordered) - 1
        return {
            "requests": self.requests,
            "chunks": self.chunks,
            "errors": self.errors,
            "elapsed_s": elapsed_s,
            "p50_ms": ordered[last // 2] * 1000,
            "p99_ms": ordered[int(last * 0.99)] * 1000,
            "max_ms": ordered[-1] * 1000,
        }


class Client(asyncio.Protocol):
    """One connection; one request at a time. `done` is called when it is free again."""

    def __init__(self, payload: bytes, tally: Callable[[], Tally], done: Callable[[Client], None]):
        self._payload = payload
        self._tally = tally
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._began = 0.0
        self.busy = False
        """A request is on its way."""
        self._left = -1
        """Body bytes still to come; -1 before the head, -2 when the body is chunked."""
        self._data = b""
        self._ok = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def send(self, began: float) -> None:
        """Send the next request. Its latency counts from `began`."""
        if self._transport is None:
            self._tally().errors += 1
            return
        self._began = began
        self.busy = True
        self._left = -1
        self._data = b""
        self._ok = False
        self._transport.write(self._payload)

    def data_received(self, data: bytes) -> None:
        if self._left == -1:
            data = self._data + data
            head = data.find(b"\r\n\r\n")
            if head < 0:
                self._data = data
                return
            lower = data[:head].lower()
            self._ok = lower.startswith(b"http/1.1 200")
            at = lower.find(b"content-length:")
            if at >= 0:
                end = lower.find(b"\r\n", at)
                self._left = int(lower[at + 15 : end if end >= 0 else None])
            else:
                self._left = -2
            data = data[head + 4 :]
            self._data = b""
        if self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._complete(ok=self._ok)
            return
        self._tally().chunks += data.count(b"\ndata:")
        end = (self._data + data)[-512:]
        self._data = end
        if end.endswith(b"0\r\n\r\n"):
            streamed = b"data:" in end
            self._complete(ok=self._ok and (not streamed or DONE.strip() in end))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.busy:
            self._tally().errors += 1

    def close(self) -> None:
        """No more requests."""
        self.busy = False
        if self._transport is not None:
            self._transport.abort()

    def _complete(self, *, ok: bool) -> None:
        self.busy = False
        tally = self._tally()
        tally.requests += 1
        tally.errors += not ok
        tally.latencies.append(now() - self._began)
        self._done(self)


class Load:
    """Connections to one port and the tally of the current phase."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.tally = Tally()
        self.clients: list[Client] = []
        self.free: list[Client] = []
        self.stopping = False
        self.sent = 0
        self.over = asyncio.Event()
        body = chat_body(stream=args.mode == "streams", size=args.size)
        self.payload = request(args.port, body)

    async def connect(self, done: Callable[[Client], None]) -> Client:
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(
            lambda: Client(self.payload, lambda: self.tally, done), "127.0.0.1", self.args.port
        )
        self.clients.append(client)
        return client

    async def run(self) -> None:
        args = self.args
        pace = self._at_rate if args.mode == "open" else self._kept_busy
        async with asyncio.TaskGroup() as group:
            pacing = group.create_task(pace(), name="pace")
            await asyncio.sleep(args.warm)
            self.tally = Tally(self.tally.errors)
            began = now()
            print(json.dumps({"busy": sum(client.busy for client in self.clients)}), flush=True)
            if args.requests:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(args.patience):
                        await self.over.wait()
            else:
                await asyncio.sleep(args.seconds)
            figures = self.tally.figures(now() - began)
            self.stopping = True
            pacing.cancel()
        print(json.dumps(figures), flush=True)
        for client in self.clients:
            client.close()

    async def _kept_busy(self) -> None:
        def again(client: Client) -> None:
            limit = self.args.requests
            if limit and self.tally.requests >= limit:
                self.over.set()
            if self.stopping or (limit and self.sent >= limit):
                return
            self.sent += 1
            client.send(now())

        for _ in range(self.args.connections):
            client = await self.connect(again)
            self.sent += 1
            client.send(now())
            if self.args.ramp:
                await asyncio.sleep(self.args.ramp / self.args.connections)

    async def _at_rate(self) -> None:
        for _ in range(self.args.connections):
            self.free.append(await self.connect(self.free.append))
        chance = random.Random(1)
        due = now()
        while True:
            due += chance.expovariate(self.args.rate)
            if (pause := due - now()) > 0:
                await asyncio.sleep(pause)
            client = self.free.pop() if self.free else await self.connect(self.free.append)
            client.send(due)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=["closed", "open", "streams"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--rate", type=float, default=200, help="requests a second (open)")
    parser.add_argument("--warm", type=float, default=0.5, help="seconds not counted")
    parser.add_argument("--seconds", type=float, default=2, help="seconds counted")
    parser.add_argument("--requests", type=int, default=0, help="count these instead of seconds")
    parser.add_argument("--patience", type=float, default=60, help="seconds for --requests")
    parser.add_argument("--ramp", type=float, default=0, help="seconds over which connections open")
    parser.add_argument("--size", type=int, default=1000, help="bytes of a request body")
    args = parser.parse_args()
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(Load(args).run())


if __name__ == "__main__":
    main()
