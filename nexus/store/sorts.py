"""What a request has in common with others, by number: its kind, and the form of plan and end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nexus.domain.backend import BackendId, Zone
from nexus.domain.decision import Decision
from nexus.domain.events import RequestFinished
from nexus.domain.request import ANONYMOUS, Needs
from nexus.store.facts import MOST_CACHED, Facts, Form, Picture, Sort
from nexus.telemetry.records import Record

_NO_PLACES: Final[Mapping[int, int]] = {}
_NO_ZONES: Final[Mapping[tuple[BackendId, str], Zone]] = {}


def sort_of(
    facts: Facts,
    picture: Picture,
    key: object,
    needs: Needs,
    answer: Decision,
    ended: RequestFinished,
) -> Sort:
    """That of a request that went as planned; without a form where that cannot be written.

    Args:
        picture: the one that it was decided in; remembers the sort.
        key: all that the sort is made of.
    """
    form = Form(
        bool(needs.affinity),
        answer.model,
        answer.reason,
        answer.fallback,
        answer.spare,
        answer.zone,
        ended.backend_id,
        ended.backend_type,
        ended.reason,
        ended.stream,
        ended.attempts,
    )
    if len(picture.sorts) >= MOST_CACHED:
        picture.sorts.clear()
    found = picture.sorts[key] = Sort(
        _went(facts, picture, needs.model, needs, ended),
        facts.form(form) or 0,
        picture.places.get(answer.model, _NO_PLACES),
    )
    return found


def kind_of(facts: Facts, picture: Picture | None, record: Record) -> int:
    """The kind of any request that has ended."""
    needs, ended = record.needs, record.ended
    assert ended is not None
    asked = ended.requested if needs is None else needs.model
    if isinstance(ended, RequestFinished):
        return _went(facts, picture, asked, needs, ended)
    tenant, shape = _who(facts, needs)
    return facts.kind(asked, asked, None, tenant, None, ended.status, shape)


def _went(
    facts: Facts,
    picture: Picture | None,
    asked: str,
    needs: Needs | None,
    ended: RequestFinished,
) -> int:
    zones = _NO_ZONES if picture is None else picture.zones
    zone = zones.get((ended.backend_id, ended.model))
    tenant, shape = _who(facts, needs)
    return facts.kind(asked, ended.model, ended.backend, tenant, zone, ended.status, shape)


def _who(facts: Facts, needs: Needs | None) -> tuple[str, int]:
    """Tenant, and the number of the shape."""
    if needs is None:
        return ANONYMOUS, 0
    return needs.tenant, facts.shape(needs) or 0
