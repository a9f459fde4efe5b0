"""The common part of every dialect: from a request to a reply, or to work for a model. Pure.

A dialect is this class with its own words. What all servers share (which body means what, in which
order they look at it) is here; paths, refusals, shapes and habits are in the subclasses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from nexus.domain.backend import Model
from nexus.simulator.answer import Answer, Step, think
from nexus.simulator.ask import (
    Ask,
    BadBody,
    as_text,
    read_chat,
    read_completion,
    read_inputs,
    read_object,
)
from nexus.simulator.prose import number
from nexus.simulator.spec import SimSpec
from nexus.simulator.wire import JSON, Reply, Request, reply_json


@dataclass(frozen=True, slots=True)
class Situation:
    """What a dialect may know of its server at the moment of a request."""

    spec: SimSpec
    unix_s: int
    turn: int = 0
    """Number of the request; ids are made of it."""
    loading: bool = False
    busy: int = 0
    waiting: int = 0
    generated: int = 0
    """Tokens written since start."""
    loaded: frozenset[str] = frozenset()
    """Ids of the models in memory."""
    arriving: frozenset[str] = frozenset()
    """Ids of the models that are being loaded."""

    def ident(self, length: int) -> str:
        """A hexadecimal id for this request, `length` long, not all digits alike."""
        text = ""
        while len(text) < length:
            text += f"{number(self.spec.name, str(self.turn), text):016x}"
        return text[:length]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a generation took, milliseconds."""

    prompt_ms: float
    predicted_ms: float
    queued_ms: float = 0.0


class Voice(Protocol):
    """Puts an answer on the wire: in one piece, or token by token."""

    content_type: str
    """Of a streamed answer."""

    def opening(self) -> bytes:
        """What is sent before the first token."""
        ...

    def step(self, step: Step, last: bool) -> bytes:
        """One token. `last` is true for the final one."""
        ...

    def closing(self, timing: Timing) -> bytes:
        """What follows the last token."""
        ...

    def whole(self, timing: Timing) -> Reply:
        """The answer when it is not streamed."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """A request that a model has to answer."""

    model: Model
    answer: Answer
    voice: Voice
    stream: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """Models go into memory or out of it, and the reply to whoever wanted that."""

    reply: Reply
    load: frozenset[str] = frozenset()
    unload: frozenset[str] = frozenset()
    at_once: bool = False
    """True where the reply does not wait for the loading."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything a voice needs to speak."""

    ask: Ask
    answer: Answer
    model: Model
    situation: Situation


