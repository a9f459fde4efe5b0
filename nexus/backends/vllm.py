"""The vLLM dialect.

The list tells the running context (`max_model_len`) and nothing about vision, tools or pooling, so
those stay unknown. JSON schemas work always (structured outputs). `/metrics` tells how many
requests run and wait. A sleeping vLLM calls itself
healthy and lets requests hang, hence `/is_sleeping`, which only its development mode has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nexus.backends import metrics, openai, reading
from nexus.backends.base import Concurrency, Outcome, ProbeReading
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model, Residency
from nexus.domain.http import HttpCall, HttpReply

_ALWAYS = {"json_mode": True}


class VLLM(openai.OpenAICompatible):
    """vLLM's OpenAI server."""

    type = BackendType.VLLM

    def models_calls(self) -> tuple[HttpCall, ...]:
        paths = ("/version", "/is_sleeping", "/metrics")
        return (openai.MODELS, *(HttpCall(path) for path in paths))

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        listed = openai.entries(replies[0])
        models = {name: openai.described(name, entry) for name, entry in listed}
        asleep = reading.document(replies[2]).get("is_sleeping") is True
        where = Residency.SLEEPING if asleep else Residency.LOADED
        for name, entry in listed:
            base = models.get(reading.text(entry.get("parent")))
            if base and models[name].context_length is None:
                # A LoRA adapter runs inside its base model's window.
                models[name] = replace(models[name], context_length=base.context_length)
        return tuple(
            facts.filled(
                facts.told(replace(model, residency=where)),
                _ALWAYS,
                FactSource.CATALOGUE,
            )
            for model in models.values()
        )

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        running = metrics.gauge(replies[3], "vllm:num_requests_running")
        return Concurrency(None, running, metrics.gauge(replies[3], "vllm:num_requests_waiting"))

    def count_call(self, model: str, text: str) -> HttpCall | None:
        return HttpCall("/tokenize", "POST", {"model": model, "prompt": text})

    def read_count(self, reply: HttpReply) -> int | None:
        return reading.count(reading.document(reply).get("count"))

    def load_call(self, model: Model) -> HttpCall | None:
        """Wakes the whole server; its models are fixed at its start."""
        return HttpCall("/wake_up", "POST")

    def unload_call(self, model: Model) -> HttpCall | None:
        """Puts the whole server to sleep, its weights in the machine's memory."""
        return HttpCall("/sleep?level=1", "POST")

    def read_lever(self, reply: HttpReply) -> str:
        if reply.status in (404, 405):
            return (
                "vLLM sleeps and wakes only when started with --enable-sleep-mode and "
                "VLLM_SERVER_DEV_MODE=1"
            )
        return super().read_lever(reply)

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        version = reading.short(reading.document(replies[1]).get("version"), 40)
        if reading.document(replies[2]).get("is_sleeping") is True:
            return ProbeReading(
                Outcome.SLEEPING, "asleep (vLLM sleep mode); POST /wake_up wakes it", version
            )
        return ProbeReading(Outcome.OK, version=version)
