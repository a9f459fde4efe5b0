"""The history file as version 1 of it was written: a row of `requests` for each request."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from nexus.domain.decision import Decision
from nexus.domain.events import RequestFinished
from nexus.domain.request import ANONYMOUS
from nexus.domain.text import clean
from nexus.store.facts import Facts, Picture
from nexus.store.schema import STEPS
from nexus.telemetry.records import Record
from tests.fakes.histories import AT

ERROR_CHARS: Final = 1024
COLUMNS: Final = (
    *("id", "at", "kind", "duration_ms", "ttft_ms", "prompt", "completion", "speed"),
    *("error", "code", "estimate", "most", "policy", "picture", "detail"),
)


def begin(connection: sqlite3.Connection) -> None:
    """An empty file of version 1. The connection is in autocommit mode."""
    assert isinstance(STEPS[0], str)
    connection.executescript(STEPS[0])
    connection.execute("PRAGMA user_version = 1")


def fill(connection: sqlite3.Connection, records: Iterable[Record]) -> None:
    """Write requests that have ended."""
    facts = Facts(connection)
    facts.at(AT)
    marks = ", ".join("?" * len(COLUMNS))
    sql = f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({marks})"
    connection.execute("BEGIN")
    for record in records:
        connection.execute(sql, row(record, facts))
    connection.execute("COMMIT")


def file(path: Path, records: Iterable[Record]) -> None:
    """A file of version 1 with some requests."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    begin(connection)
    fill(connection, records)
    connection.close()


_encode = msgspec.msgpack.Encoder().encode


def row(record: Record, facts: Facts) -> tuple[Any, ...]:
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
        zone = None
        if picture is not None:
            zone = picture.zones.get((ended.backend_id, ended.model))
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
    places: Mapping[int, int] = {} if picture is None else picture.places[answer.model]
    order = [places[its].to_bytes(2, "little") for its in map(id, answer.order) if its in places]
    return (
        answer.model,
        b"".join(order),
        answer.reason,
        answer.why,
        answer.fallback,
        answer.spare,
        answer.zone,
    )
