"""The demo fleet as the runtime wants it: started together, described as backends."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from nexus.domain.backend import BackendFace, BackendId, BackendType, Source
from nexus.simulator.demo_specs import demo_specs
from nexus.simulator.fleet import SimFleet
from nexus.simulator.real import RealUnavailable, real_llamacpp
from nexus.simulator.spec import Member
from nexus.telemetry.logs import get_logger

_log = get_logger("nexus.simulator")
REAL_MODEL = "tiny-llama"

ROUTES = """\
# The demo's own configuration. It is gone when the demo ends.
[routing.aliases]
gpt-4 = "llama3.3:70b"
fast = "llama3.2:3b"

[routing.fallbacks]
# Local first, cloud when needed.
"llama3.3:70b" = ["qwen3:8b", "gpt-4o"]

[[routing.policies]]
model_pattern = "nomic-*"
privacy = "restricted"
"""
"""Something to see and to edit on the page Routing."""


def demo_faces(servers: Iterable[Member]) -> tuple[BackendFace, ...]:
    """What the registry is told about the members of a demo fleet."""
    return tuple(
        BackendFace(
            id=BackendId(re.sub(r"[^a-z0-9]+", "-", server.name.lower()).strip("-")),
            name=server.name,
            url=server.url,
            type=server.type,
            zone=server.zone,
            source=Source.STATIC,
            priority=server.priority,
        )
        for server in servers
    )


def demo_models(real: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for `trickle`: chat models that the fleet can serve, and embedding models."""
    chat = dict[str, None]()
    embeddings = dict[str, None]()
    for spec in demo_specs():
        for model in spec.models:
            if model.embeddings:
                embeddings[model.id] = None
            elif spec.type is not BackendType.EXO or model.loaded:
                # The rest of exo's catalogue has no instance that would answer.
                chat[model.id] = None
    return (*chat, *([REAL_MODEL] if real else [])), tuple(embeddings)


@asynccontextmanager
async def demo_fleet(real: bool) -> AsyncGenerator[tuple[BackendFace, ...]]:
    """Simulated servers, and with `real` a true llama.cpp beside them.

    Without the optional packages the real member is left out and the log says so.
    """
    async with AsyncExitStack() as stack:
        members: list[Member] = []
        if real:
            try:
                members.append(
                    await stack.enter_async_context(real_llamacpp(REAL_MODEL, embedding=True))
                )
            except RealUnavailable as why:
                _log.warning("the demo has no real member: %s", why)
        fleet = await stack.enter_async_context(SimFleet(demo_specs()))
        yield demo_faces((*members, *fleet.servers))