class Dialect:
    """OpenAI's protocol with the smallest vocabulary; subclasses replace words."""

    headers: tuple[tuple[str, str], ...] = ()
    """Sent with every answer."""
    stream_headers: tuple[tuple[str, str], ...] = ()
    """Sent with streamed ones in addition."""
    json_type = JSON
    """How JSON is labelled."""
    keep_alive_s = 75.0
    announces_keep_alive = False
    closes_after_errors = False
    closes_after_streams = False
    waits_for_a_wake = False
    """True when a request for a model that was put to sleep hangs until somebody wakes it."""
    finishes_unheard = False
    """True when a non-streaming generation goes on after its client has left."""

    def answer(self, request: Request, situation: Situation) -> Reply | Work | Moved:
        """Reply at once, or say what has to be generated, loaded or unloaded."""
        refused = self.gate(request, situation)
        if refused is not None:
            return refused
        page = self.page(request, situation)
        if page is not None:
            return page
        kind = self.posts(situation.spec).get(request.path)
        if kind is None:
            return self.unknown_path(request)
        if request.method != "POST":
            return self.wrong_method(request)
        try:
            data = read_object(request.body)
        except BadBody as bad:
            return self.bad_json(str(bad))
        match kind:
            case "chat":
                return self._generate(read_chat(data), situation, self.chat_voice)
            case "text":
                return self._generate(read_completion(data), situation, self.text_voice)
            case "embed":
                return self._embed(data, situation)
            case _:
                return self.other(kind, data, situation)

    # Where things are.

    def posts(self, spec: SimSpec) -> dict[str, str]:
        """Posted paths, with the kind of each."""
        return {
            "/v1/chat/completions": "chat",
            "/v1/completions": "text",
            "/v1/embeddings": "embed",
        }

    def page(self, request: Request, situation: Situation) -> Reply | None:
        """The answer to a path that needs no model; None when it is not one of those."""
        return self.models(situation) if is_get(request, "/v1/models") else None

    def other(
        self, kind: str, data: dict[str, object], situation: Situation
    ) -> Reply | Work | Moved:
        """A posted path of the dialect's own kind."""
        raise NotImplementedError(kind)

    def gate(self, request: Request, situation: Situation) -> Reply | None:
        """What is refused before the path is looked at: a wrong key, a model still loading."""
        key = situation.spec.api_key
        if key is not None and not self.is_open(request) and request.bearer() != key:
            return self.unauthorised(request)
        return self.not_ready(request) if situation.loading else None

    def is_open(self, request: Request) -> bool:
        """True for paths that need no key."""
        return False

    def find(self, name: str, situation: Situation) -> Model | None:
        """The model that `name` means here."""
        return next((model for model in situation.spec.models if model.id == name), None)

    # What is said.

    def models(self, situation: Situation) -> Reply:
        """The answer of `GET /v1/models`."""
        entries = [
            {"id": m.id, "object": "model", "created": situation.unix_s, "owned_by": "simulated"}
            for m in situation.spec.models
        ]
        return reply_json({"object": "list", "data": entries})

    def chat_voice(self, heard: Heard) -> Voice:
        raise NotImplementedError

    def text_voice(self, heard: Heard) -> Voice:
        raise NotImplementedError

    def embed_voice(self, heard: Heard, inputs: tuple[str, ...]) -> Voice:
        raise NotImplementedError

    # How things are refused.

    def error(
        self, status: int, message: str, type: str, code: object = None, param: object = None
    ) -> Reply:
        """The dialect's error shape."""
        body = {"message": message, "type": type, "param": param, "code": code}
        return reply_json({"error": body}, status)

    def failure(self, status: int) -> Reply:
        """An error of the server itself: what the fault switches send."""
        return self.error(status, "simulated failure", "server_error", "simulated")

    def unauthorised(self, request: Request) -> Reply:
        return self.error(
            401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"
        )

    def not_ready(self, request: Request) -> Reply | None:
        return self.error(503, "The model is loading.", "server_error", "loading")

    def unknown_path(self, request: Request) -> Reply:
        return self.error(404, f"Unknown path {request.path}", "invalid_request_error")

    def wrong_method(self, request: Request) -> Reply:
        return self.error(405, f"Not allowed: {request.method}", "invalid_request_error")

    def bad_json(self, why: str) -> Reply:
        return self.error(400, f"The body is not JSON: {why}", "invalid_request_error")

    def no_messages(self) -> Reply:
        return self.error(
            400, "Missing required parameter: 'messages'.", "invalid_request_error",
            "missing_required_parameter", "messages",
        )  # fmt: skip

    def no_input(self) -> Reply:
        return self.error(400, "'input' is required", "invalid_request_error", None, "input")

    def no_model(self, name: str, situation: Situation) -> Reply:
        return self.error(
            404, f"The model `{name}` does not exist.", "invalid_request_error", "model_not_found"
        )

    def no_image(self, model: Model) -> Reply | None:
        return self.error(400, f"{model.id} cannot see images.", "invalid_request_error")

    def no_tools(self, model: Model) -> Reply | None:
        """Most servers let tools through and write text; None means that."""
        return None

    def no_chat(self, model: Model) -> Reply | None:
        return self.error(400, f"{model.id} does not chat.", "invalid_request_error")

    def no_embeddings(self, model: Model) -> Reply | None:
        return self.error(400, f"{model.id} does not embed.", "invalid_request_error")

    def too_long(self, tokens: int, limit: int) -> Reply | None:
        """None where the server drops the beginning of the prompt and goes on."""
        return self.error(
            400,
            f"This model's maximum context length is {limit} tokens. However, your messages "
            f"resulted in {tokens} tokens. Please reduce the length of the messages.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        )

    def too_much(self, ask: Ask, limit: int) -> Reply | None:
        """The answer to a `max_tokens` over the window; None where it is clipped."""
        return None

    # The order in which a body is looked at.

    def _generate(self, ask: Ask, situation: Situation, voice: _MakeVoice) -> Reply | Work:
        if not ask.has_messages:
            return self.no_messages()
        model = self.find(ask.model, situation)
        if model is None:
            return self.no_model(ask.model, situation)
        refused = self._refuse(ask, model)
        if refused is not None:
            return refused
        answer = think(situation.spec, model, ask)
        return Work(model, answer, voice(Heard(ask, answer, model, situation)), ask.stream)

    def _refuse(self, ask: Ask, model: Model) -> Reply | None:
        limit = model.context_length
        checks = (
            self.no_chat(model) if model.chat is False else None,
            self.no_image(model) if ask.image and not model.vision else None,
            self.no_tools(model) if ask.tools and model.tools is False else None,
            self.too_long(ask.prompt_tokens, limit)
            if limit and ask.prompt_tokens > limit
            else None,
            self.too_much(ask, limit) if limit and (ask.max_tokens or 0) > limit else None,
        )
        return next((check for check in checks if check is not None), None)

    def _embed(self, data: dict[str, object], situation: Situation) -> Reply | Work:
        name, inputs = as_text(data.get("model")), read_inputs(data)
        model = self.find(name, situation)
        if model is None:
            return self.no_model(name, situation)
        if not model.embeddings:
            refused = self.no_embeddings(model)
            if refused is not None:
                return refused
        if inputs is None:
            return self.no_input()
        ask = Ask(name, "\n".join(inputs), base64=data.get("encoding_format") == "base64")
        answer = Answer(prompt_tokens=ask.prompt_tokens, seed=number(name, ask.prompt))
        voice = self.embed_voice(Heard(ask, answer, model, situation), inputs)
        return Work(model, answer, voice, stream=False)


class _MakeVoice(Protocol):
    def __call__(self, heard: Heard, /) -> Voice: ...


def is_get(request: Request, *paths: str) -> bool:
    """True for GET and HEAD of one of `paths`."""
    return request.method in {"GET", "HEAD"} and request.path in paths


def stamp(unix_s: int) -> str:
    """RFC 3339 in UTC."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")
