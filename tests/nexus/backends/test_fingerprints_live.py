"""Given only a URL, in any spelling: what runs there?"""

from __future__ import annotations

import pytest

from nexus.discovery.identify import Found, identify
from nexus.domain.backend import BackendType
from nexus.domain.urls import normalise
from nexus.simulator.demo_specs import demo_specs
from nexus.simulator.fleet import SimFleet
from nexus.simulator.real import is_available, real_llamacpp
from nexus.upstream.client import ProbeClient

SPELLINGS = ("", "/", "/v1", "/v1/", "/v1/models", "/v1/chat/completions")
PATIENCE_S = 20.0
"""The tests' machine is busy; users get `BUDGET_S`."""


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_a_server_is_recognised_by_any_spelling_of_its_url(spelling: str) -> None:
    async with SimFleet(demo_specs()) as fleet:
        for server in fleet.servers:
            server.loading = False
            if server.type.is_cloud:
                continue
            url = normalise(server.url.upper().replace("HTTP", "http") + spelling)
            found = await identify(ProbeClient(), url, timeout_s=PATIENCE_S)
            assert isinstance(found, Found), (server.name, found)
            assert (found.type, found.url) == (server.type, server.url)
            assert "probably" not in found.detail


@pytest.mark.skipif(not is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_a_real_llamacpp_is_recognised_and_tells_how_busy_it_is() -> None:
    from nexus.backends.table import DIALECTS

    async with real_llamacpp(parallel=2, ctx=512) as server:
        client = ProbeClient()
        found = await identify(client, server.url, timeout_s=PATIENCE_S)
        assert isinstance(found, Found)
        assert found.type is BackendType.LLAMACPP
        dialect = DIALECTS[BackendType.LLAMACPP]
        replies = [
            await client.send(server.url, call, headers={}, timeout_s=PATIENCE_S)
            for call in dialect.models_calls()
        ]
        load = dialect.read_load(replies)
        assert (load.slots, load.running) == (2, 0)
        call = dialect.count_call("tiny", "hello there")
        assert call is not None
        counted = await client.send(server.url, call, headers={}, timeout_s=PATIENCE_S)
        assert (dialect.read_count(counted) or 0) > 0
