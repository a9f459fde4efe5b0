"""Servers with a name, a zone and a tier, and the gateway over them: for stories about routing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nexus.domain.backend import BackendFace, Zone
from nexus.runtime import Gateway
from tests.fakes.client import CHAT, Reply, ask, chat, request
from tests.fakes.gateway import face, gateway
from tests.fakes.upstream import Script, Upstream, answer, reply, upstream

HOME, AWAY = Zone.RESTRICTED, Zone.OPEN
GOOD = answer(reply(b'{"id":"c1","choices":[{"index":0,"message":{"content":"hi"}}]}'))
BROKEN = answer(reply(b'{"error":{"message":"out of memory"}}', "500 Internal Server Error"))


@dataclass
class Server:
    """One server as a story tells of it."""

    models: tuple[str, ...] = ("m",)
    script: Script = GOOD
    zone: Zone = HOME
    up: bool = True
    more: dict[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of its face."""


@dataclass
class Story:
    """The running gateway and its servers by name."""

    gateway: Gateway
    servers: dict[str, Upstream]

    async def chat(
        self, headers: dict[str, str] | None = None, path: str = CHAT, /, **body: object
    ) -> Reply:
        """One request to the gateway."""
        lines = {"content-type": "application/json", **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        what: dict[str, object] = chat(**body)
        if path.endswith("embeddings"):
            what = {"model": what["model"], "input": "hi"}
        return await ask(self.gateway.url, request(path, what, headers=head))

    def asked(self, name: str) -> int:
        """Prompts that this server has received."""
        return len(self.servers[name].got)


@contextlib.asynccontextmanager
async def story(
    tmp_path: Path | None = None, config: str = "", /, **servers: Server
) -> AsyncGenerator[Story]:
    """The gateway over these servers. One that is not `up` has been seen and has gone."""
    async with contextlib.AsyncExitStack() as stack:
        here: dict[str, Upstream] = {}
        faces: list[BackendFace] = []
        gone: list[contextlib.AsyncExitStack] = []
        for name, told in servers.items():
            own = contextlib.AsyncExitStack()
            if told.up:
                own = stack
            else:
                gone.append(own)
            here[name] = await own.enter_async_context(upstream(told.script, list(told.models)))
            more: dict[str, Any] = {"zone": told.zone, "zone_told": True, **told.more}
            faces.append(face(name, here[name].url, **more))
        running = gateway(*faces, config=config, tmp_path=tmp_path)
        it = await stack.enter_async_context(running)
        for own in gone:
            await own.aclose()
        for its_face, told in zip(faces, servers.values(), strict=True):
            for _ in range(0 if told.up else 3):  # health_check.failure_threshold
                await it.control.backends.check(its_face.id)
        yield Story(it, here)


def context(answer: Reply) -> dict[str, Any]:
    """The circumstances of a refusal, beside the error and inside it."""
    body: dict[str, Any] = answer.json()
    assert body["context"] == body["error"]["context"]
    return body["context"]


def details(answer: Reply) -> list[dict[str, str]]:
    """The header with the reasons."""
    return json.loads(answer.headers["x-nexus-rejection-details"])
