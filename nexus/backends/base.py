"""What a dialect is: it writes the questions to a server and reads the answers; it holds no socket.

A check asks `probe_call`, and where that is well, `models_calls` and then `detail_calls`. The first
of `models_calls` is the one that must succeed; the others refine it, and arrive as an `HttpReply`
of status 0 where they got no answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from nexus.domain.backend import BackendType, Model
from nexus.domain.http import HttpCall, HttpReply
from nexus.domain.request import Endpoint


class Outcome(Enum):
    """What one probe says about a server."""

    OK = "ok"
    LOADING = "loading"
    SLEEPING = "sleeping"
    """Its model was put aside, by itself or by somebody."""
    FAILED = "failed"
    DENIED = "denied"
    """401 or 403: it lives, and will not talk to us."""
    SILENT = "silent"
    """It took the connection and did not answer in time. No dialect says this: nothing came."""
    UNREACHABLE = "unreachable"
    """No connection. No dialect says this either."""


@dataclass(frozen=True, slots=True)
class ProbeReading:
    """An outcome, why, and the server's version where it was said."""

    outcome: Outcome
    reason: str = ""
    """For a person. Text from outside: clean before display."""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Concurrency:
    """How busy a server says it is, our requests included. None is for what it does not say."""

    slots: int | None = None
    """Requests it works on at once."""
    running: int | None = None
    waiting: int | None = None


NOT_SAID = Concurrency()


class Dialect(Protocol):
    """One kind of server. Every method is pure and total, `read_models` apart."""

    @property
    def type(self) -> BackendType: ...

    @property
    def unary_by_stream(self) -> bool:
        """True where a request that does not stream goes on when its client has left."""
        ...

    def probe_call(self) -> HttpCall:
        """A cheap question that is never paid for and tells health."""
        ...

    def read_probe(self, reply: HttpReply) -> ProbeReading: ...

    def models_calls(self) -> tuple[HttpCall, ...]:
        """What must be asked to list models with their true context and capabilities."""
        ...

    def more_calls(self, replies: Sequence[HttpReply]) -> tuple[HttpCall, ...]:
        """What else to ask, given the replies to `models_calls`. Their replies go behind those."""
        ...

    def read_models(self, replies: Sequence[HttpReply]) -> tuple[Model, ...]:
        """The models that can be asked for, from the replies to `models_calls` and `more_calls`.

        Raises ValueError with a short reason when there is no readable list.
        """
        ...

    def read_state(self, replies: Sequence[HttpReply]) -> ProbeReading:
        """What the replies to `models_calls` add to the probe: version, a remark, a sleep."""
        ...

    def read_load(self, replies: Sequence[HttpReply]) -> Concurrency:
        """What the replies to `models_calls` say about slots, running and waiting requests."""
        ...

    def count_call(self, model: str, text: str) -> HttpCall | None:
        """Asks how many tokens a text has for a model; None where that is not offered."""
        ...

    def read_count(self, reply: HttpReply) -> int | None:
        """The number in the answer to `count_call`; None where there is none."""
        ...

    def load_call(self, model: Model) -> HttpCall | None:
        """Brings a model into memory; None where that cannot be asked for. Free, and safe twice."""
        ...

    def unload_call(self, model: Model) -> HttpCall | None:
        """Frees a model's memory; None where that cannot be asked for."""
        ...

    def read_lever(self, reply: HttpReply) -> str:
        """Why `load_call` or `unload_call` did not do it, for a person; empty where it did."""
        ...

    def detail_calls(self, models: Sequence[Model]) -> Mapping[str, HttpCall]:
        """A second round, by model id, for what the list did not tell."""
        ...

    def read_detail(self, model: Model, reply: HttpReply) -> Model:
        """`model` with what its detail says; unchanged where it says nothing."""
        ...

    def probe_headers(self, key: str) -> Mapping[str, str]:
        """How a key is shown to the paths that are probed."""
        ...

    def auth_headers(self, key: str) -> Mapping[str, str]:
        """How a key is shown to the paths that requests are relayed to."""
        ...

    def chat_path(self, endpoint: Endpoint) -> str:
        """Where an endpoint is found, after the backend's URL."""
        ...
