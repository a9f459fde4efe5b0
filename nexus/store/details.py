"""What no column tells of a request that did not go as planned, as one text of bytes.

That is refusals, failures, and whatever had to be decided again. Of all other requests the columns
tell everything (`nexus.store.packer`). Files of version 1 had one for each request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from nexus.domain.backend import BackendType, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished
from nexus.domain.text import clean
from nexus.store.facts import Facts, Picture
from nexus.telemetry.records import Record

ERROR_CHARS: Final = 1024


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
    """Of a request that a file of version 1 had; else empty, since there is a column for them."""
    went: Went | None
    refused: Refused | None
    ended: Ended | None
    later: Later | None


_NOWHERE: Final[Mapping[int, int]] = {}

_encode = msgspec.msgpack.Encoder().encode
read_detail = msgspec.msgpack.Decoder(Detail).decode


def detail(record: Record, picture: Picture | None, facts: Facts) -> bytes:
    """A `Detail` of a request that has ended.

    Raises:
        UnicodeEncodeError: a name that no encoding has.
        OverflowError: a number that is too large.
    """
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
    return _encode(
        (
            record.turn,
            0 if record.fleet is None else record.fleet.version,
            needs is not None and bool(needs.affinity),
            b"",
            went,
            refused,
            end,
            None if record.later is None else _later(record.later, record.at, facts),
        )
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
    places = _NOWHERE if picture is None else picture.places.get(answer.model, _NOWHERE)
    order = [places[its] for its in map(id, answer.order) if its in places]
    return (
        answer.model,
        b"".join(place.to_bytes(2, "little") for place in order),
        answer.reason,
        answer.why,
        answer.fallback,
        answer.spare,
        answer.zone,
    )
