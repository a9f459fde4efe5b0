"""The Ollama dialect.

- `/api/tags` carries capabilities and the trained context since May 2026; older servers tell them
  per model in `/api/show`. A loaded model's true window is in `/api/ps`.
- Models that Ollama forwards to ollama.com (`remote_host`, or a tag ending in `cloud`) are zone
  `open`, whatever the backend's zone is, and the reason says so. Ollama forwards such a name also
  where it does not list it; what is not listed is never asked for.
- An `embedding` capability is known; its absence is not a "no", since Ollama embeds with chat
  models too. JSON schemas work with every chat model (`format`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nexus.backends import openai, reading
from nexus.backends.base import Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model, Residency, Zone
from nexus.domain.http import HttpCall, HttpReply

TAGS = HttpCall("/api/tags")
_NUM_CTX = re.compile(r"^num_ctx\s+(\d{1,12})\s*$", re.MULTILINE)


class Ollama(openai.OpenAICompatible):
    """Ollama's server."""

    type = BackendType.OLLAMA

    def probe_call(self) -> HttpCall:
        return TAGS

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (TAGS, HttpCall("/api/ps"), HttpCall("/api/version"))

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        answered = reading.document(replies[1])
        running = dict(reading.named(reading.objects(answered.get("models")), "model", "name"))
        models: list[Model] = []
        for name, entry in _tags(replies[0]):
            remote = _is_remote(name, entry)
            model = _able(
                Model(
                    name,
                    context_length=reading.count(
                        reading.obj(entry.get("details")).get("context_length")
                    ),
                    zone=Zone.OPEN if remote else None,
                ),
                entry,
            )
            if name in running:
                window = reading.count(running[name].get("context_length"))
                model = replace(
                    model,
                    context_length=window or model.context_length,
                    residency=Residency.LOADED,
                )
            elif "models" in answered and not remote:
                model = replace(model, residency=Residency.INSTALLED)
            models.append(_documented(model))
        return tuple(models)

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        version = reading.short(reading.document(replies[2]).get("version"), 40)
        try:
            remote = sum(_is_remote(name, entry) for name, entry in _tags(replies[0]))
        except ValueError:
            remote = 0
        if not remote:
            return ProbeReading(Outcome.OK, version=version)
        those = "1 model is a cloud model" if remote == 1 else f"{remote} models are cloud models"
        return ProbeReading(
            Outcome.OK, f"{those} (zone open): Ollama sends their prompts to ollama.com", version
        )

    def load_call(self, model: Model) -> HttpCall | None:
        """An empty prompt loads and generates nothing. Embedding models have a path of their own.

        How long it stays is left to the server (`OLLAMA_KEEP_ALIVE`).
        """
        if model.zone is Zone.OPEN:
            return None  # it runs at ollama.com
        if model.chat is False:
            return HttpCall("/api/embed", "POST", {"model": model.id, "input": ""})
        return HttpCall("/api/generate", "POST", {"model": model.id, "stream": False})

    def unload_call(self, model: Model) -> HttpCall | None:
        if model.zone is Zone.OPEN:
            return None
        return HttpCall(
            "/api/generate", "POST", {"model": model.id, "keep_alive": 0, "stream": False}
        )

    def detail_calls(self, models: Sequence[Model]) -> Mapping[str, HttpCall]:
        return {
            model.id: HttpCall("/api/show", "POST", {"model": model.id})
            for model in models
            # Of a cloud model, Ollama would ask ollama.com.
            if model.zone is None and (model.chat is None or model.context_length is None)
        }

    def read_detail(self, model: Model, reply: HttpReply) -> Model:
        shown = reading.document(reply)
        info = reading.obj(shown.get("model_info"))
        trained = next(
            (value for key, value in info.items() if key.endswith(".context_length")), None
        )
        preset = _NUM_CTX.search(reading.text(shown.get("parameters")))
        window = model.context_length
        if not (model.loaded and window):  # a loaded model's own window is already known
            window = reading.count(int(preset[1])) if preset else reading.count(trained) or window
        return _documented(_able(replace(model, context_length=window), shown))


def _tags(reply: HttpReply) -> tuple[tuple[str, Object], ...]:
    """The entries of `/api/tags`. Raises ValueError when there is no list."""
    body = reading.obj(reading.parse(reply))
    models = body.get("models")
    if reading.array(models) is None and not ("models" in body and models is None):
        raise ValueError("JSON without a list of models")
    return tuple(reading.named(reading.objects(models), "model", "name"))


def _is_remote(name: str, entry: Object) -> bool:
    """True for a model that runs at ollama.com. `:local` at the end says that it does not."""
    if reading.text(entry.get("remote_host")) or reading.text(entry.get("remote_model")):
        return True
    tag = name.rpartition(":")[2].lower() if ":" in name else ""
    return tag == "cloud" or tag.endswith("-cloud")


def _able(model: Model, entry: Object) -> Model:
    """What a `capabilities` list says; nothing where there is none."""
    able = reading.words(entry.get("capabilities"))
    if not able:
        return model
    chat = "completion" in able
    return replace(
        model,
        chat=chat,
        embeddings=True if "embedding" in able else model.embeddings,
        vision="vision" in able,
        audio="audio" in able,
        tools="tools" in able,
        reasoning="thinking" in able,
    )


def _documented(model: Model) -> Model:
    """`format` constrains every chat model, and no other."""
    return facts.filled(facts.told(model), {"json_mode": model.chat}, FactSource.CATALOGUE)
