"""The Anthropic dialect: only what tells health and lists models, through `GET /v1/models`.

Requests go to Anthropic's OpenAI-compatible path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from nexus.backends import openai, reading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model
from nexus.domain.http import HttpCall

_MODELS = HttpCall("/v1/models?limit=1000")


class Anthropic(openai.OpenAICompatible):
    """Anthropic's API."""

    type = BackendType.ANTHROPIC

    def probe_call(self) -> HttpCall:
        return _MODELS

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (_MODELS,)

    def read_entry(self, name: str, entry: Object) -> Model:
        model = openai.described(name, entry)
        output = reading.count(entry.get("max_tokens"))
        said = facts.told(replace(model, max_output_tokens=output or model.max_output_tokens))
        return facts.filled(said, {"chat": True, "embeddings": False}, FactSource.CATALOGUE)

    def probe_headers(self, key: str) -> Mapping[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}
