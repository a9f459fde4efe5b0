from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from nexus.domain.backend import (
    Backend,
    BackendFace,
    BackendId,
    BackendStatus,
    BackendType,
    Residency,
    Zone,
)
from nexus.domain.events import BackendChanged, Event
from nexus.domain.http import HttpReply
from nexus.errors import UpstreamTimeout
from nexus.health.checker import HealthChecker
from nexus.registry.registry import Registry
from tests.fakes import hearsay
from tests.fakes.captures import recorded, said
from tests.fakes.probing import HandClock, ScriptedAsker, settle

VLLM = recorded("vllm/models", "vllm/version", "vllm/is_sleeping")
LLAMACPP = recorded("llamacpp/models", "llamacpp/props")


class World:
    """A registry, a checker, a scripted network and a clock."""

    def __init__(self, **options: Any) -> None:
        self.events: list[Event] = []
        self.clock = HandClock()
        self.registry = Registry(self.events.append, lambda: self.clock.seconds)
        self.asker = ScriptedAsker()
        self.keys: dict[str, str] = {}
        self.checker = HealthChecker(
            self.registry,
            self.asker,
            lambda face: self.keys.get(face.api_key_env or ""),
            clock=self.clock,
            **{"interval_s": 30.0, "chance": lambda: 0.5, **options},
        )

    def add(self, name: str, type: BackendType = BackendType.VLLM, **face: Any) -> BackendId:
        told = BackendFace(BackendId(name), name, f"http://{name}:1", type, Zone.RESTRICTED)
        assert self.registry.add(replace(told, **face))
        return told.id

    def serve(self, name: str, replies: Any) -> None:
        self.asker.serve(f"http://{name}:1", replies)

    def seen(self, name: str) -> Backend:
        return self.registry.fleet().backends[BackendId(name)]

    def status(self, name: str) -> BackendStatus:
        return self.seen(name).status


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.checker.run())
        await settle()
        yield world
        task.cancel()


async def test_the_first_check_is_immediate_and_lists_models_and_version() -> None:
    world = World()
    world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        seen = world.seen("gpu")
        assert (seen.status, seen.reason, seen.version) == (BackendStatus.HEALTHY, "", "0.32.0")
        assert [model.id for model in seen.models] == ["tiny"]
        assert seen.probe_ms is not None
        # The probe was the model list, so that was not asked twice.
        assert world.asker.count("http://gpu:1", "/v1/models") == 1


async def test_a_backend_that_comes_later_is_checked_at_once() -> None:
    world = World()
    async with running(world):
        world.add("late")
        world.serve("late", VLLM)
        world.checker.wake(BackendId("late"))
        await settle()
        assert world.status("late") is BackendStatus.HEALTHY


async def test_a_backend_that_nobody_announced_is_noticed_within_a_second() -> None:
    world = World()
    async with running(world):
        world.add("quiet")
        world.serve("quiet", VLLM)
        await world.clock.turn(1.0)
        assert world.status("quiet") is BackendStatus.HEALTHY


async def test_a_dead_backend_delays_nobody() -> None:
    world = World()
    for name in ("dead-1", "dead-2", "alive"):
        world.add(name)
        world.serve(name, VLLM)
    for name in ("dead-1", "dead-2"):
        world.asker.held[f"http://{name}:1"] = asyncio.Event()
    async with running(world):
        assert world.status("alive") is BackendStatus.HEALTHY
        assert world.status("dead-1") is BackendStatus.UNKNOWN
        await world.clock.turn(95)
        assert world.asker.count("http://alive:1", "/v1/models") >= 4


async def test_three_failures_in_a_row_take_it_out_and_two_successes_bring_it_back() -> None:
    world = World()
    world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.asker.stop("http://gpu:1")
        await world.clock.turn(23)  # the first pause is 22.5 s
        assert world.status("gpu") is BackendStatus.HEALTHY
        assert world.seen("gpu").reason == "check 1 of 3 failed: connection refused"
        assert world.seen("gpu").models_stale
        await world.clock.turn(1)
        assert world.seen("gpu").reason == "check 2 of 3 failed: connection refused"
        await world.clock.turn(1)
        seen = world.seen("gpu")
        assert (seen.status, seen.reason) == (BackendStatus.UNREACHABLE, "connection refused")
        assert seen.next == "checked again every 5 s"
        assert ([model.id for model in seen.models], seen.models_stale) == (["tiny"], True)
        world.serve("gpu", VLLM)
        await world.clock.turn(4.75)
        assert world.status("gpu") is BackendStatus.UNREACHABLE
        assert "recovering" in world.seen("gpu").reason
        await world.clock.turn(0.5)
        seen = world.seen("gpu")
        assert (seen.status, seen.reason, seen.next) == (BackendStatus.HEALTHY, "", "")
        assert not seen.models_stale


