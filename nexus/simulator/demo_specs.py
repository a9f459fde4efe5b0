"""The demo's fleet: six believable servers of six kinds with overlapping models."""

from __future__ import annotations

from nexus.domain.backend import BackendType, Model, Residency, Zone
from nexus.simulator.spec import SimSpec

_K = 1024


def demo_specs() -> tuple[SimSpec, ...]:
    """A workstation, a GPU box, a small llama.cpp box, a slow Mac, a cluster and a cloud."""
    return (
        SimSpec(
            "workstation",
            BackendType.OLLAMA,
            (
                _chat("llama3.2:3b", 32 * _K, tools=True),
                _chat(
                    "qwen3:8b", 32 * _K, tools=True, reasoning=True, residency=Residency.INSTALLED
                ),
                _chat("llava:7b", 8 * _K, tools=False, vision=True, residency=Residency.INSTALLED),
                _embedding("nomic-embed-text:latest", 8 * _K),
            ),
            slots=4,
            prefill_tps=1800,
            decode_tps=62,
            jitter=0.25,
            model_load_s=1.5,
            answer_tokens=(20, 90),
            priority=30,
            seed=1,
        ),
        SimSpec(
            "gpu-box",
            BackendType.VLLM,
            (
                _chat("qwen3:8b", 40 * _K, tools=True),
                _chat("llama3.3:70b", 64 * _K, tools=True),
            ),
            slots=16,
            prefill_tps=9000,
            decode_tps=95,
            jitter=0.15,
            answer_tokens=(20, 120),
            priority=10,
            seed=2,
        ),
        SimSpec(
            "pantry",
            BackendType.LLAMACPP,
            (_chat("llama3.2:3b", 8 * _K, tools=True),),
            slots=2,
            prefill_tps=500,
            decode_tps=28,
            jitter=0.3,
            load_s=4.0,
            answer_tokens=(16, 60),
            priority=40,
            seed=3,
        ),
        SimSpec(
            "studio-mac",
            BackendType.LMSTUDIO,
            (
                _chat("gemma3:12b", 16 * _K, tools=True, vision=True),
                _chat("qwen3:8b", 16 * _K, tools=True, residency=Residency.INSTALLED),
                _embedding("nomic-embed-text:latest", 2 * _K),
            ),
            slots=2,
            prefill_tps=260,
            decode_tps=11,
            jitter=0.4,
            model_load_s=3.0,
            answer_tokens=(16, 60),
            priority=50,
            seed=4,
        ),
        SimSpec(
            "attic-cluster",
            BackendType.EXO,
            (
                _chat("llama3.3:70b", 32 * _K, tools=True),
                _chat("deepseek-v3.1:671b", 64 * _K, tools=True, residency=Residency.INSTALLED),
            ),
            slots=1,
            prefill_tps=320,
            decode_tps=14,
            jitter=0.35,
            answer_tokens=(20, 70),
            priority=60,
            seed=5,
        ),
        SimSpec(
            "openai",
            BackendType.OPENAI,
            (
                _chat("gpt-5-mini", 400_000, tools=True, vision=True, reasoning=True),
                _chat("gpt-4o", 128_000, tools=True, vision=True),
                _embedding("text-embedding-3-small", 8191),
            ),
            slots=64,
            prefill_tps=20_000,
            decode_tps=110,
            jitter=0.5,
            answer_tokens=(24, 120),
            zone=Zone.OPEN,
            priority=90,
            seed=6,
        ),
    )


def _chat(
    id: str,
    context_length: int,
    *,
    tools: bool,
    vision: bool = False,
    reasoning: bool = False,
    residency: Residency = Residency.LOADED,
) -> Model:
    return Model(
        id,
        context_length,
        vision=vision,
        tools=tools,
        json_mode=True,
        embeddings=False,
        reasoning=reasoning,
        chat=True,
        residency=residency,
    )


def _embedding(id: str, context_length: int) -> Model:
    return Model(
        id,
        context_length,
        vision=False,
        tools=False,
        embeddings=True,
        chat=False,
        residency=Residency.LOADED,
    )
