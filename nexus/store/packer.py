"""Records that have ended as columns (`nexus.store.rebuild` is the way back).

Written is what a decision followed from, not what it says: loads as packed numbers, everything else
by number (`nexus.store.facts`). Whoever asks runs the rules again. What the plan was is kept
besides, so that an account stays true when the rules change with a later version.

This runs in the writer's thread for every request, while the event loop waits for the interpreter:
what can be said of many at once is a column made in one go, and what goes as planned, as nearly all
do, costs one look-up for all that it has in common with others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import nan
from typing import Final, cast

from nexus.domain.backend import BackendId, BackendType
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.request import Endpoint, Needs
from nexus.domain.text import clean
from nexus.store.details import ERROR_CHARS, detail
from nexus.store.facts import Facts
from nexus.store.part import NONE, WHOLE, Part, floats, joined_whole, small, sparse, texts, whole
from nexus.store.sorts import kind_of, sort_of
from nexus.telemetry.records import Record

_UNREAD: Final = Needs(Endpoint.CHAT, "", prompt_tokens=NONE)
"""Stands for needs that there are none of."""

_NOWHERE: Final = RequestFinished(
    *("", 0.0, "", "", BackendId(""), "", BackendType.GENERIC),
    *(RouteReason.CAPABILITY_MATCH, "", False, 0),
)
"""Stands for the end of a request that went nowhere."""

Ended = RequestFinished | RequestRefused

SLICE: Final = 40
"""Requests that are packed at once. The interpreter's lock is held meanwhile: some 0.4 ms."""


