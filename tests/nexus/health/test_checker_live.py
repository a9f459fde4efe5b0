"""The whole chain (client, dialect, machine, registry) against servers on real sockets."""

from __future__ import annotations

import time

import pytest

from nexus.discovery.identify import Found, identify
from nexus.domain.backend import Backend, BackendFace, BackendId, BackendStatus, BackendType, Zone
from nexus.health.checker import HealthChecker
from nexus.registry.registry import Registry
from nexus.simulator.demo_specs import demo_specs
from nexus.simulator.fleet import SimFleet
from nexus.simulator.real import is_available, real_llamacpp
from nexus.upstream.client import ProbeClient


async def checked(url: str, type: BackendType, key: str | None = None) -> Backend:
    """A backend as the registry knows it after one check."""
    registry = Registry(lambda event: None, time.time)
    face = BackendFace(BackendId("it"), "it", url, type, Zone.RESTRICTED, api_key_env="KEY")
    registry.add(face)
    checker = HealthChecker(registry, ProbeClient(), lambda face: key)
    await checker.check(face.id)
    return registry.fleet().backends[face.id]


async def test_every_simulated_server_is_recognised_and_tells_what_it_was_given() -> None:
    async with SimFleet(demo_specs()) as fleet:
        for server in fleet.servers:
            server.loading = False
            if not server.type.is_cloud:
                found = await identify(ProbeClient(), server.url, timeout_s=20)
                assert isinstance(found, Found), (server.name, found)
                assert found.type is server.type
            seen = await checked(server.url, server.type, server.spec.api_key)
            assert (seen.status, seen.reason) == (BackendStatus.HEALTHY, ""), server.name
            listed = {model.id: model for model in seen.models}
            servable = {m.id: m for m in server.spec.models if m.id in server.loaded}
            assert set(servable) <= set(listed)
            for name, model in servable.items():
                found_context = listed[name].context_length
                if not server.type.is_cloud:  # a cloud tells none: the catalogue does
                    assert found_context in (None, model.context_length), (server.name, name)
                assert listed[name].vision in (None, model.vision), (server.name, name)
                assert listed[name].tools in (None, model.tools), (server.name, name)


async def test_a_simulated_server_that_loads_is_loading() -> None:
    async with SimFleet(demo_specs()) as fleet:
        pantry = fleet["pantry"]
        pantry.loading = True
        assert (await checked(pantry.url, pantry.type)).status is BackendStatus.LOADING


@pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_a_real_llamacpp_tells_its_context_per_slot_and_its_template() -> None:
    async with real_llamacpp(parallel=2, ctx=512) as server:
        found = await identify(ProbeClient(), server.url, timeout_s=20)
        assert isinstance(found, Found)
        assert found.type is BackendType.LLAMACPP
        seen = await checked(server.url, BackendType.LLAMACPP)
    assert (seen.status, seen.reason) == (BackendStatus.HEALTHY, "")
    assert seen.version
    (model,) = seen.models
    assert (model.id, model.context_length) == ("tiny-llama", 512)
    assert (model.vision, model.tools, model.json_mode) == (False, True, True)
    assert (model.chat, model.embeddings) == (None, None)


@pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_a_real_llamacpp_that_stops_is_refused_and_keeps_its_models() -> None:
    registry = Registry(lambda event: None, time.time)
    checker = HealthChecker(registry, ProbeClient(), lambda face: None, failure_threshold=1)
    async with real_llamacpp() as server:
        face = BackendFace(BackendId("it"), "it", server.url, BackendType.LLAMACPP, Zone.RESTRICTED)
        registry.add(face)
        await checker.check(face.id)
        assert registry.fleet().backends[face.id].status is BackendStatus.HEALTHY
    await checker.check(face.id)
    seen = registry.fleet().backends[face.id]
    assert (seen.status, seen.reason) == (BackendStatus.UNREACHABLE, "connection refused")
    assert [model.id for model in seen.models] == ["tiny-llama"]
