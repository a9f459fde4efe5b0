"""A record as a row of `requests` (`nexus.store.rebuild` is the way back).

Written is what the decision followed from, not what it says: loads as packed numbers, everything
else by number (`nexus.store.facts`). Whoever asks runs the rules again. That costs the writer a
fifth of what an account would, and the file a tenth (tests/bench/history.py). What the plan was is
kept besides, so that an account stays true when the rules change with a later version.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from nexus.domain.backend import BackendId, BackendType, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished
from nexus.domain.fleet import LoadView
from nexus.domain.request import ANONYMOUS, Endpoint
from nexus.domain.text import clean
from nexus.store.facts import Facts, Picture
from nexus.telemetry.records import Record

ERROR_CHARS: Final = 1024
MOST_PENDING: Final = 65_535
COLUMNS: Final = (
    *("id", "at", "model", "actual", "backend", "tenant", "zone", "endpoint", "status"),
    *("duration_ms", "ttft_ms", "prompt", "completion", "speed", "error", "code"),
    *("estimate", "most", "needs", "policy", "picture", "detail"),
)
"""What `row` gives, in its order."""

ENDPOINTS: Final = tuple(Endpoint)
ZONES: Final = (Zone.RESTRICTED, Zone.OPEN)

Row = tuple[Any, ...]
Loads = tuple[tuple[BackendId, LoadView], ...]


class Went(NamedTuple):
    """A decision."""

    model: str
    order: bytes
    """Places of the plan's candidates among those of the model; two bytes each."""
    reason: RouteReason
    why: str
    fallback: bool
    spare: bool
    zone: Zone


class Refused(NamedTuple):
    """A refusal; its verdicts follow from the rules."""

    model: str
    known: bool
    tried: tuple[str, ...]
    required_tier: int | None
    zone: Zone | None


class Ended(NamedTuple):
    """The end of a request that was sent somewhere, as far as no column has it."""

    after_s: float
    """From the decision."""
    requested: str
    backend_id: str
    type: BackendType
    reason: RouteReason
    why: str
    stream: bool
    attempts: int
    tried: tuple[str, ...]
    failures: tuple[tuple[str, float, str], ...]
    """The fields of each `AttemptFailed`."""


class Detail(NamedTuple):
    """What no question looks for."""

    turn: int
    version: int
    """Of the fleet."""
    affine: bool
    """True where a conversation drew it somewhere. Its key is not kept."""
    loads: bytes
    speeds: bytes
    """Of the candidates, where they were measured."""
    went: Went | None
    refused: Refused | None
    ended: Ended | None


_encode = msgspec.msgpack.Encoder().encode
read_detail = msgspec.msgpack.Decoder(Detail).decode
UNKNOWN: Final = math.nan


def row(record: Record, facts: Facts) -> Row:
    """The values of `COLUMNS`. The record has ended."""
    ended, needs = record.ended, record.needs
    picture = None if record.fleet is None else facts.picture(record.fleet)
    shape = policy = endpoint = tenant = actual = estimate = most = None
    if needs is not None:
        shape, endpoint = facts.shape(needs), ENDPOINTS.index(needs.endpoint)
        estimate, most = needs.prompt_tokens, needs.max_tokens
        tenant = None if needs.tenant == ANONYMOUS else facts.word(needs.tenant)
    if record.policy is not None:
        policy = facts.policy(record.policy)
    if isinstance(ended, RequestFinished):
        zone = None
        if picture is not None:
            zone = picture.zones.get((ended.backend_id, ended.model))
        if ended.model != record.model:
            actual = facts.word(ended.model)
        numbers = (
            facts.word(ended.backend),
            tenant,
            None if zone is None else ZONES.index(zone),
            endpoint,
            ended.status,
            ended.duration_ms,
            ended.ttft_ms,
            ended.prompt_tokens,
            ended.completion_tokens,
            ended.tokens_per_s,
            clean(ended.error, ERROR_CHARS) if ended.error else None,
            None,
        )
    else:
        assert ended is not None
        said = clean(ended.message, ERROR_CHARS)
        idle = (None, None, None, None, None)
        numbers = (None, tenant, None, endpoint, ended.status, *idle, said, ended.code)
    try:
        detail = _encode(_detail(record, picture))
    except (UnicodeEncodeError, OverflowError):
        detail = None  # a name that no encoding has; the line of the list is enough
    model = facts.word(record.model)
    shared = (estimate, most, shape, policy, None if picture is None else picture.n)
    return (record.request_id, record.at, model, actual, *numbers, *shared, detail)


def _detail(record: Record, picture: Picture | None) -> tuple[Any, ...]:
    """A `Detail`, as plain tuples."""
    ended, needs, answer = record.ended, record.needs, record.answer
    went = refused = end = None
    if isinstance(answer, Decision):
        places: Mapping[int, int] = {} if picture is None else picture.places
        order = array("H", [places[id(each)] for each in answer.order if id(each) in places])
        went = (
            answer.model,
            order.tobytes(),
            answer.reason,
            answer.why,
            answer.fallback,
            answer.spare,
            answer.zone,
        )
    elif answer is not None:
        refused = (
            answer.model,
            answer.known,
            answer.tried,
            answer.required_tier,
            answer.zone_required,
        )
    if isinstance(ended, RequestFinished):
        failures = [(f.backend, f.after_ms, clean(f.why, ERROR_CHARS)) for f in ended.failures]
        end = (
            ended.at - record.at,
            ended.requested if ended.requested != record.model else "",
            ended.backend_id,
            ended.backend_type,
            ended.reason,
            "" if answer is not None and ended.why == getattr(answer, "why", None) else ended.why,
            ended.stream,
            ended.attempts,
            ended.tried,
            failures,
        )
    return (
        record.turn,
        0 if record.fleet is None else record.fleet.version,
        needs is not None and bool(needs.affinity),
        b"" if picture is None else _packed(record.loads, picture.slots),
        b"" if picture is None else _speeds(record.loads, picture.models),
        went,
        refused,
        end,
    )


def _speeds(loads: Loads, models: Mapping[BackendId, tuple[str, ...]]) -> bytes:
    """Place of the load, place of the model, samples; first byte in ms, tokens a second."""
    numbers, measures = array("H"), array("f")
    for place, (id_, load) in enumerate(loads):
        speeds = load.speeds
        if speeds is not None:
            for number, model in enumerate(models[id_]):
                speed = speeds.get(model)
                if speed is not None:
                    first, pace = speed.ttft_ms, speed.tokens_per_s
                    numbers.extend((place, number, min(speed.samples, MOST_PENDING)))
                    measures.append(UNKNOWN if first is None else first)
                    measures.append(UNKNOWN if pace is None else pace)
    return numbers.tobytes() + measures.tobytes()


def _packed(loads: Loads, slots: Mapping[BackendId, int]) -> bytes:
    """Loads as three arrays: places in the picture, pending, first byte in ms."""
    if not loads:
        return b""
    places = array("H", [slots[id_] for id_, _ in loads])
    pending = array("H", [min(load.pending, MOST_PENDING) for _, load in loads])
    latency = array("f", [UNKNOWN if (ms := load.latency_ms) is None else ms for _, load in loads])
    return places.tobytes() + pending.tobytes() + latency.tobytes()