async def test_a_server_of_this_machine_that_comes_back_is_routable_within_three_seconds() -> None:
    world = World(chance=lambda: 0.999)
    here = BackendFace(
        BackendId("here"), "here", "http://127.0.0.1:1", BackendType.VLLM, Zone.RESTRICTED
    )
    world.registry.add(here)
    async with running(world):
        assert world.seen("here").next == "checked again every second"
        await world.clock.turn(3600)
        world.asker.serve("http://127.0.0.1:1", VLLM)
        await world.clock.turn(3)
        assert world.seen("here").is_routable


async def test_a_failure_does_not_touch_the_round_trip() -> None:
    world = World()
    takes = 0.02

    def pass_time() -> None:
        world.clock.seconds += takes

    world.asker.on_ask = pass_time
    world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        assert world.seen("gpu").probe_ms == pytest.approx(20)
        takes = 5.0
        world.serve("gpu", {"/v1/models": UpstreamTimeout("connected, but no answer within 5 s")})
        await world.clock.turn(30)
        assert world.seen("gpu").probe_ms == pytest.approx(20)
        assert "no answer within 5 s" in world.seen("gpu").reason


async def test_checks_spread_out_around_the_interval() -> None:
    chances = iter([0.0, 0.9, 0.3, 0.6] * 100)
    world = World(chance=lambda: next(chances))
    names = ("a", "b", "c", "d")
    for name in names:
        world.add(name)
        world.serve(name, VLLM)
    async with running(world):
        world.events.clear()
        moments: dict[str, float] = {}
        for _ in range(31):
            await world.clock.turn(1)
            for event in world.events:
                assert isinstance(event, BackendChanged)
                moments.setdefault(event.backend.name, world.clock.seconds)
            world.events.clear()
    assert set(moments) == set(names)
    assert len(set(moments.values())) > 1


async def test_a_loading_server_is_its_own_status_and_is_asked_again_soon() -> None:
    world = World()
    world.add("cpp", BackendType.LLAMACPP)
    world.serve("cpp", recorded("llamacpp-loading/models_loading"))
    async with running(world):
        assert world.status("cpp") is BackendStatus.LOADING
        assert world.seen("cpp").reason == "Loading model"
        world.serve("cpp", LLAMACPP)
        await world.clock.turn(2)
        assert world.status("cpp") is BackendStatus.HEALTHY


async def test_a_router_that_loads_a_model_is_asked_again_soon() -> None:
    world = World()
    world.add("cpp", BackendType.LLAMACPP)
    router = recorded("llamacpp-router/props")
    world.serve("cpp", {**router, **recorded("llamacpp-router/models_loading")})
    async with running(world):
        assert world.status("cpp") is BackendStatus.HEALTHY
        world.serve("cpp", {**router, **recorded("llamacpp-router/models_loaded")})
        await world.clock.turn(2)
        loaded = {m.id: m.residency for m in world.seen("cpp").models}
        assert loaded["tiny-chat"] is Residency.LOADED


async def test_a_sleeping_vllm_is_not_routable() -> None:
    world = World()
    world.add("gpu")
    world.serve("gpu", {**VLLM, "/is_sleeping": said({"is_sleeping": True})})
    async with running(world):
        assert world.status("gpu") is BackendStatus.SLEEPING
        assert "wake_up" in world.seen("gpu").reason
        assert not world.seen("gpu").is_routable


