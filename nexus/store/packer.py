"""Records that have ended as columns (`nexus.store.rebuild` is the way back).

Written is what a decision followed from, not what it says: loads as packed numbers, everything else
by number (`nexus.store.facts`). Whoever asks runs the rules again. What the plan was is kept
besides, so that an account stays true when the rules change with a later version.

This runs in the writer's thread for every request, while the event loop waits for the interpreter:
what can be said of many at once is a column made in one go, and what goes as planned, as nearly all
do, costs one look-up for all that it has in common with others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import nan
from operator import attrgetter
from typing import Final

from nexus.domain.backend import BackendId, BackendType, Zone
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.request import ANONYMOUS, Endpoint, Needs
from nexus.domain.text import clean
from nexus.store.details import ERROR_CHARS, detail
from nexus.store.facts import MOST_CACHED, Facts, Form, Picture, Sort
from nexus.store.part import NONE, Part, floats, small, sparse, texts, whole
from nexus.telemetry.records import Record

_OWN: Final = ("prompt_tokens", "max_tokens", "affinity")
"""The fields of needs that are no part of a kind."""

_asked = attrgetter(*(each.name for each in fields(Needs) if each.name not in _OWN))
_plan = attrgetter("model", "reason", "fallback", "spare", "zone")
_became = attrgetter(
    *("model", "backend_id", "backend", "backend_type", "reason", "stream", "status", "attempts")
)

_UNREAD: Final = Needs(Endpoint.CHAT, "", prompt_tokens=NONE)
"""Stands for needs that there are none of."""

_NOWHERE: Final = RequestFinished(
    *("", 0.0, "", "", BackendId(""), "", BackendType.GENERIC),
    *(RouteReason.CAPABILITY_MATCH, "", False, 0),
)
"""Stands for the end of a request that went nowhere."""

_NO_PLACES: Final[Mapping[int, int]] = {}
_NO_ZONES: Final[Mapping[tuple[BackendId, str], Zone]] = {}

_at = attrgetter("at")


class Packer:
    """See the module.

    Args:
        facts: gives numbers; writes within the caller's transaction.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._chunk = 1

    def anew(self) -> None:
        """What comes does not follow what came before: loads are told whole once."""
        self._chunk += 1

    def part(self, records: Sequence[Record], *, bare: bool = False) -> Part:
        """Some records that follow those of the last call since `anew`. After an error: `anew`.

        Args:
            bare: leave out what no line of a list tells.

        Raises:
            sqlite3.Error: a fact cannot be written.
            Exception: some record is not fit to be kept.
        """
        work = _Work(self._facts, self._chunk, records, bare=bare)
        ends = [record.ended for record in records]
        told = [end if isinstance(end, RequestFinished) else _NOWHERE for end in ends]
        asked = [record.needs or _UNREAD for record in records]
        ids = [record.request_id for record in records]
        at = [record.at for record in records]
        return Part(
            size=len(records),
            since=min(at),
            until=max(at),
            least_id=min(ids),
            greatest_id=max(ids),
            at=floats(at),
            kind=whole(work.kinds),
            duration_ms=floats([end.duration_ms for end in told]),
            estimate=whole([needs.prompt_tokens for needs in asked]),
            most=whole([NONE if (n := needs.max_tokens) is None else n for needs in asked]),
            ids=texts(ids),
            errors=sparse(_errors(ends)),
            ended_at=floats(map(_at, ends)),
            ttft_ms=floats([nan if (n := end.ttft_ms) is None else n for end in told]),
            prompt=whole([NONE if (n := end.prompt_tokens) is None else n for end in told]),
            completion=whole([NONE if (n := end.completion_tokens) is None else n for end in told]),
            speed=floats([nan if (n := end.tokens_per_s) is None else n for end in told]),
            form=whole(work.forms),
            why=texts(work.whys),
            turn=whole([record.turn for record in records]),
            version=whole([0 if (its := each.fleet) is None else its.version for each in records]),
            policy=whole(self._policies(records)),
            picture=whole(work.pictures),
            planned=whole(work.planned),
            places=small(work.places),
            told=whole(list(map(len, work.loads))),
            loads=b"".join(work.loads),
            odd=sparse(work.odd),
        )

    def _policies(self, records: Sequence[Record]) -> list[int]:
        by_id = {id(its): its for each in records if (its := each.policy) is not None}
        numbers = {its: self._facts.policy(policy) or 0 for its, policy in by_id.items()}
        return [numbers.get(id(each.policy), 0) for each in records]


