"""The Google dialect: Gemini's native list for facts, its OpenAI-compatible path for requests.

The key travels in a header, never in a URL, where logs would keep it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexus.backends import openai, reading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, Model
from nexus.domain.http import HttpCall, HttpReply
from nexus.domain.request import Endpoint

_MODELS = HttpCall("/v1beta/models?pageSize=1000")


class Google(openai.OpenAICompatible):
    """Google's Gemini API."""

    type = BackendType.GOOGLE

    def probe_call(self) -> HttpCall:
        return _MODELS

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (_MODELS,)

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        models = reading.obj(reading.parse(replies[0])).get("models")
        if reading.array(models) is None:
            raise ValueError("JSON without a list of models")
        listed = reading.named(reading.objects(models), "name")
        found = (_model(name, entry) for name, entry in listed)
        return tuple(model for model in found if model.id)

    def probe_headers(self, key: str) -> Mapping[str, str]:
        return {"x-goog-api-key": key}

    def chat_path(self, endpoint: Endpoint) -> str:
        return "/v1beta/openai" + endpoint.value.removeprefix("/v1")


def _model(name: str, entry: Object) -> Model:
    methods = reading.words(entry.get("supportedGenerationMethods"))
    thinking = reading.flag(entry.get("thinking"))
    model = Model(
        name.removeprefix("models/"),
        context_length=reading.count(entry.get("inputTokenLimit")),
        max_output_tokens=reading.count(entry.get("outputTokenLimit")),
        chat="generatecontent" in methods if methods else None,
        embeddings="embedcontent" in methods if methods else None,
        reasoning=thinking,
    )
    return facts.told(model)
