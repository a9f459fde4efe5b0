"""`nexus models load|unload` and `--memory` against the real gateway over simulated servers."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from nexus.domain.backend import BackendType, Model, Residency
from nexus.simulator.fleet import SimFleet
from nexus.simulator.spec import SimSpec
from tests.fakes.commands import Commands
from tests.fakes.gateway import face, gateway

LLAMA = Model("llama3.2:3b", 8192, chat=True, residency=Residency.INSTALLED)
SPECS = (
    SimSpec("tower", BackendType.OLLAMA, (LLAMA, Model("phi", 8192, chat=True))),
    SimSpec("pantry", BackendType.OLLAMA, (LLAMA,)),
    SimSpec("away", BackendType.OPENAI, (Model("gpt", 8192),)),
)


@pytest.fixture
async def nexus(capsys: pytest.CaptureFixture[str]) -> AsyncGenerator[Commands]:
    async with SimFleet(SPECS) as fleet:
        faces = [face(server.name, server.url, server.type) for server in fleet.servers]
        async with gateway(*faces) as here:
            yield Commands(here.url, capsys)


async def test_a_model_is_loaded_and_unloaded_where_it_was_said(nexus: Commands) -> None:
    words = ("llama3.2:3b", "--on", "tower")
    assert await nexus("models", "load", *words) == (0, "Loaded llama3.2:3b on tower.\n", "")
    rows = [line.split() for line in (await nexus("models", "--memory"))[1].splitlines()]
    assert rows[0] == ["Model", "Backend", "Status", "Memory", "Tokens/s"]
    assert ["llama3.2:3b", "tower", "healthy", "loaded", "-"] in rows
    assert ["llama3.2:3b", "pantry", "healthy", "installed", "-"] in rows

    told = await nexus.json("models", "unload", *words)
    assert told == {"backend": "tower", "model": "llama3.2:3b", "loaded": False}
    (one,) = (await nexus.json("models", "--memory", "--backend", "pantry"))["models"]
    assert [at["residency"] for at in one["backends"]] == ["installed"]


async def test_the_only_backend_that_has_a_model_needs_no_name(nexus: Commands) -> None:
    assert (await nexus.json("models", "load", "phi"))["backend"] == "tower"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("llama3.2:3b",), "Say where with --on: 'llama3.2:3b' is at tower, pantry"),
        (("nothing",), "No backend lists 'nothing'"),
        (("phi", "--on", "nobody"), "No backend is called 'nobody'. Backends: tower, pantry, away"),
        (("phi", "--on", "pantry"), "Backend 'pantry' lists no model 'phi'"),
        (("gpt",), "Backend 'away' (openai) cannot load 'gpt': its server offers no way"),
    ],
)
async def test_what_cannot_be_loaded_is_a_sentence(
    words: tuple[str, ...], said: str, nexus: Commands
) -> None:
    code, out, err = await nexus("models", "load", *words)
    assert (code, out) == (1, "")
    assert said in err
