from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from nexus.domain.backend import BackendType, Zone
from nexus.simulator import real
from nexus.simulator.demo import REAL_MODEL, demo_fleet, demo_models


async def test_the_demo_fleet_answers_at_the_addresses_it_tells() -> None:
    async with demo_fleet(real=False) as faces, httpx.AsyncClient() as client:
        statuses = [(await client.get(f"{face.url}/v1/models")).status_code for face in faces]

        assert [face.type for face in faces] == [
            BackendType.OLLAMA,
            BackendType.VLLM,
            BackendType.LLAMACPP,
            BackendType.LMSTUDIO,
            BackendType.EXO,
            BackendType.OPENAI,
        ]
        # The llama.cpp box loads its model for the first seconds, as a real one does.
        assert statuses == [200, 200, 503, 200, 200, 200]
        assert {face.name for face in faces if face.zone is Zone.OPEN} == {"openai"}
        assert len({face.id for face in faces}) == len(faces)


@pytest.mark.skipif(not real.is_available(), reason="needs xllamacpp, gguf and numpy")
async def test_the_real_member_is_in_the_fleet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("NEXUS_CACHE_DIR", str(tmp_path))
    async with demo_fleet(real=True) as faces, httpx.AsyncClient() as client:
        listed = (await client.get(f"{faces[0].url}/v1/models")).json()["data"]

        assert len(faces) == 7
        assert [entry["id"] for entry in listed] == [REAL_MODEL]


async def test_without_the_packages_the_demo_goes_on_with_the_simulated_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(real, "find_spec", lambda name: None)
    async with demo_fleet(real=True) as faces:
        assert len(faces) == 6


def test_traffic_asks_only_for_what_the_fleet_can_serve() -> None:
    chat, embeddings = demo_models(real=True)

    assert REAL_MODEL in chat
    assert REAL_MODEL not in demo_models(real=False)[0]
    assert not any(name.startswith("deepseek") for name in chat)
    assert embeddings == ("nomic-embed-text:latest", "text-embedding-3-small")
