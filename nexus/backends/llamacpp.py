"""The llama.cpp dialect: `llama-server` with one model, and the same program as a router.

- The limit of a request is `n_ctx` as served (the total divided by the slots), not `n_ctx_train`.
- While a model loads, every path answers 503 `Loading model`.
- `--embedding` shows nowhere in a list, so chat and embeddings stay unknown. Tools that a template
  does not know are put into the prompt by the server, so a template without them is no "no".
- A request that does not stream is computed to its end after its client has left.
- `/metrics` (where it is switched on) tells what runs and what waits. `/slots` would too, but being
  asked it wakes a sleeping server and keeps an idle one awake; what is asked here does neither. A
  router answers for one model only, so of a router this is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from nexus.backends import metrics, openai, reading
from nexus.backends.base import Concurrency, Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model, Residency
from nexus.domain.http import HttpCall, HttpReply

_RESIDENCY = {
    "loaded": Residency.LOADED,
    "sleeping": Residency.SLEEPING,
    "loading": Residency.LOADING,
    "downloading": Residency.LOADING,
}
"""A router's words; `unloaded` and `failed` are on disk."""
_ALREADY = frozenset({"model is already running", "model is not running"})
"""A router's words for what need not be done."""
_ALWAYS = {"json_mode": True}
"""Grammars constrain every model."""


class LlamaCpp(openai.OpenAICompatible):
    """llama.cpp's own server."""

    type = BackendType.LLAMACPP
    unary_by_stream = True

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (openai.MODELS, HttpCall("/props"), HttpCall("/metrics"))

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        props = reading.document(replies[1])
        models: dict[str, Model] = {}
        for name, entry in openai.entries(replies[0]):
            model = _listed(name, entry)
            if "status" not in entry:  # one model, so the server's properties are its own
                asleep = props.get("is_sleeping") is True
                where = Residency.SLEEPING if asleep else Residency.LOADED
                model = _with_props(replace(model, residency=where), props)
            model = facts.filled(facts.told(model), _ALWAYS, FactSource.CATALOGUE)
            # --alias a,b: a request may use each of them.
            for alias in (name, *map(reading.model_id, reading.items(entry.get("aliases")))):
                if alias and len(models) < reading.MAX_MODELS:
                    models.setdefault(alias, replace(model, id=alias))
        return tuple(models.values())

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        props = reading.document(replies[1])
        build = reading.short(props.get("build_info"), 40)
        if props.get("is_sleeping") is True:
            return ProbeReading(
                Outcome.SLEEPING, "idle for so long that it freed its memory", build
            )
        return ProbeReading(Outcome.OK, version=build)

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        return Concurrency(
            reading.count(reading.document(replies[1]).get("total_slots")),
            metrics.gauge(replies[2], "llamacpp:requests_processing"),
            metrics.gauge(replies[2], "llamacpp:requests_deferred"),
        )

    def count_call(self, model: str, text: str) -> HttpCall | None:
        return HttpCall("/tokenize", "POST", {"model": model, "content": text})

    def read_count(self, reply: HttpReply) -> int | None:
        return len(reading.items(reading.document(reply).get("tokens"))) or None

    def load_call(self, model: Model) -> HttpCall | None:
        return HttpCall("/models/load", "POST", {"model": model.id})

    def unload_call(self, model: Model) -> HttpCall | None:
        return HttpCall("/models/unload", "POST", {"model": model.id})

    def read_lever(self, reply: HttpReply) -> str:
        said = reading.error_text(reply)
        if reply.status == 400 and said in _ALREADY:
            return ""
        if reply.status == 404:
            return "only llama.cpp's router mode loads and unloads; this one has a single model"
        return super().read_lever(reply)

    def detail_calls(self, models: Sequence[Model]) -> Mapping[str, HttpCall]:
        """A router's loaded models; asking for another would load it."""
        return {
            model.id: HttpCall(f"/props?model={quote(model.id, safe='')}&autoload=false")
            for model in models
            if model.loaded and model.tools is None and model.audio is None
        }

    def read_detail(self, model: Model, reply: HttpReply) -> Model:
        return facts.told(_with_props(model, reading.document(reply)))


def _listed(name: str, entry: Object) -> Model:
    model = replace(openai.described(name, entry), audio=None)
    status = reading.text(reading.obj(entry.get("status")).get("value"))
    if not status:
        return model
    where = _RESIDENCY.get(status, Residency.INSTALLED)
    loaded = where in (Residency.LOADED, Residency.SLEEPING)
    # A router guesses the modalities of what it has not loaded.
    vision = model.vision if loaded or model.vision else None
    return replace(model, residency=where, vision=vision)


def _with_props(model: Model, props: Object) -> Model:
    """What `/props` of the server that runs the model adds."""
    settings = reading.obj(props.get("default_generation_settings"))
    modalities = reading.obj(props.get("modalities"))
    vision = reading.flag(modalities.get("vision"))
    template = reading.obj(props.get("chat_template_caps"))
    return replace(
        model,
        context_length=model.context_length or reading.count(settings.get("n_ctx")),
        vision=model.vision if vision is None else vision,
        audio=reading.flag(modalities.get("audio")),
        tools=True if template.get("supports_tools") is True else model.tools,
    )
