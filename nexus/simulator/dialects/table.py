"""Which dialect speaks for which backend type. Types without an entry cannot be simulated yet."""

from __future__ import annotations

from collections.abc import Mapping

from nexus.domain.backend import BackendType
from nexus.simulator.dialects.base import Dialect
from nexus.simulator.dialects.exo import Exo
from nexus.simulator.dialects.llamacpp import LlamaCpp
from nexus.simulator.dialects.lmstudio import LmStudio
from nexus.simulator.dialects.ollama import Ollama
from nexus.simulator.dialects.openai import Generic, OpenAi
from nexus.simulator.dialects.vllm import Vllm

DIALECTS: Mapping[BackendType, Dialect] = {
    BackendType.OLLAMA: Ollama(),
    BackendType.VLLM: Vllm(),
    BackendType.LLAMACPP: LlamaCpp(),
    BackendType.LMSTUDIO: LmStudio(),
    BackendType.EXO: Exo(),
    BackendType.OPENAI: OpenAi(),
    BackendType.GENERIC: Generic(),
}
