"""Anything else that copies OpenAI's interface.

Two products say more beside their list than in it, and their list shows that it is theirs:

- KoboldCpp: the window it was started with, and whether it sees and hears.
- text-generation-inference (TGI): `max_total_tokens`, which prompt and answer share, and how many
  requests it takes before it says 429.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nexus.backends import openai, reading
from nexus.backends.base import NOT_SAID, Concurrency, Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import Model
from nexus.domain.http import HttpCall, HttpReply

_KOBOLD = (HttpCall("/api/extra/true_max_context_length"), HttpCall("/api/extra/version"))
_TGI = (HttpCall("/info"),)


class Generic(openai.OpenAICompatible):
    """A server about which nothing is known but its interface."""

    def more_calls(self, replies: Sequence[HttpReply]) -> tuple[HttpCall, ...]:
        try:
            listed = openai.entries(replies[0])
        except ValueError:
            return ()
        if any(reading.text(entry.get("owned_by")) == "koboldcpp" for _, entry in listed):
            return _KOBOLD
        if len(listed) == 1 and _like_tgi(*listed[0]):
            return _TGI
        return ()

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        models = super().read_models(replies)
        said = self._said(replies)
        window, kobold = (said.get(call.path, {}) for call in _KOBOLD)
        if len(models) == 1:
            (model,) = models
            tokens = reading.first_count(
                model.context_length,
                window.get("value"),
                said.get("/info", {}).get("max_total_tokens"),
            )
            sees, hears = reading.flag(kobold.get("vision")), reading.flag(kobold.get("audio"))
            model = replace(
                model,
                context_length=tokens,
                vision=model.vision if sees is None else sees,
                audio=model.audio if hears is None else hears,
            )
            return (facts.told(model),)
        return models

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        most = reading.count(self._said(replies).get("/info", {}).get("max_concurrent_requests"))
        return Concurrency(slots=most) if most else NOT_SAID

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        said = self._said(replies)
        told = said.get("/api/extra/version") or said.get("/info") or {}
        return ProbeReading(Outcome.OK, version=reading.short(told.get("version"), 40))

    def _said(self, replies: Sequence[HttpReply]) -> Mapping[str, Object]:
        """The answers to `more_calls`, by path."""
        asked = self.more_calls(replies)
        given = replies[len(self.models_calls()) :]
        return {
            call.path: reading.document(reply) for call, reply in zip(asked, given, strict=False)
        }


def _like_tgi(name: str, entry: Object) -> bool:
    """Its one model owns itself, and was made at the beginning of time."""
    return entry.get("created") == 0 and entry.get("owned_by") == name
