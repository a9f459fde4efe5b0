"""A record as a row of `requests` (`nexus.store.rebuild` is the way back).

Written is what the decision followed from, not what it says: loads as packed numbers, everything
else by number (`nexus.store.facts`). Whoever asks runs the rules again. For a request among twenty
candidates that is 28 us in the writer's thread and 740 bytes; the account itself would be 700 us
and 14 KB (tests/bench/history.py). Numbers have four bytes, as exact as anybody looks. What the
plan was is kept besides, so that an account stays true when the rules change with a later version.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from nexus.domain.backend import BackendId, BackendType, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished
from nexus.domain.fleet import LoadView
from nexus.domain.request import ANONYMOUS
from nexus.domain.text import clean
from nexus.store.facts import ZONES, Facts, Kind, Picture
from nexus.telemetry.records import Record

ERROR_CHARS: Final = 1024
MOST: Final = 65_535
"""Requests in flight, and samples: what two bytes hold."""

ENTRY: Final = struct.Struct("<HHfH")
"""A load: place of its backend in the picture, pending, first byte in ms, number of speeds."""
SPEED: Final = struct.Struct("<HHff")
"""A speed: place of its model among the backend's, samples, first byte in ms, tokens a second."""

COLUMNS: Final = (
    *("id", "at", "kind", "duration_ms", "ttft_ms", "prompt", "completion", "speed"),
    *("error", "code", "estimate", "most", "policy", "picture", "detail"),
)
"""What `row` gives, in its order."""

Row = tuple[Any, ...]
Loads = Collection[tuple[BackendId, LoadView]]


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


class Later(NamedTuple):
    """The decision that took over."""

    after_s: float
    picture: int
    version: int
    turn: int
    loads: bytes
    went: Went


class Detail(NamedTuple):
    """What no question looks for."""

    turn: int
    version: int
    """Of the fleet."""
    affine: bool
    """True where a conversation drew it somewhere. Its key is not kept."""
    loads: bytes
    went: Went | None
    refused: Refused | None
    ended: Ended | None
    later: Later | None


_encode = msgspec.msgpack.Encoder().encode
read_detail = msgspec.msgpack.Decoder(Detail).decode


def row(record: Record, facts: Facts) -> Row:
    """The values of `COLUMNS`. The record has ended."""
    ended, needs = record.ended, record.needs
    assert ended is not None
    picture = None if record.fleet is None else facts.picture(record.fleet)
    policy = None if record.policy is None else facts.policy(record.policy)
    shape = tenant = actual = backend = 0
    estimate = most = None
    if needs is not None:
        shape = facts.shape(needs) or 0
        estimate, most = needs.prompt_tokens, needs.max_tokens
        tenant = 0 if needs.tenant == ANONYMOUS else facts.word(needs.tenant)
    zone = None
    if isinstance(ended, RequestFinished):
        backend = facts.word(ended.backend)
        if picture is not None:
            zone = picture.zones.get((ended.backend_id, ended.model))
        if ended.model != record.model:
            actual = facts.word(ended.model)
        numbers = (
            ended.duration_ms,
            ended.ttft_ms,
            ended.prompt_tokens,
            ended.completion_tokens,
            ended.tokens_per_s,
            clean(ended.error, ERROR_CHARS) if ended.error else None,
            None,
        )
    else:
        numbers = (None, None, None, None, None, clean(ended.message, ERROR_CHARS), ended.code)
    kind = Kind(
        facts.word(record.model),
        actual,
        backend,
        tenant,
        -1 if zone is None else ZONES.index(zone),
        ended.status,
        shape,
    )
    try:
        detail = _encode(_detail(record, picture, facts))
    except (UnicodeEncodeError, OverflowError):
        detail = None  # a name that no encoding has; the line of the list is enough
    shared = (estimate, most, policy, None if picture is None else picture.n, detail)
    return (record.request_id, record.at, facts.kind(kind), *numbers, *shared)


def _detail(record: Record, picture: Picture | None, facts: Facts) -> tuple[Any, ...]:
    """A `Detail`, as plain tuples."""
    ended, needs, answer = record.ended, record.needs, record.answer
    went = refused = end = None
    if isinstance(answer, Decision):
        went = _went(answer, picture)
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
        b"" if picture is None else _packed(record.loads, picture),
        went,
        refused,
        end,
        None if record.later is None else _later(record.later, record.at, facts),
    )


def _later(record: Record, since: float, facts: Facts) -> tuple[Any, ...] | None:
    if record.fleet is None or not isinstance(record.answer, Decision):
        return None
    picture = facts.picture(record.fleet)
    if picture is None:
        return None
    return (
        record.at - since,
        picture.n,
        record.fleet.version,
        record.turn,
        _packed(record.loads, picture),
        _went(record.answer, picture),
    )


def _went(answer: Decision, picture: Picture | None) -> tuple[Any, ...]:
    places: Mapping[int, int] = {} if picture is None else picture.places
    order = array("H", [places[id(each)] for each in answer.order if id(each) in places])
    return (
        answer.model,
        order.tobytes(),
        answer.reason,
        answer.why,
        answer.fallback,
        answer.spare,
        answer.zone,
    )


def _packed(loads: Loads, picture: Picture) -> bytes:
    """Each load as an `ENTRY`, followed by its speeds.

    Loads are values that most requests share with the one before: each is packed once.
    """
    packed = picture.packed
    parts: list[bytes] = []
    for id_, load in loads:
        known = packed.get(id_)
        if known is None or known[0] is not load:
            known = packed[id_] = load, _entry(picture.slots[id_], load, picture.models[id_])
        parts.append(known[1])
    return b"".join(parts)


def _entry(slot: int, load: LoadView, models: tuple[str, ...]) -> bytes:
    found = [] if load.speeds is None else [(n, load.speeds.get(m)) for n, m in enumerate(models)]
    speeds = [
        SPEED.pack(n, min(each.samples, MOST), _number(each.ttft_ms), _number(each.tokens_per_s))
        for n, each in found
        if each is not None
    ]
    head = ENTRY.pack(slot, min(load.pending, MOST), _number(load.latency_ms), len(speeds))
    return head + b"".join(speeds)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