def _errors(ends: Sequence[RequestFinished | RequestRefused | None]) -> dict[int, object]:
    found: dict[int, object] = {}
    for place, end in enumerate(ends):
        if isinstance(end, RequestRefused):
            found[place] = clean(end.message, ERROR_CHARS), end.code
        elif end is not None and end.error:
            found[place] = clean(end.error, ERROR_CHARS), None
    return found


class _Work:
    """The columns that are worked out one by one.

    Args:
        facts, chunk, bare: as above.
        records: of which they tell.
    """

    def __init__(
        self, facts: Facts, chunk: int, records: Sequence[Record], *, bare: bool = False
    ) -> None:
        self._facts = facts
        self.kinds: list[int] = []
        self.forms: list[int] = []
        self.whys: list[str] = []
        self.pictures: list[int] = []
        self.planned: list[int] = []
        self.places: list[int] = []
        self.loads: list[bytes] = []
        self.odd: dict[int, bytes] = {}
        # The loop of this thread, so what it asks for often has names of its own.
        picture_of, places = facts.picture, self.places
        kinds, forms, whys = self.kinds.append, self.forms.append, self.whys.append
        pictures, planned, loads = self.pictures.append, self.planned.append, self.loads.append
        for place, record in enumerate(records):
            needs, fleet, answer, ended = record.needs, record.fleet, record.answer, record.ended
            picture = None if fleet is None else picture_of(fleet)
            if picture is None or bare:
                pictures(0)
                loads(b"")
            else:
                pictures(picture.n)
                loads(picture.loads.since(record.loads, chunk))
            form, why, count = 0, "", 0
            if (
                picture is not None
                and needs is not None
                and isinstance(answer, Decision)
                and isinstance(ended, RequestFinished)
                and not ended.failures
                and not ended.tried
                and record.later is None
                and ended.why == answer.why
                and ended.requested == needs.model
                and not bare
            ):
                key = (_asked(needs), needs.affinity == "", _plan(answer), _became(ended))
                sort = picture.sorts.get(key) or self._sort(picture, key, needs, answer, ended)
                kind, form, place_of = sort
                if form:
                    why = answer.why
                    count = len(answer.order)
                    places += map(place_of, map(id, answer.order))
            else:
                kind = self._kind(record, picture)
                if not bare:
                    self.odd[place] = detail(record, picture, facts)
            kinds(kind)
            forms(form)
            whys(why)
            planned(count)

    def _sort(
        self,
        picture: Picture,
        key: object,
        needs: Needs,
        answer: Decision,
        ended: RequestFinished,
    ) -> Sort:
        """What is known by this key; without a form where that cannot be written."""
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
            self._went(needs.model, ended, needs, picture),
            self._facts.form(form) or 0,
            picture.places.get(answer.model, _NO_PLACES).__getitem__,
        )
        return found

    def _kind(self, record: Record, picture: Picture | None) -> int:
        needs, ended = record.needs, record.ended
        assert ended is not None
        asked = ended.requested if needs is None else needs.model
        if isinstance(ended, RequestFinished):
            return self._went(asked, ended, needs, picture)
        tenant, shape = self._who(needs)
        return self._facts.kind(asked, asked, None, tenant, None, ended.status, shape)

    def _went(
        self, asked: str, ended: RequestFinished, needs: Needs | None, picture: Picture | None
    ) -> int:
        zones = _NO_ZONES if picture is None else picture.zones
        zone = zones.get((ended.backend_id, ended.model))
        tenant, shape = self._who(needs)
        return self._facts.kind(
            asked, ended.model, ended.backend, tenant, zone, ended.status, shape
        )

    def _who(self, needs: Needs | None) -> tuple[str, int]:
        """Tenant, and the number of the shape."""
        if needs is None:
            return ANONYMOUS, 0
        return needs.tenant, self._facts.shape(needs) or 0