async def test_a_sleeping_llamacpp_is_routable_since_the_next_request_wakes_it() -> None:
    world = World()
    world.add("cpp", BackendType.LLAMACPP)
    world.serve("cpp", recorded("llamacpp-auth/models_sleeping", "llamacpp-auth/props_sleeping"))
    async with running(world):
        seen = world.seen("cpp")
        assert (seen.status, seen.next) == (BackendStatus.SLEEPING, "wakes on the next request")
        assert seen.is_routable
        assert seen.models


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (HttpReply(200, b"<html>", {"content-type": "text/html"}), "not readable JSON (text/html)"),
        (HttpReply(200, b""), "not readable JSON"),
        (HttpReply(200, b'{"data": [{"id": "m"'), "not readable JSON"),
        (HttpReply(200, b'{"surprise": 1}'), "JSON without a list of models"),
    ],
)
async def test_an_unreadable_list_leaves_it_healthy_with_its_models_and_a_reason(
    reply: HttpReply, why: str
) -> None:
    world = World()
    world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.serve("gpu", {**VLLM, "/v1/models": reply})
        await world.clock.turn(30)
        assert world.status("gpu") is BackendStatus.HEALTHY
        assert why in world.seen("gpu").reason
        assert [model.id for model in world.seen("gpu").models] == ["tiny"]


async def test_an_empty_list_clears_the_models() -> None:
    world = World()
    world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.serve("gpu", {**VLLM, "/v1/models": said({"object": "list", "data": []})})
        await world.clock.turn(30)
        seen = world.seen("gpu")
        assert (seen.status, seen.models) == (BackendStatus.HEALTHY, ())
        assert seen.reason == "lists no models"
        assert world.registry.fleet().by_model == {}


async def test_cloud_models_of_ollama_are_zone_open_and_the_reason_says_so() -> None:
    world = World()
    world.add("ollama", BackendType.OLLAMA)
    world.serve("ollama", hearsay.OLLAMA)
    async with running(world):
        seen = world.seen("ollama")
        assert seen.status is BackendStatus.HEALTHY
        assert "ollama.com" in seen.reason
        outside = {model.id for model in seen.models if model.zone is Zone.OPEN}
        assert outside == {"gpt-oss:120b-cloud", "kimi-k2:cloud"}


async def test_old_ollama_tells_each_model_once_and_not_in_every_round() -> None:
    world = World()
    world.add("ollama", BackendType.OLLAMA)
    tags = said({"models": [{"name": "a:7b"}, {"name": "b:7b"}]})
    show = said({"capabilities": ["completion"], "model_info": {"x.context_length": 4096}})
    world.serve(
        "ollama", {"/api/tags": tags, "/api/show": show, "/api/version": said({"version": "0.5"})}
    )
    async with running(world):
        assert [m.context_length for m in world.seen("ollama").models] == [4096, 4096]
        await world.clock.turn(120)
        assert world.asker.count("http://ollama:1", "/api/show") == 2
        assert world.asker.count("http://ollama:1", "/api/tags") >= 4
        assert world.seen("ollama").models[0].chat is True


