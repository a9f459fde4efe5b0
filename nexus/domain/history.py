"""What is asked of the past, and the shapes of its answers. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

from nexus.domain.backend import Zone
from nexus.domain.request import Needs

GLOB = frozenset("*?[")


class Outcome(StrEnum):
    """Classes of status."""

    OK = "ok"
    ERROR = "error"
    """400 and above, but for clients that left."""
    LEFT = "left"
    """The client left before the end (499)."""
    RUNNING = "running"
    """Still under way; never in the store."""


def outcome_of(status: int | None) -> Outcome:
    """The class of an HTTP status; None is under way."""
    if status is None:
        return Outcome.RUNNING
    if status == 499:
        return Outcome.LEFT
    return Outcome.ERROR if status >= 400 else Outcome.OK


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests. What is None or empty asks nothing; all that is given must hold."""

    model: str = ""
    """The model asked for, or the one it became: a glob, or a part of the name."""
    backend: str = ""
    """A glob, or the exact name."""
    status: int | None = None
    outcome: Outcome | None = None
    zone: Zone | None = None
    """Where it went. Not known of requests under way."""
    tenant: str = ""
    """Exact."""
    min_duration_ms: float | None = None
    since: float | None = None
    """Unix seconds of the decision, from this on."""
    until: float | None = None
    """Unix seconds, before this."""
    text: str = ""
    """A part of the id, of a name or of the error, in any case."""


def named(name: str, wanted: str, *, part: bool) -> bool:
    """Whether a name is meant by a word of a filter.

    Args:
        part: a word without glob characters may be any part of the name.
    """
    if GLOB.isdisjoint(wanted):
        return wanted in name if part else wanted == name
    return fnmatchcase(name, wanted)


class Asked(NamedTuple):
    """One request of the past as a what-if needs it; a hundred thousand are read in a blink."""

    at: float
    """Unix seconds of the decision."""
    request_id: str
    """Empty where it was read from the history file."""
    model: str
    shape: Needs
    """Its needs but for model, sizes and affinity; requests with the same ones share the object."""
    prompt_tokens: int
    """Estimate, as in `Needs`."""
    max_tokens: int | None
    tenant: str
    backend: str
    """Name; empty where it went nowhere."""
    status: int
    duration_ms: float
    """Milliseconds; 0 where it was refused."""


class Kind(NamedTuple):
    """What many requests of the past have in common; those that do share the object."""

    model: str
    shape: Needs
    """As in `Asked`."""
    tenant: str
    backend: str
    status: int


class Columns(NamedTuple):
    """Requests of the past as a what-if reads them fastest: one of them has one place in each."""

    at: Sequence[float] = ()
    """Unix seconds of the decision."""
    kinds: Sequence[Kind] = ()
    prompt_tokens: Sequence[int] = ()
    max_tokens: Sequence[int | None] = ()
    ended_at: Sequence[float] = ()
    """Unix seconds; that of the decision where it was refused."""


def columns_of(past: Iterable[Asked]) -> Columns:
    """Requests told one by one, as columns."""
    told = tuple(zip(*past, strict=True))
    if not told:
        return Columns()
    at, _, model, shape, prompt, limit, tenant, backend, status, took_ms = told
    each = list(map(Kind, model, shape, tenant, backend, status))
    shared: dict[Kind, Kind] = {}
    ends = [begin + ms / 1000 for begin, ms in zip(at, took_ms, strict=True)]
    return Columns(at, list(map(shared.setdefault, each, each)), prompt, limit, ends)


def joined(*parts: Columns) -> Columns:
    """Several as one, in their order."""
    parts = tuple(each for each in parts if each.at)
    if len(parts) < 2:
        return parts[0] if parts else Columns()
    return Columns(*(list(chain.from_iterable(each)) for each in zip(*parts, strict=True)))


class Metric(StrEnum):
    """What can be charted over time. The value is the word of the command line and the API."""

    REQUESTS = "requests"
    ERRORS = "errors"
    LATENCY_P50 = "latency_p50"
    LATENCY_P95 = "latency_p95"
    TTFT_P50 = "ttft_p50"
    TTFT_P95 = "ttft_p95"
    TOKENS_PER_SECOND = "tokens_per_second"
    PROMPT_TOKENS = "prompt_tokens"
    COMPLETION_TOKENS = "completion_tokens"


class Point(NamedTuple):
    """One step of a series."""

    at: int
    """Unix seconds of its begin."""
    value: float | None
    """Requests and tokens are sums, latencies milliseconds; None where nothing happened."""
