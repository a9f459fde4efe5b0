"""Loading and unloading over real sockets, at every kind of server that can and that cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager

import pytest

from nexus.domain.backend import (
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Model,
    Residency,
    default_zone,
)
from nexus.domain.http import HttpCall, HttpReply
from nexus.errors import Conflict, NotFound, UpstreamError, UpstreamTimeout
from nexus.health.checker import HealthChecker
from nexus.lifecycle.levers import Levers
from nexus.registry.registry import Registry
from nexus.simulator.fleet import SimFleet
from nexus.simulator.server import SimServer
from nexus.simulator.spec import SimSpec
from nexus.upstream.client import ProbeClient

IT = BackendId("it")
WARM = Model("warm:1b", 4096, chat=True, residency=Residency.LOADED)
COLD = Model("cold:8b", 4096, chat=True, residency=Residency.INSTALLED)
EMBED = Model("embed:s", 2048, chat=False, embeddings=True, residency=Residency.INSTALLED)


class Hands:
    """The real client, which counts what it posted; it can be made to fail."""

    def __init__(self) -> None:
        self.client = ProbeClient()
        self.posted: list[HttpCall] = []
        self.fails: UpstreamError | None = None

    async def send(
        self, base_url: str, call: HttpCall, *, headers: Mapping[str, str], timeout_s: float
    ) -> HttpReply:
        if call.method == "POST" and call.path != "/api/show":
            self.posted.append(call)
            if self.fails is not None:
                raise self.fails
        return await self.client.send(base_url, call, headers=headers, timeout_s=timeout_s)


class Here:
    """A simulated server, what is known of it, and its levers."""

    def __init__(self, server: SimServer) -> None:
        self.server = server
        self.registry = Registry(lambda event: None, lambda: 1.0)
        kind = server.type
        face = BackendFace(IT, "it", server.url, kind, default_zone(kind))
        self.registry.add(face)
        self.hands = Hands()
        checker = HealthChecker(self.registry, self.hands, lambda face: "sim-key")
        self.check = checker.check
        self.levers = Levers(
            self.registry, self.hands, lambda face: "sim-key", checker.check, pause=_at_once
        )

    def where(self, model_id: str) -> Residency | None:
        backend = self.registry.find(IT)
        assert backend is not None
        return next((model.residency for model in backend.models if model.id == model_id), None)

    async def until(self, model_id: str, where: Residency) -> None:
        async with asyncio.timeout(10):
            while self.where(model_id) is not where:
                await asyncio.sleep(0)


async def _problem(wish: Awaitable[object]) -> str:
    """What it fails with."""
    try:
        await wish
    except Conflict as problem:
        return problem.message
    return ""


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0)


@asynccontextmanager
async def serving(type: BackendType, *models: Model, load_s: float = 0.0) -> AsyncGenerator[Here]:
    models = models or (WARM, COLD, EMBED)
    spec = SimSpec("it", type, models, model_load_s=load_s, api_key="sim-key")
    async with asyncio.timeout(20), SimFleet((spec,)) as fleet:
        yield Here(fleet.servers[0])
        assert fleet.servers[0].seen.crashes == []


MOVERS = (BackendType.OLLAMA, BackendType.LMSTUDIO, BackendType.LLAMACPP)


@pytest.mark.parametrize("model", [COLD, EMBED], ids=["chat", "embedding"])
@pytest.mark.parametrize("type", MOVERS)
async def test_a_model_goes_into_memory_and_out_again(type: BackendType, model: Model) -> None:
    async with serving(type) as here:
        backend = await here.levers.load(IT, model.id)

        assert here.where(model.id) is Residency.LOADED
        assert model.id in here.server.loaded
        assert backend == here.registry.find(IT)

        await here.levers.unload(IT, model.id)

        assert here.where(model.id) is Residency.INSTALLED
        assert here.server.loaded == {WARM.id}


async def test_vllm_is_put_to_sleep_and_woken_as_a_whole() -> None:
    async with serving(BackendType.VLLM, WARM) as here:
        asleep = await here.levers.unload(IT, WARM.id)

        assert (asleep.status, here.where(WARM.id)) == (
            BackendStatus.SLEEPING,
            Residency.SLEEPING,
        )
        assert not asleep.is_routable

        awake = await here.levers.load(IT, WARM.id)

        assert (awake.status, here.where(WARM.id)) == (BackendStatus.HEALTHY, Residency.LOADED)


async def test_a_router_that_loads_behind_its_yes_is_waited_for() -> None:
    async with serving(BackendType.LLAMACPP, load_s=3600) as here, asyncio.TaskGroup() as group:
        wish = group.create_task(here.levers.load(IT, COLD.id), name="a wish")
        await here.until(COLD.id, Residency.LOADING)
        assert not wish.done()
        here.server.arriving.clear()
        here.server.loaded.add(COLD.id)
        backend = await wish

        assert (backend, here.where(COLD.id)) == (here.registry.find(IT), Residency.LOADED)


async def test_a_router_that_gives_up_is_told() -> None:
    async with serving(BackendType.LLAMACPP, load_s=3600) as here, asyncio.TaskGroup() as group:
        wish = group.create_task(_problem(here.levers.load(IT, COLD.id)), name="a wish")
        await here.until(COLD.id, Residency.LOADING)
        here.server.arriving.clear()

        assert "'it' began to load 'cold:8b' and gave up" in await wish


@pytest.mark.parametrize("type", MOVERS)
async def test_what_is_so_already_is_not_asked_for(type: BackendType) -> None:
    async with serving(type) as here:
        await here.levers.load(IT, WARM.id)
        await here.levers.unload(IT, COLD.id)

        assert here.hands.posted == []


@pytest.mark.parametrize("type", [BackendType.GENERIC, BackendType.OPENAI, BackendType.EXO])
async def test_a_server_without_levers_is_named_in_the_refusal(type: BackendType) -> None:
    async with serving(type, WARM) as here:
        with pytest.raises(Conflict, match=rf"'it' \({type}\) cannot unload 'warm:1b'"):
            await here.levers.unload(IT, WARM.id)

        assert here.hands.posted == []


async def test_a_llamacpp_with_one_model_says_that_only_its_router_could() -> None:
    async with serving(BackendType.LLAMACPP, WARM) as here:
        with pytest.raises(Conflict, match="router mode"):
            await here.levers.unload(IT, WARM.id)


async def test_a_model_that_is_not_listed_is_not_found() -> None:
    async with serving(BackendType.OLLAMA) as here:
        with pytest.raises(NotFound, match="lists no model 'nope'"):
            await here.levers.load(IT, "nope")
        with pytest.raises(NotFound, match="No backend"):
            await here.levers.load(BackendId("gone"), "nope")


async def test_a_server_that_does_not_answer_is_told_with_its_name() -> None:
    async with serving(BackendType.OLLAMA) as here:
        here.hands.fails = UpstreamTimeout("connected, but no answer within 600 s")

        with pytest.raises(UpstreamTimeout, match="'it' did not load 'cold:8b': connected, but"):
            await here.levers.load(IT, COLD.id)


async def test_a_second_wish_for_the_same_model_is_refused_while_the_first_goes_on() -> None:
    async with serving(BackendType.LMSTUDIO, load_s=3600) as here:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(here.levers.load(IT, COLD.id), name="first wish")
            await here.server.seen.until(lambda seen: seen.by_path["/api/v1/models/load"] == 1)
            with pytest.raises(Conflict, match="already"):
                await here.levers.load(IT, COLD.id)
            first.cancel()

        assert len(here.hands.posted) == 1
