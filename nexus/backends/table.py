"""Every dialect there is, by the word that configuration uses for it."""

from __future__ import annotations

from collections.abc import Mapping

from nexus.backends.anthropic import Anthropic
from nexus.backends.base import Dialect
from nexus.backends.exo import Exo
from nexus.backends.generic import Generic
from nexus.backends.google import Google
from nexus.backends.llamacpp import LlamaCpp
from nexus.backends.lmstudio import LMStudio
from nexus.backends.ollama import Ollama
from nexus.backends.openai import OpenAI
from nexus.backends.vllm import VLLM
from nexus.domain.backend import BackendType

_ALL: tuple[Dialect, ...] = (
    Ollama(),
    VLLM(),
    LlamaCpp(),
    Exo(),
    LMStudio(),
    OpenAI(),
    Anthropic(),
    Google(),
    Generic(),
)
DIALECTS: Mapping[BackendType, Dialect] = {dialect.type: dialect for dialect in _ALL}