@pytest.mark.parametrize(
    ("env", "key", "advice"),
    [
        (None, None, "set api_key_env for this backend"),
        ("GPU_KEY", None, "set GPU_KEY"),
        ("GPU_KEY", "sk-wrong", "check the key in GPU_KEY"),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_names_the_variable_and_never_the_key(
    env: str | None, key: str | None, advice: str, status: int
) -> None:
    world = World()
    world.add("gpu", api_key_env=env)
    world.serve("gpu", {"/v1/models": said({"error": "Unauthorized"}, status)})
    if env and key:
        world.keys[env] = key
    async with running(world):
        assert world.status("gpu") is BackendStatus.AUTH_ERROR
        assert "authentication failed" in world.seen("gpu").reason
        assert world.seen("gpu").next == advice
        assert "sk-wrong" not in world.seen("gpu").reason
    sent = any("authorization" in headers for headers in world.asker.headers)
    assert sent is (key is not None)


async def test_the_result_for_a_backend_that_has_left_is_thrown_away() -> None:
    world = World()
    gone = world.add("gpu")
    world.serve("gpu", VLLM)
    held = world.asker.held["http://gpu:1"] = asyncio.Event()
    async with running(world):
        world.registry.remove(gone)
        other = world.add("gpu", url="http://elsewhere:1")
        world.events.clear()
        held.set()
        await settle()
        assert world.seen("gpu").status is BackendStatus.UNKNOWN
        assert world.seen("gpu").models == ()
        # The one that took its name is checked for itself.
        world.asker.serve("http://elsewhere:1", VLLM)
        world.checker.wake(other)
        await settle()
        await world.clock.turn(30)
        assert world.status("gpu") is BackendStatus.HEALTHY


async def test_a_failed_connection_is_looked_into_at_once_and_until_it_is_clear() -> None:
    world = World()
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.asker.stop("http://gpu:1")
        await world.clock.turn(5)
        before = world.asker.count("http://gpu:1")
        for _ in range(100):
            world.checker.connection_failed(gpu, "connection refused")
            await settle()
        assert world.asker.count("http://gpu:1") == before + 1
        await world.clock.turn(3)
        assert world.status("gpu") is BackendStatus.UNREACHABLE
        after = world.asker.count("http://gpu:1")
        await world.clock.turn(10)
        assert world.asker.count("http://gpu:1") <= after + 2


async def test_a_failed_connection_that_was_a_mishap_changes_nothing() -> None:
    world = World()
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.checker.connection_failed(gpu, "reset")
        await world.clock.turn(3)
        assert world.status("gpu") is BackendStatus.HEALTHY
        assert world.asker.count("http://gpu:1", "/v1/models") == 2


async def test_failed_connections_to_a_server_that_answers_do_not_make_a_storm_of_checks() -> None:
    world = World()
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        await world.clock.turn(5)
        for _ in range(50):
            world.checker.connection_failed(gpu, "reset")
            await settle()
        assert world.asker.count("http://gpu:1", "/v1/models") == 2
        await world.clock.turn(1)
        assert world.asker.count("http://gpu:1", "/v1/models") == 3


async def test_an_operators_check_is_done_when_the_registry_knows() -> None:
    world = World()
    world.add("gpu")
    await world.checker.check(BackendId("gpu"))
    assert world.status("gpu") is BackendStatus.UNREACHABLE
    await world.checker.check(BackendId("nobody"))


async def test_checks_at_the_same_time_are_one_check() -> None:
    world = World()
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    held = world.asker.held["http://gpu:1"] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(world.checker.check(gpu))
        await settle()
        held.set()
    assert world.asker.count("http://gpu:1", "/v1/models") == 1


async def test_draining_survives_good_checks() -> None:
    world = World()
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        world.registry.set_draining(gpu, True)
        await world.clock.turn(60)
        assert world.status("gpu") is BackendStatus.DRAINING


async def test_without_health_checks_models_are_learnt_and_the_status_stays_unknown() -> None:
    world = World(enabled=False)
    gpu = world.add("gpu")
    world.serve("gpu", VLLM)
    async with running(world):
        assert world.status("gpu") is BackendStatus.UNKNOWN
        assert "tiny" in world.registry.fleet().by_model
        await world.clock.turn(300)
        world.checker.connection_failed(gpu, "refused")
        await settle()
        assert world.asker.count("http://gpu:1", "/v1/models") == 1


async def test_a_surprise_in_one_check_does_not_stop_the_others() -> None:
    class Odd(ScriptedAsker):
        async def send(self, base_url: str, *args: Any, **named: Any) -> HttpReply:
            if "odd" in base_url:
                raise RuntimeError("a bug of ours")
            return await super().send(base_url, *args, **named)

    world = World()
    asker = Odd()
    checker = HealthChecker(world.registry, asker, lambda face: None, clock=world.clock)
    world.add("odd")
    world.add("gpu")
    asker.serve("http://gpu:1", VLLM)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(checker.run())
        await world.clock.turn(100)
        task.cancel()
    assert world.status("gpu") is BackendStatus.HEALTHY
    assert asker.count("http://gpu:1", "/v1/models") >= 3


async def test_stopping_leaves_no_task_behind() -> None:
    world = World()
    for name in ("a", "b"):
        world.add(name)
        world.asker.held[f"http://{name}:1"] = asyncio.Event()
    async with running(world):
        pass
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_changed_type_is_asked_in_its_own_dialect() -> None:
    world = World()
    changed = world.add("x", BackendType.GENERIC)
    world.serve("x", {**VLLM, **hearsay.OLLAMA})
    async with running(world):
        assert world.asker.count("http://x:1", "/api/tags") == 0
        world.registry.set_face(replace(world.seen("x").face, type=BackendType.OLLAMA))
        world.checker.wake(changed)
        await settle()
        assert world.asker.count("http://x:1", "/api/tags") == 1