class Packer:
    """See the module.

    Args:
        facts: gives numbers; writes within the caller's transaction.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._chunk = 0

    def part(
        self,
        records: Sequence[Record],
        breathe: Callable[[], object] = lambda: None,
        *,
        bare: bool = False,
    ) -> Part:
        """Some records that have ended, as a part of their own; at least one.

        Args:
            breathe: called between every few of them.
            bare: leave out what no line of a list tells.

        Raises:
            sqlite3.Error: a fact cannot be written.
            Exception: some record is not fit to be kept.
        """
        self._chunk += 1  # so loads are told whole once
        work = _Work(self._facts, self._chunk, bare=bare)
        for start in range(0, len(records), SLICE):
            work.see(records[start : start + SLICE])
            breathe()
        return work.part()


class _Work:
    """The columns while they grow.

    Args:
        facts, bare: as above.
        chunk: the number of this one.
    """

    def __init__(self, facts: Facts, chunk: int, *, bare: bool) -> None:
        self._facts = facts
        self._chunk = chunk
        self._bare = bare
        self._sizes: list[int] = []
        self._bounds: list[str] = []
        self._times: list[float] = []
        self._columns: defaultdict[str, list[bytes]] = defaultdict(list)
        self._errors: dict[int, tuple[str, str | None]] = {}
        self._odd: dict[int, bytes] = {}

    def part(self) -> Part:
        """What was seen."""
        columns = {
            name: joined_whole(each, self._sizes) if name in WHOLE else b"".join(each)
            for name, each in self._columns.items()
        }
        return Part(
            size=sum(self._sizes),
            least_id=min(self._bounds),
            greatest_id=max(self._bounds),
            errors=sparse(self._errors),
            odd=sparse(self._odd),
            since=min(self._times),
            until=max(self._times),
            **columns,
        )

    def see(self, records: Sequence[Record]) -> None:
        """Some more records. They are in the processor's cache now, so all of it is done here."""
        first = sum(self._sizes)
        self._plans(records, first)
        self._sizes.append(len(records))
        ends = cast("list[Ended]", [record.ended for record in records])
        told = [end if isinstance(end, RequestFinished) else _NOWHERE for end in ends]
        asked = [record.needs or _UNREAD for record in records]
        ids = [record.request_id for record in records]
        at = [record.at for record in records]
        self._bounds += min(ids), max(ids)
        self._times += min(at), max(at)
        self._add(
            at=floats(at),
            duration_ms=floats([end.duration_ms for end in told]),
            estimate=whole([needs.prompt_tokens for needs in asked]),
            most=whole([NONE if (n := needs.max_tokens) is None else n for needs in asked]),
            ids=texts(ids),
            ended_at=floats([end.at for end in ends]),
            ttft_ms=floats([nan if (n := end.ttft_ms) is None else n for end in told]),
            prompt=whole([NONE if (n := end.prompt_tokens) is None else n for end in told]),
            completion=whole([NONE if (n := end.completion_tokens) is None else n for end in told]),
            speed=floats([nan if (n := end.tokens_per_s) is None else n for end in told]),
            turn=whole([record.turn for record in records]),
            version=whole([0 if (its := each.fleet) is None else its.version for each in records]),
            policy=whole(self._policies(records)),
        )
        for place, end in enumerate(ends, first):
            if isinstance(end, RequestRefused):
                self._errors[place] = clean(end.message, ERROR_CHARS), end.code
            elif end.error:
                self._errors[place] = clean(end.error, ERROR_CHARS), None

    def _add(self, **columns: bytes) -> None:
        for name, column in columns.items():
            self._columns[name].append(column)

    def _policies(self, records: Sequence[Record]) -> list[int]:
        by_id = {id(each.policy): each.policy for each in records}
        numbers = {
            its: 0 if policy is None else self._facts.policy(policy) or 0
            for its, policy in by_id.items()
        }
        if len(numbers) == 1:  # nearly always
            return [*numbers.values()] * len(records)
        return [numbers[id(each.policy)] for each in records]

    def _plans(self, records: Sequence[Record], first: int) -> None:
        """What was decided and on what, one by one. `first` is the place of the first of them."""
        # The loop of this thread, so what it asks for often has names of its own.
        facts, bare, chunk = self._facts, self._bare, self._chunk
        picture_of = facts.picture
        kinds, forms, pictures, planned = list[int](), list[int](), list[int](), list[int]()
        whys, told, places = list[str](), list[bytes](), list[int]()
        for place, record in enumerate(records, first):
            needs, fleet, answer, ended = record.needs, record.fleet, record.answer, record.ended
            picture = None if fleet is None else picture_of(fleet)
            if picture is None or bare:
                pictures.append(0)
                told.append(b"")
            else:
                pictures.append(picture.n)
                told.append(picture.loads.since(record.loads, chunk))
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
                key = (  # all that these have; an attrgetter takes three times as long
                    needs.model,
                    needs.tenant,
                    needs.affinity == "",
                    needs.endpoint,
                    needs.stream,
                    needs.vision,
                    needs.audio,
                    needs.tools,
                    needs.json_mode,
                    needs.zone,
                    needs.zone_by,
                    needs.min_tier,
                    needs.tier_by,
                    needs.strict,
                    needs.flexible,
                    needs.headers,
                    answer.model,
                    answer.reason,
                    answer.fallback,
                    answer.spare,
                    answer.zone,
                    ended.model,
                    ended.backend_id,
                    ended.backend,
                    ended.backend_type,
                    ended.reason,
                    ended.stream,
                    ended.status,
                    ended.attempts,
                )
                sort = picture.sorts.get(key) or sort_of(facts, picture, key, needs, answer, ended)
                kind, form, place_of = sort
                if form:
                    why = answer.why
                    count = len(answer.order)
                    for each in answer.order:
                        places.append(place_of[id(each)])
            else:
                kind = kind_of(facts, picture, record)
                if not bare:
                    self._odd[place] = detail(record, picture, facts)
            kinds.append(kind)
            forms.append(form)
            whys.append(why)
            planned.append(count)
        self._add(
            kind=whole(kinds),
            form=whole(forms),
            why=texts(whys),
            picture=whole(pictures),
            planned=whole(planned),
            places=small(places),
            told=whole(list(map(len, told))),
            loads=b"".join(told),
        )
