"""A record as a row of `requests` (`nexus.store.rebuild` is the way back).

Written is what the decision followed from, not what it says: loads as packed numbers, everything
else by number (`nexus.store.facts`). Whoever asks runs the rules again. For a request among twenty
candidates that is 28 us in the writer's thread and 740 bytes; the account itself would be 700 us
and 14 KB (tests/bench/history.py). Numbers have four bytes, as exact as anybody looks. What the
plan was is kept besides, so that an account stays true when the rules change with a later version.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from nexus.domain.backend import BackendId, BackendType, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished
from nexus.domain.fleet import LoadView
from nexus.domain.request import ANONYMOUS
from nexus.domain.text import clean
from nexus.store.facts import Facts, Picture
from nexus.telemetry.records import Record

ERROR_CHARS: Final = 1024
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


_NOWHERE: Final[Mapping[tuple[BackendId, str], Zone]] = {}

_encode = msgspec.msgpack.Encoder().encode
read_detail = msgspec.msgpack.Decoder(Detail).decode


def row(record: Record, facts: Facts) -> Row:
    """The values of `COLUMNS`. The record has ended."""
    ended, needs, fleet, policy = record.ended, record.needs, record.fleet, record.policy
    assert ended is not None
    picture = None if fleet is None else facts.picture(fleet)
    shape, tenant = 0, ANONYMOUS
    estimate = most = None
    if needs is None:
        asked = ended.requested
    else:
        asked, shape, tenant = needs.model, facts.shape(needs) or 0, needs.tenant
        estimate, most = needs.prompt_tokens, needs.max_tokens
    if isinstance(ended, RequestFinished):
        zones = _NOWHERE if picture is None else picture.zones
        zone = zones.get((ended.backend_id, ended.model))
        kind = facts.kind(asked, ended.model, ended.backend, tenant, zone, ended.status, shape)
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
        kind = facts.kind(asked, asked, None, tenant, None, ended.status, shape)
        numbers = (None, None, None, None, None, clean(ended.message, ERROR_CHARS), ended.code)
    try:
        detail = _encode(_detail(record, picture, facts))
    except (UnicodeEncodeError, OverflowError):
        detail = None  # a name that no encoding has; the line of the list is enough
    return (
        record.request_id,
        record.at,
        kind,
        *numbers,
        estimate,
        most,
        None if policy is None else facts.policy(policy),
        None if picture is None else picture.n,
        detail,
    )


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
        failures = ended.failures and [
            (each.backend, each.after_ms, clean(each.why, ERROR_CHARS)) for each in ended.failures
        ]
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
        b"" if picture is None else picture.loads.pack(record.loads),
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
        picture.loads.pack(record.loads),
        _went(record.answer, picture),
    )


def _went(answer: Decision, picture: Picture | None) -> tuple[Any, ...]:
    places: Mapping[int, bytes] = {} if picture is None else picture.places
    order = [places[its] for its in map(id, answer.order) if its in places]
    return (
        answer.model,
        b"".join(order),
        answer.reason,
        answer.why,
        answer.fallback,
        answer.spare,
        answer.zone,
    )
