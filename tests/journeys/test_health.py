"""Health under real traffic: the whole gateway over servers that die, refuse, stall and return."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

import pytest

from nexus.domain.backend import Backend, BackendId, BackendStatus, Model, Zone
from nexus.domain.backend import BackendType as Type
from nexus.domain.events import BackendChanged, FleetSeen
from nexus.runtime import Gateway
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.client import Reply, ask, chat, request
from tests.fakes.gateway import checked, face, free_port, gateway
from tests.fakes.upstream import Got, answer, reply, upstream

GOOD = answer(reply(b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"}}]}'))
A, B = BackendId("a"), BackendId("b")


def error(status: str, body: bytes = b'{"error":{"message":"no"}}', headers: str = "") -> bytes:
    return reply(body, status, f"content-type: application/json\r\n{headers}")


def seen(here: Gateway, id: BackendId = A) -> Backend:
    return here.control.view.fleet().backends[id]


async def until(here: Gateway, wanted: Callable[[Backend], bool], id: BackendId = A) -> Backend:
    """The backend once it is as wanted, told by the gateway's own events."""
    async with asyncio.timeout(20):
        async for update in here.control.view.updates():
            match update:
                case FleetSeen(fleet=fleet) if wanted(fleet.backends[id]):
                    return fleet.backends[id]
                case BackendChanged(backend=backend) if backend.id == id and wanted(backend):
                    return backend
                case _:
                    pass
    raise AssertionError("the gateway has stopped")


async def chats(here: Gateway, count: int = 1, **more: object) -> list[Reply]:
    return [await ask(here.url, request(body=chat(**more))) for _ in range(count)]


@dataclass
class Server:
    """A raw server whose connections can be killed as a dying process kills them."""

    url: str
    server: asyncio.Server
    writers: set[asyncio.StreamWriter]
    busy: asyncio.Semaphore
    hold: asyncio.Event

    def kill(self) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def mortal(port: int = 0) -> AsyncGenerator[Server]:
    """Lists `m`; answers chats once `hold` is set. `busy` counts the chats that have arrived."""
    here = Server("", None, set(), asyncio.Semaphore(0), asyncio.Event())  # type: ignore[arg-type]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                if head.startswith("get /v1/models"):
                    writer.write(reply(json.dumps({"data": [{"id": "m"}]}).encode()))
                elif head.startswith("get"):
                    writer.write(error("404 Not Found"))
                else:
                    size = int(head.partition("content-length: ")[2].partition("\r\n")[0])
                    await reader.readexactly(size)
                    here.busy.release()
                    await here.hold.wait()
                    writer.write(reply(b'{"id":"c1","choices":[]}'))
                await writer.drain()
        writer.close()

    here.server = await asyncio.start_server(serve, "127.0.0.1", port)
    here.url = f"http://127.0.0.1:{here.server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        here.hold.set()
        here.kill()


async def test_a_server_killed_under_load_costs_no_request_that_had_no_byte_yet() -> None:
    async with mortal() as dying, mortal() as other:
        other.hold.set()
        # All the work goes to the one that will die.
        faces = face("a", dying.url, priority=0), face("b", other.url, priority=100)
        async with gateway(*faces) as here, asyncio.TaskGroup() as group:
            asked = [group.create_task(chats(here, 3)) for _ in range(20)]
            async with asyncio.timeout(10):
                for _ in asked:
                    await dying.busy.acquire()
            dying.kill()
            replies = [each for task in asked for each in await task]
            assert {each.status for each in replies} == {200}
            assert len(replies) == 60
            assert not seen(here).is_routable
            gone = await until(here, lambda a: a.status is BackendStatus.UNREACHABLE)
            assert ([model.id for model in gone.models], gone.models_stale) == (["m"], True)


async def test_a_refused_connection_is_seen_at_once_and_asked_of_nobody_else() -> None:
    async with upstream(GOOD) as up:
        gone = f"http://127.0.0.1:{free_port()}"
        async with gateway(face("b", up.url, priority=100), face("a", gone, priority=0)) as here:
            # As if it had been well until a moment ago.
            registry_says(here, BackendStatus.HEALTHY)
            replies = await chats(here, 10)
            assert {each.status for each in replies} == {200}
            assert seen(here).status is BackendStatus.UNREACHABLE
            assert "refused" in seen(here).reason


def registry_says(here: Gateway, status: BackendStatus) -> None:
    registry = here.carrier._registry  # pyright: ignore[reportPrivateUsage]
    registry.set_health(A, status, models=(Model("m"),))


