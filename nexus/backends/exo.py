"""The exo dialect.

`/v1/models` is exo's whole catalogue; only models with a running instance (`/state`) can be asked
for, so only those are listed. There is no `/health`; `/node_id` is the cheapest sign of life. A
cluster with a peer outside the own network may compute there: then every model is zone `open`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from nexus.backends import openai, reading
from nexus.backends.base import Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.addresses import is_outside
from nexus.domain.backend import BackendType, FactSource, Model, Residency, Zone
from nexus.domain.http import HttpCall, HttpReply

_PEER = re.compile(r"/ip[46]/([0-9a-fA-F.:]{2,45})/|\"ipAddress\":\"([0-9a-fA-F.:]{2,45})\"")


class Exo(openai.OpenAICompatible):
    """exo 1.0 and later."""

    type = BackendType.EXO

    def probe_call(self) -> HttpCall:
        return HttpCall("/node_id")

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (HttpCall("/state"), openai.MODELS)

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        running = _running(replies[0])
        known: dict[str, Object] = {}
        if replies[1].status:
            try:
                known = dict(openai.entries(replies[1]))
            except ValueError:
                known = {}
        zone = Zone.OPEN if _peer_outside(replies[0]) else None
        return tuple(_model(name, known.get(name, {}), zone) for name in running)

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        try:
            idle = not _running(replies[0])
        except ValueError:
            idle = False
        reason = "no model instance is running on exo" if idle else ""
        if peer := _peer_outside(replies[0]):
            reason = f"zone open: exo has a peer outside your network ({peer})"
        return ProbeReading(Outcome.OK, reason)


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


def _peer_outside(reply: HttpReply) -> str:
    """The address of a peer that is on the public internet; empty where no such is visible."""
    topology = reading.document(reply).get("topology")
    text = msgspec.json.encode(topology).decode("utf-8", "replace") if topology else ""
    for found in _PEER.finditer(text):
        address = found[1] or found[2]
        if is_outside(address):
            return address
    return ""


def _model(name: str, entry: Object, zone: Zone | None) -> Model:
    able = reading.words(entry.get("capabilities"))
    said = replace(
        openai.described(name, entry),
        vision="vision" in able if able else None,
        reasoning=True if "thinking" in able or entry.get("reasoning_dialect") else None,
        residency=Residency.LOADED,
        zone=zone,
    )
    documented = {"tools": True, "embeddings": False, "chat": True}
    return facts.filled(facts.told(said), documented, FactSource.CATALOGUE)
