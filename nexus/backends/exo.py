"""The exo dialect.

`/v1/models` is exo's whole catalogue; only models with a running instance (`/state`) can be asked
for, so only those are listed. There is no `/health`; `/node_id` is the cheapest sign of life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus.backends import openai, reading
from nexus.backends.base import Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain.backend import BackendType, Model
from nexus.domain.http import HttpCall, HttpReply


class Exo(openai.OpenAICompatible):
    """exo 1.0 and later."""

    type = BackendType.EXO

    def probe_call(self) -> HttpCall:
        return HttpCall("/node_id")

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (HttpCall("/state"), openai.MODELS)

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        known: dict[str, Object] = {}
        if replies[1].status:
            try:
                known = dict(openai.entries(replies[1]))
            except ValueError:
                known = {}
        return tuple(_model(name, known.get(name, {})) for name in _running(replies[0]))

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        try:
            idle = not _running(replies[0])
        except ValueError:
            idle = False
        return ProbeReading(Outcome.OK, "no model instance is running on exo" if idle else "")


def _running(reply: HttpReply) -> tuple[str, ...]:
    """Ids of the models that have an instance. Raises ValueError when there is no state."""
    state = reading.obj(reading.parse(reply))
    if not isinstance(state.get("instances"), dict):
        raise ValueError("JSON without exo's instances")
    found: dict[str, None] = {}
    for instance in map(reading.obj, reading.obj(state["instances"]).values()):
        # An instance is {"<Kind>": {...}}; its kind is of no interest here.
        for body in (instance, *map(reading.obj, instance.values())):
            assigned = reading.obj(body.get("shardAssignments"))
            if name := reading.model_id(assigned.get("modelId")):
                found[name] = None
    return tuple(found)[: reading.MAX_MODELS]


def _model(name: str, entry: Object) -> Model:
    able = reading.words(entry.get("capabilities"))
    return replace(
        openai.described(name, entry),
        vision="vision" in able if able else None,
        reasoning=True if "thinking" in able or entry.get("reasoning_dialect") else None,
        tools=True,
        embeddings=False,
        chat=True,
        loaded=True,
    )
