"""The LM Studio dialect.

`/v1/models` has the names a request may use; `/api/v1/models` (0.4 on) or `/api/v0/models` tell
what they can do. LM Studio answers 200 to any path, so only shapes count. It prompts every model
for tools, so "not trained for tool use" is no "no".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus.backends import openai, reading
from nexus.backends.base import Concurrency, Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model, Residency, Zone
from nexus.domain.http import HttpCall, HttpReply


class LMStudio(openai.OpenAICompatible):
    """LM Studio's server, with or without its window."""

    type = BackendType.LMSTUDIO

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (openai.MODELS, HttpCall("/api/v1/models"), HttpCall("/api/v0/models"))

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        known: dict[str, Model] = {}
        for entry in reading.objects(reading.document(replies[1]).get("models")):
            known.update((model.id, model) for model in _v1(entry))
        for entry in reading.objects(reading.document(replies[2]).get("data")):
            if name := reading.model_id(entry.get("id")):
                known.setdefault(name, _v0(name, entry))
        return tuple(
            facts.filled(facts.told(model), {"json_mode": model.chat}, FactSource.CATALOGUE)
            for name, entry in openai.entries(replies[0])
            if (model := _placed(known.get(name) or openai.described(name, entry), entry))
        )

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        try:
            away = sum(model.zone is Zone.OPEN for model in self.read_models(replies))
        except ValueError:
            away = 0
        if not away:
            return ProbeReading(Outcome.OK)
        those = "1 model is" if away == 1 else f"{away} models are"
        return ProbeReading(
            Outcome.OK,
            f"{those} another machine's, over LM Link (zone open); its network may not be yours",
        )

    def load_call(self, model: Model) -> HttpCall | None:
        return HttpCall("/api/v1/models/load", "POST", {"model": model.id})

    def unload_call(self, model: Model) -> HttpCall | None:
        """The first instance of a model has the model's name."""
        return HttpCall("/api/v1/models/unload", "POST", {"instance_id": model.id})

    def read_lever(self, reply: HttpReply) -> str:
        if _too_old(reading.error_text(reply)):
            return "loading by request needs LM Studio 0.4 or newer"
        return super().read_lever(reply)

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        """Each loaded instance says how many requests it takes at once (`parallel`)."""
        parallel = [
            reading.count(reading.obj(instance.get("config")).get("parallel"))
            for entry in reading.objects(reading.document(replies[1]).get("models"))
            for instance in reading.objects(entry.get("loaded_instances"))
        ]
        return Concurrency(slots=sum(filter(None, parallel)) or None)


def _too_old(said: str) -> bool:
    return said.startswith("Unexpected endpoint or method")


def _placed(model: Model, *entries: Object) -> Model:
    """`model`, in zone `open` where one of these says that another machine runs it.

    LM Studio's documentation promises no such field. Its SDK has `deviceIdentifier`, which is null
    for what runs here, so where a list has that too, it is believed.
    """
    away = any(
        reading.text(entry.get(name))
        for entry in entries
        for name in ("deviceIdentifier", "device_identifier")
    )
    return replace(model, zone=Zone.OPEN) if away else model


def _v1(entry: Object) -> tuple[Model, ...]:
    """A model and its loaded instances, which have names of their own."""
    key = reading.model_id(entry.get("key"))
    able = reading.obj(entry.get("capabilities"))
    model = _kind(
        Model(key, context_length=reading.count(entry.get("max_context_length"))),
        reading.text(entry.get("type")),
    )
    if able:
        reasons = "reasoning" in able and able["reasoning"] not in (None, False)
        model = replace(
            model,
            vision=reading.flag(able.get("vision")),
            tools=True if able.get("trained_for_tool_use") is True else None,
            reasoning=True if reasons else model.reasoning,
        )
    loaded: list[Model] = []
    for instance in reading.objects(entry.get("loaded_instances")):
        window = reading.count(reading.obj(instance.get("config")).get("context_length"))
        one = replace(
            model,
            id=reading.model_id(instance.get("id")),
            context_length=window or model.context_length,
            residency=Residency.LOADED,
        )
        loaded.append(_placed(one, entry, instance))
    # Asked by its key, any instance may answer: only the smallest window is promised.
    windows = [one.context_length for one in loaded if one.context_length]
    whole = replace(
        model,
        context_length=min(windows) if windows else model.context_length,
        residency=Residency.LOADED if loaded else Residency.INSTALLED,
    )
    whole = _placed(whole, entry, *reading.objects(entry.get("loaded_instances")))
    return tuple(one for one in (*loaded, whole) if one.id)


def _v0(name: str, entry: Object) -> Model:
    kind = reading.text(entry.get("type"))
    loaded = entry.get("state") == "loaded"
    model = Model(
        name,
        context_length=reading.first_count(
            entry.get("loaded_context_length") if loaded else None,
            entry.get("max_context_length"),
        ),
        vision={"vlm": True, "llm": False}.get(kind),
        tools=True if "tool_use" in reading.words(entry.get("capabilities")) else None,
        residency=Residency.LOADED if loaded else Residency.INSTALLED,
    )
    return _placed(_kind(model, kind), entry)


def _kind(model: Model, kind: str) -> Model:
    if kind in ("embedding", "embeddings"):
        return replace(model, embeddings=True, chat=False)
    return replace(model, chat=True) if kind in ("llm", "vlm") else model
