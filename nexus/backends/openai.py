"""The OpenAI dialect: what nearly every server answers, and what the other dialects extend.

Facts are taken from the fields that servers add to their model list (vLLM, OpenRouter, Groq,
Together, Mistral, Lemonade), never from a model's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from nexus.backends import catalogue, reading
from nexus.backends.base import NOT_SAID, Concurrency, Outcome, ProbeReading
from nexus.backends.reading import Object
from nexus.domain import facts
from nexus.domain.backend import BackendType, FactSource, Model
from nexus.domain.http import HttpCall, HttpReply
from nexus.domain.request import Endpoint

MODELS = HttpCall("/v1/models")


class OpenAICompatible:
    """A server known only by the interface it copies. No state: an instance is a set of words."""

    type = BackendType.GENERIC
    unary_by_stream = False

    def probe_call(self) -> HttpCall:
        return MODELS

    def read_probe(self, reply: HttpReply) -> ProbeReading:
        return judge(reply)

    def models_calls(self) -> tuple[HttpCall, ...]:
        return (MODELS,)

    def more_calls(self, replies: Sequence[HttpReply]) -> tuple[HttpCall, ...]:
        return ()

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        return tuple(
            facts.told(self.read_entry(name, entry))
            for name, entry in entries(replies[0])
            if entry.get("active") is not False  # Groq lists models that it no longer serves
        )

    def read_entry(self, name: str, entry: Object) -> Model:
        """One entry of the model list."""
        return described(name, entry)

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        return ProbeReading(Outcome.OK)

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        return NOT_SAID

    def count_call(self, model: str, text: str) -> HttpCall | None:
        return None

    def read_count(self, reply: HttpReply) -> int | None:
        return None

    def load_call(self, model: Model) -> HttpCall | None:
        return None

    def unload_call(self, model: Model) -> HttpCall | None:
        return None

    def read_lever(self, reply: HttpReply) -> str:
        """Any error field is a no: some servers answer 200 to everything."""
        said = reading.error_text(reply)
        if 200 <= reply.status < 300:
            return said if reading.error_document(reply).get("error") else ""
        return f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"

    def detail_calls(self, models: Sequence[Model]) -> Mapping[str, HttpCall]:
        return {}

    def read_detail(self, model: Model, reply: HttpReply) -> Model:
        return model

    def probe_headers(self, key: str) -> Mapping[str, str]:
        return self.auth_headers(key)

    def auth_headers(self, key: str) -> Mapping[str, str]:
        return {"authorization": f"Bearer {key}"}

    def chat_path(self, endpoint: Endpoint) -> str:
        return endpoint  # the path itself


class OpenAI(OpenAICompatible):
    """OpenAI itself, whose list says nothing about its models: see `nexus.backends.catalogue`."""

    type = BackendType.OPENAI

    def read_entry(self, name: str, entry: Object) -> Model:
        said = described(name, entry)
        known = catalogue.openai_model(name)
        # What the server says of a field beats what we remember of it.
        return facts.filled(said, known, FactSource.CATALOGUE) if known else said


def judge(reply: HttpReply) -> ProbeReading:
    """Health from a status line and, where it fails, from what the body says."""
    status = reply.status
    said = reading.error_text(reply)
    detail = f": {said}" if said else ""
    if 200 <= status < 300:
        if reading.error_document(reply).get("error"):
            # LM Studio answers 200 to any path it does not have.
            return ProbeReading(Outcome.FAILED, f"answers like another kind of server{detail}")
        return ProbeReading(Outcome.OK)
    if status in (401, 403):
        return ProbeReading(Outcome.DENIED, f"HTTP {status}{detail}")
    if status == 429:
        return ProbeReading(Outcome.OK, f"rate limited (HTTP 429{detail})")
    if status == 503 and "loading" in said.lower():
        return ProbeReading(Outcome.LOADING, said)
    if 300 <= status < 400:
        where = reading.short(reply.headers.get("location", ""), 80)
        return ProbeReading(
            Outcome.FAILED, f"HTTP {status}: redirects to {where or 'another address'}; use that"
        )
    if status in (404, 405):
        return ProbeReading(Outcome.FAILED, f"HTTP {status}{detail}: are URL and type right?")
    return ProbeReading(Outcome.FAILED, f"HTTP {status}{detail}" if status else "no answer")


def entries(reply: HttpReply) -> tuple[tuple[str, Object], ...]:
    """The entries of a `/v1/models` answer, each with its id.

    Raises ValueError when there is no list: neither `{"data": […]}` nor, as Together has it, a bare
    array. `{"object": "list", "data": null}` is Ollama's empty list.
    """
    found = reading.parse(reply)
    body = reading.obj(found)
    data = body.get("data", found)
    if data is None and body.get("object") == "list":
        return ()
    if reading.array(data) is None:
        raise ValueError("JSON without a list of models")
    return tuple(reading.named(reading.objects(data), "id"))


def described(name: str, entry: Object) -> Model:
    """A model with every fact that some server is known to put into its list entry."""
    meta = reading.obj(entry.get("meta"))
    top = reading.obj(entry.get("top_provider"))
    parameters = reading.obj(entry.get("parameters"))
    model = Model(
        name,
        context_length=reading.first_count(
            entry.get("loaded_context_length"),
            entry.get("max_model_len"),
            meta.get("n_ctx"),
            entry.get("context_length"),
            entry.get("context_window"),
            entry.get("max_context_length"),
            entry.get("max_context_window"),
            parameters.get("max_seq_len"),
            entry.get("max_input_tokens"),
        ),
        max_output_tokens=reading.first_count(
            top.get("max_completion_tokens"),
            entry.get("max_completion_tokens"),
            entry.get("max_output_tokens"),
        ),
    )
    return _by_type(_by_labels(_by_parameters(_by_modality(model, entry), entry), entry), entry)


def _by_modality(model: Model, entry: Object) -> Model:
    """`architecture.input_modalities`: OpenRouter, llama.cpp. A complete list, so absence is no."""
    modalities = reading.words(reading.obj(entry.get("architecture")).get("input_modalities"))
    if not modalities:
        return model
    return replace(model, vision="image" in modalities, audio="audio" in modalities)


def _by_parameters(model: Model, entry: Object) -> Model:
    """`supported_parameters` (OpenRouter) and a `capabilities` object (Mistral)."""
    parameters = reading.words(entry.get("supported_parameters"))
    if parameters:
        model = replace(
            model,
            tools="tools" in parameters,
            json_mode="response_format" in parameters or "structured_outputs" in parameters,
            reasoning="reasoning" in parameters,
        )
    able = reading.obj(entry.get("capabilities"))
    if able:
        model = replace(
            model,
            chat=_or(reading.flag(able.get("completion_chat")), model.chat),
            tools=_or(reading.flag(able.get("function_calling")), model.tools),
            vision=_or(reading.flag(able.get("vision")), model.vision),
        )
    return model


def _by_labels(model: Model, entry: Object) -> Model:
    """`labels` (Lemonade). Not promised to be complete, so absence says nothing."""
    labels = reading.words(entry.get("labels"))
    if not labels:
        return model
    embeds = "embeddings" in labels or "embedding" in labels
    return replace(
        model,
        vision=True if "vision" in labels else model.vision,
        audio=True if "audio" in labels else model.audio,
        tools=True if "tool-calling" in labels else model.tools,
        reasoning=True if "reasoning" in labels else model.reasoning,
        embeddings=True if embeds else model.embeddings,
        chat=False if embeds or "reranking" in labels else model.chat,
    )


def _by_type(model: Model, entry: Object) -> Model:
    """`type` (Together)."""
    kind = reading.text(entry.get("type"))
    if kind in ("embedding", "embeddings"):
        return replace(model, embeddings=True, chat=False)
    return replace(model, chat=True) if kind == "chat" else model


def _or(said: bool | None, before: bool | None) -> bool | None:
    return before if said is None else said