async def test_a_server_that_starts_again_on_its_port_is_routable_by_itself() -> None:
    async with mortal() as first:
        port = int(first.url.rpartition(":")[2])
        async with gateway(face("a", first.url)) as here:
            first.kill()
            (refused,) = await chats(here)
            assert refused.status in (502, 503)
            await until(here, lambda a: a.status is BackendStatus.UNREACHABLE)
            (refused,) = await chats(here)
            assert refused.status == 503
            async with mortal(port) as again:
                again.hold.set()
                await until(here, lambda a: a.is_routable)
                (served,) = await chats(here)
                assert served.status == 200


async def test_a_429_moves_a_backend_aside_for_all_to_see_and_it_returns() -> None:
    limited = answer(error("429 Too Many", headers="retry-after: 1\r\n"))
    async with upstream(limited) as one, upstream(GOOD) as two:
        faces = face("a", one.url, priority=0), face("b", two.url, priority=100)
        async with gateway(*faces) as here:
            (first, *others) = await chats(here, 5)
            assert first.status == 200
            assert first.headers["x-nexus-backend"] == "b"
            assert all(each.status == 200 for each in others)
            assert len(one.got) == 1
            listed = (await ask(here.url, request("/nexus/v1/backends", method="GET"))).json()
            (entry,) = [each for each in listed["backends"] if each["name"] == "a"]  # type: ignore[index]
            assert entry["status"] == "rate_limited"
            assert str(entry["next"]).startswith("rate limited until ")  # pyright: ignore[reportUnknownArgumentType]
            one.script = GOOD
            await until(here, lambda a: a.status is BackendStatus.HEALTHY)
            (back,) = await chats(here)
            assert back.headers["x-nexus-backend"] == "a"


async def test_a_refused_key_says_which_variable_to_set() -> None:
    async with upstream(answer(error("401 Unauthorized"))) as one, upstream(GOOD) as two:
        closed = face("a", one.url, priority=0, api_key_env="GPU_KEY")
        async with gateway(closed, face("b", two.url, priority=100)) as here:
            (served,) = await chats(here)
            assert (served.status, served.headers["x-nexus-backend"]) == (200, "b")
            assert seen(here).status is BackendStatus.AUTH_ERROR
            assert seen(here).next == "set GPU_KEY"
        async with gateway(closed, environ={"GPU_KEY": "sk-secret"}) as here:
            (told,) = await chats(here)
            assert told.status == 401  # nobody else to ask: the backend's own words
            assert seen(here).next == "check the key in GPU_KEY"
            assert "sk-secret" not in repr(seen(here))


async def test_the_only_backend_is_asked_however_often_it_fails_and_heals_at_once() -> None:
    async with upstream(answer(error("500 X"))) as one, gateway(face("a", one.url)) as here:
        assert {each.status for each in await chats(here, 8)} == {500}
        assert len(one.got) == 8
        assert seen(here).status is BackendStatus.UNHEALTHY
        listed = (await ask(here.url, request("/v1/models", method="GET"))).json()
        assert [entry["id"] for entry in listed["data"]] == ["m"]  # type: ignore[union-attr, index]
        one.script = GOOD
        assert [each.status for each in await chats(here, 2)] == [200, 200]
        assert seen(here).status is BackendStatus.HEALTHY


async def test_of_two_the_failing_one_is_set_aside_after_five_failures() -> None:
    async with upstream(GOOD) as one, upstream(GOOD) as two:
        faces = face("a", one.url, priority=0), face("b", two.url, priority=100)
        async with gateway(*faces) as here:
            await chats(here, 20)  # which also earns some second attempts
            assert len(one.got) == 20
            one.script = answer(error("500 X"))
            assert {each.status for each in await chats(here, 20)} == {200}
            assert len(one.got) == 25
            assert seen(here).status is BackendStatus.UNHEALTHY
            assert seen(here).next.startswith("one request is tried at ")
            one.script = GOOD
            await here.control.backends.check(A)  # the operator does not wait
            (trial,) = await chats(here)
            assert trial.headers["x-nexus-backend"] == "a"
            assert seen(here).status is BackendStatus.HEALTHY


@pytest.mark.parametrize("status", ["400 X", "404 X", "413 X", "422 X"])
async def test_a_clients_faults_are_not_held_against_a_backend(status: str) -> None:
    async with upstream(answer(error(status))) as one, gateway(face("a", one.url)) as here:
        await chats(here, 25)
        assert (seen(here).status, seen(here).traffic) == (BackendStatus.HEALTHY, None)


async def test_clients_that_leave_are_not_held_against_a_backend() -> None:
    async with mortal() as slow, gateway(face("a", slow.url)) as here:
        for _ in range(10):
            async with asyncio.TaskGroup() as group:
                leaving = group.create_task(chats(here))
                async with asyncio.timeout(10):
                    await slow.busy.acquire()
                leaving.cancel()
        async with asyncio.timeout(5):
            await here.carrier.idle()
        assert (seen(here).status, seen(here).traffic) == (BackendStatus.HEALTHY, None)


