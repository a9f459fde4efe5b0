"""A simulated inference server: listener, slots, clock, faults and counters.

The dialect says what to send, the clock says when, and the fault switches say what goes wrong. One
event loop, no threads; tasks belong to the `TaskGroup` of the fleet, so nothing outlives it.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from random import Random

from nexus.domain.backend import BackendType, Zone
from nexus.simulator.answer import Step
from nexus.simulator.connection import Connection
from nexus.simulator.dialects.base import Dialect, Moved, Situation, Timing, Work
from nexus.simulator.dialects.table import DIALECTS
from nexus.simulator.faults import Faults
from nexus.simulator.pace import Pace
from nexus.simulator.seen import Seen
from nexus.simulator.spec import INSTANT, SimSpec
from nexus.simulator.wire import Reply, Request

_GARBAGE = b"\x16\x03\x01\x00\xee simulated bytes that are not HTTP\x00\xff\r\n\r\n"
_PORTAL = b"<!doctype html><title>Simulated captive portal</title>"


class SimServer:
    """One running server. Set `faults`, `loading` and `spec` at any time; read `seen`."""

    real = False

    def __init__(self, spec: SimSpec, tasks: asyncio.TaskGroup) -> None:
        self.spec = spec
        self.dialect: Dialect = DIALECTS[spec.type]
        self.faults = Faults()
        self.seen = Seen()
        self.connections: set[Connection] = set()
        self.loading: bool | None = None
        """None follows `spec.load_s`; True and False override it."""
        self.loaded = {model.id for model in spec.models if model.loaded is not False}
        """Models in memory. A request for another one that the spec has loads it first."""
        self.arriving = set[str]()
        """Models that are being loaded by a wish."""
        self.url = ""
        self._tasks = tasks
        self._serving: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._slots = asyncio.Semaphore(spec.slots)
        self._random = Random(spec.seed)
        self._ready_at = 0.0
        self._port: int = 0

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def type(self) -> BackendType:
        return self.spec.type

    @property
    def zone(self) -> Zone:
        return self.spec.zone

    @property
    def priority(self) -> int:
        return self.spec.priority

    @property
    def port(self) -> int:
        """The same for life, also while it refuses connections."""
        return self._port

    @property
    def keep_alive_s(self) -> float:
        own = self.spec.keep_alive_s
        return self.dialect.keep_alive_s if own is None else own

    # Life

    async def listen(self) -> None:
        """Bind 127.0.0.1: a free port at first, the same port ever after."""
        loop = asyncio.get_running_loop()
        if self._listener is not None:
            return
        self._listener = await loop.create_server(
            lambda: Connection(self), "127.0.0.1", self._port, backlog=1024
        )
        if not self._port:
            self._port = int(self._listener.sockets[0].getsockname()[1])
            self.url = f"http://127.0.0.1:{self._port}"
            self._ready_at = loop.time() + self.spec.load_s

    async def refuse(self) -> None:
        """Refuse connections, as a machine whose server died: idle and busy ones end too.

        `listen` brings it back on the same port.
        """
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        dropped = list(self.connections)
        for connection in dropped:
            connection.abort()
        await asyncio.gather(*(connection.closed for connection in dropped))
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        if listener is not None:
            await listener.wait_closed()

    # What connections call

    def opened(self, connection: Connection) -> None:
        self.connections.add(connection)
        self.seen.sockets_opened += 1
        self.seen.sockets_open += 1
        self.seen.changed()

    def closed(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.seen.sockets_open -= 1
        self.seen.changed()

    def start(self, request: Request, connection: Connection) -> asyncio.Task[None]:
        name = f"simulator {self.name} {request.method} {request.path}"
        task = self._tasks.create_task(self._serve(request, connection), name=name)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return task

    def situation(self) -> Situation:
        """What the dialect may know now."""
        now = asyncio.get_running_loop().time()
        return Situation(
            self.spec,
            unix_s=int(time.time()),
            turn=self.seen.requests,
            loading=now < self._ready_at if self.loading is None else self.loading,
            busy=self.seen.active,
            waiting=self.seen.waiting,
            generated=self.seen.generated_tokens,
            loaded=frozenset(self.loaded),
            arriving=frozenset(self.arriving),
        )

    # Requests

    async def _serve(self, request: Request, out: Connection) -> None:
        try:
            await self._respond(request, out)
        except asyncio.CancelledError:
            out.abort()
            raise
        except Exception as bug:  # noqa: BLE001 - hostile input must not end the fleet
            self.seen.crashes.append(bug)
            out.close(hard=True)
        finally:
            out.finished()

    async def _respond(self, request: Request, out: Connection) -> None:
        self.seen.note(request)
        answer = self.dialect.answer(request, self.situation())
        faults = replace(self.faults)
        if faults.inference_only and not isinstance(answer, Work):
            faults = Faults()
        if await self._fail_early(faults, out):
            return
        if isinstance(answer, Reply):
            out.reply(answer, gzip=faults.gzip)
        elif isinstance(answer, Moved):
            await self._move(answer, out, faults)
        else:
            await self._work(answer, out, faults)

    async def _fail_early(self, faults: Faults, out: Connection) -> bool:
        """The faults that replace the answer. True when one of them did."""
        if faults.garbage:
            out.raw(_GARBAGE)
            out.close()
        elif faults.close_before_reply:
            out.close(hard=faults.cut_hard)
        elif faults.stall_before_reply:
            await asyncio.get_running_loop().create_future()
        elif faults.status is not None:
            reply = self.dialect.failure(faults.status)
            if faults.retry_after_s is not None:
                wait = ("Retry-After", str(faults.retry_after_s))
                reply = replace(reply, headers=(*reply.headers, wait))
            out.reply(reply, gzip=faults.gzip)
        elif faults.not_json:
            out.reply(Reply(body=_PORTAL, type="text/html; charset=utf-8"), gzip=faults.gzip)
        else:
            return False
        return True

    async def _move(self, moved: Moved, out: Connection, faults: Faults) -> None:
        """Load and unload. Loading takes as long as it does for a request."""
        self.loaded -= moved.unload
        if moved.at_once:
            name = f"simulator {self.name} loads"
            task = self._tasks.create_task(self._load(moved.load, faults), name=name)
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        else:
            await self._load(moved.load, faults)
        self.seen.changed()
        out.reply(moved.reply, gzip=faults.gzip)

    async def _load(self, models: frozenset[str], faults: Faults) -> None:
        arriving = models - self.loaded
        if arriving:
            self.arriving |= arriving
            pace = Pace(self._random, self.spec.jitter, faults.slow)
            await pace.wait(self.spec.model_load_s)
            self.arriving -= arriving
        self.loaded |= models
        self.seen.changed()

    async def _work(self, work: Work, out: Connection, faults: Faults) -> None:
        out.keep_when_left = self.dialect.finishes_unheard and not work.stream
        pace = Pace(self._random, self.spec.jitter, faults.slow)
        try:
            await self._take_slot()
            try:
                await self._generate(work, out, faults, pace)
            finally:
                self.seen.active -= 1
                self._slots.release()
        except asyncio.CancelledError:
            self.seen.cancelled += 1
            raise
        else:
            self.seen.finished += 1
        finally:
            self.seen.changed()

    async def _take_slot(self) -> None:
        self.seen.waiting += 1
        self.seen.changed()
        try:
            await self._slots.acquire()
        finally:
            self.seen.waiting -= 1
        self.seen.active += 1
        self.seen.changed()

    async def _generate(self, work: Work, out: Connection, faults: Faults, pace: Pace) -> None:
        if work.model.id not in self.loaded:
            if self.dialect.waits_for_a_wake:
                await self.seen.until(lambda seen: work.model.id in self.loaded)
            await pace.wait(self.spec.model_load_s)
            self.loaded.add(work.model.id)
        started = pace.due
        await pace.wait(work.answer.prompt_tokens / self.spec.prefill_tps)
        read = pace.due
        if work.stream:
            await self._stream(work, out, faults, pace, (read - started) * 1000)
            return
        if self.spec.decode_tps == INSTANT:
            self.seen.generated_tokens += work.answer.tokens
        else:
            for _ in work.answer.steps:
                await self._one_token(pace)
        timing = Timing((read - started) * 1000, (pace.due - read) * 1000)
        out.reply(work.voice.whole(timing), gzip=faults.gzip)

    async def _stream(
        self, work: Work, out: Connection, faults: Faults, pace: Pace, prompt_ms: float
    ) -> None:
        prefilled = pace.due
        out.begin(work.voice.content_type, gzip=faults.gzip)
        await out.send(work.voice.opening())
        steps = work.answer.steps
        for i, step in enumerate(steps):
            if await self._fail_late(i, faults, out, work, step):
                return
            await self._one_token(pace)
            await out.send(work.voice.step(step, i == len(steps) - 1))
        if await self._fail_late(len(steps), faults, out, work, Step()):
            return
        await out.send(work.voice.closing(Timing(prompt_ms, (pace.due - prefilled) * 1000)))
        out.end()

    async def _fail_late(
        self, sent: int, faults: Faults, out: Connection, work: Work, step: Step
    ) -> bool:
        """The faults inside a stream, before its event number `sent`. True when it is over."""
        if faults.stall_after == sent:
            await asyncio.get_running_loop().create_future()
        if faults.cut_after != sent:
            return False
        if faults.cut_inside_event:
            event = work.voice.step(step, last=False)
            await out.send(event[: max(1, len(event) // 2)])
        out.close(hard=faults.cut_hard)
        return True

    async def _one_token(self, pace: Pace) -> None:
        await pace.wait(1 / self.spec.decode_tps)
        self.seen.generated_tokens += 1
        self.seen.changed()