async def test_silence_twice_is_a_stall_and_the_other_does_the_work() -> None:
    async with mortal() as silent, upstream(GOOD) as two:
        faces = face("a", silent.url, priority=0), face("b", two.url, priority=100)
        async with gateway(*faces) as here:
            for each in faces:  # two minutes by default
                pool = here.pools.pool(each)
                pool.timeouts = replace(pool.timeouts, first_byte_s=0.1)
            assert {each.status for each in await chats(here, 4)} == {200}
            assert seen(here).status is BackendStatus.STALLED
            silent.hold.set()
            await here.control.backends.check(A)
            (trial,) = await chats(here)
            assert trial.headers["x-nexus-backend"] == "a"
            assert seen(here).status is BackendStatus.HEALTHY


async def test_a_server_that_stops_under_load_costs_no_request_that_had_no_byte_yet() -> None:
    async with mortal() as silent, upstream(GOOD) as two:
        faces = face("a", silent.url, priority=0), face("b", two.url, priority=100)
        async with gateway(*faces) as here, asyncio.TaskGroup() as group:
            for each in faces:
                pool = here.pools.pool(each)
                pool.timeouts = replace(pool.timeouts, first_byte_s=0.5)
            asked = [group.create_task(chats(here, hard=n)) for n in range(30)]
            async with asyncio.timeout(10):
                for _ in asked:  # more of them than the retry budget would allow
                    await silent.busy.acquire()
            replies = [each for task in asked for each in await task]
            assert [each.status for each in replies] == [200] * 30
            assert seen(here).status is BackendStatus.STALLED


async def test_a_paid_backend_that_hangs_up_without_a_word_is_not_followed_by_another() -> None:
    async def hang_up(got: Got, _: object, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with upstream(hang_up) as one, upstream(GOOD) as two:
        faces = (
            face("a", one.url, Type.OPENAI, priority=0, zone=Zone.RESTRICTED),
            face("b", two.url, Type.GENERIC, priority=100),
        )
        async with gateway(*faces) as here:
            (told,) = await chats(here)
            assert told.status == 502  # the work may have been done, and charged for
            assert two.got == []


async def test_a_flapping_server_is_reported_seldom_and_its_clients_see_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns = iter(range(1000))

    async def flapping(got: Got, _: object, writer: asyncio.StreamWriter) -> None:
        writer.write(error("500 X") if next(turns) % 2 else reply(b'{"choices":[]}'))

    caplog.set_level(logging.INFO, logger="nexus.health")
    async with upstream(flapping) as one, upstream(GOOD) as two:  # type: ignore[arg-type]
        faces = face("a", one.url, priority=0), face("b", two.url, priority=100)
        async with gateway(*faces) as here:
            assert {each.status for each in await chats(here, 60)} == {200}
            assert len(one.got) == 10  # five good, five bad, and then it was aside
    changes = [r.getMessage() for r in caplog.records if r.getMessage().startswith("backend a")]
    assert changes == ["backend a: healthy", "backend a: unhealthy"]


async def test_draining_a_sick_backend_to_and_fro_logs_no_change_of_its_health(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="nexus.health")
    gone = f"http://127.0.0.1:{free_port()}"
    async with gateway(face("a", gone)) as here:
        for _ in range(3):
            await here.control.backends.drain(A)
            await here.control.backends.check(A)
            await here.control.backends.undrain(A)
            await here.control.backends.check(A)
    said = [r.getMessage() for r in caplog.records if r.name == "nexus.health"]
    assert [each for each in said if each.startswith("backend ")] == ["backend a: unreachable"]


async def test_models_are_listed_from_memory_with_half_the_fleet_dead() -> None:
    specs = [
        SimSpec(f"s{n}", Type.VLLM, tuple(Model(f"m{n}-{k}") for k in range(50))) for n in range(8)
    ]
    async with SimFleet(tuple(specs)) as fleet, contextlib.AsyncExitStack() as dead:
        faces = [face(s.name, s.url, s.type) for s in fleet.servers]
        faces += [face(f"x{n}", f"http://127.0.0.1:{free_port()}", Type.VLLM) for n in range(8)]
        here = await dead.enter_async_context(gateway(*faces))
        await checked(here)
        listed = (await ask(here.url, request("/v1/models", method="GET"))).json()
        assert len(listed["data"]) == 400  # type: ignore[arg-type]
        report = (await ask(here.url, request("/health", method="GET"))).json()
        assert report["backends"] == {"total": 16, "healthy": 8, "unhealthy": 8}
