"""What many requests share, written once each: names, needs, policies, pictures of the fleet.

By content, so that a backend that goes up and down again is two facts and not two thousand, also
over restarts. By identity first, so that the usual request costs a lookup. Urls lose what a person
may have put before the host; the key of a prompt cache, which clients choose, is not kept at all.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import fields, replace
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final, NamedTuple, cast
from weakref import WeakValueDictionary

import msgspec

from nexus.domain.backend import Backend, BackendId, BackendType, Model, Zone
from nexus.domain.decision import RouteReason
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.domain.request import ANONYMOUS, Needs
from nexus.domain.traffic import Traffic
from nexus.domain.urls import without_userinfo
from nexus.routing.scoring import NEAR_MS
from nexus.store.loads import PackedLoads
from nexus.telemetry.logs import get_logger

log = get_logger("nexus.store")

MOST_CACHED: Final = 8192
"""Names and objects whose number is remembered."""

MOST_PICTURES: Final = 1024
"""Pictures whose number is remembered; they keep what they show alive, so the oldest give way."""

WORD_CHARS: Final = 512

STAMP_S: Final = 3600
"""Seconds for which a fact counts as used after it was written or named."""

_OWN = ("model", "prompt_tokens", "max_tokens", "affinity", "tenant")
"""The fields of needs that differ from request to request."""

_shape_of = attrgetter(*(each.name for each in fields(Needs) if each.name not in _OWN))


class Pictured(msgspec.Struct, frozen=True):
    """A picture of the fleet as it is written; numbers name facts."""

    backends: list[int]
    """In the order of the fleet."""
    by_model: dict[str, list[tuple[int, int]]]
    """Backend and model of each candidate."""
    sets: dict[str, list[str]]
    """The sets of names of a `Fleet`, by field."""


class Kind(NamedTuple):
    """What most requests have in common with thousands of others, by number; 0 is none."""

    model: int
    """The one asked for."""
    actual: int
    """The one it became, where that is another one."""
    backend: int
    """0 where it was refused."""
    tenant: int
    zone: int
    """A place of `ZONES`; -1 where that is not known."""
    status: int
    needs: int


GONE: Final = Kind(0, 0, 0, 0, -1, 0, 0)
"""Stands for a kind that a damaged file has lost."""

ZONES: Final = (Zone.RESTRICTED, Zone.OPEN)


class Form(NamedTuple):
    """What the plan and the end of a request that went as planned have in common with others."""

    affine: bool
    """True where a conversation drew it somewhere. Its key is not kept."""
    model: str
    """The one decided for."""
    reason: RouteReason
    fallback: bool
    spare: bool
    zone: Zone
    backend_id: str
    type: BackendType
    end_reason: RouteReason
    stream: bool
    attempts: int


class Sort(NamedTuple):
    """What a request that went as planned has in common with others of its picture."""

    kind: int
    form: int
    places: Mapping[int, int]
    """Of the candidates of its model, by their identity."""


class Picture(NamedTuple):
    """A written picture, and how what it shows is named in the columns of requests."""

    n: int
    loads: PackedLoads
    """How the loads of its backends are written."""
    places: Mapping[str, Mapping[int, int]]
    """By model and by the identity of a candidate: its place among those of the model."""
    zones: Mapping[tuple[BackendId, str], Zone]
    """By backend and model."""
    sorts: dict[object, Sort]
    """By all that they are made of."""


class Facts:
    """Writes within the caller's transaction; made anew after one that failed.

    Args:
        connection: the writer's.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._hour = 0
        self._words: dict[str, int] = {}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._shapes: dict[tuple[object, ...], int | None] = {}
        self._objects: dict[int, tuple[object, int | None]] = {}
        self._forms: dict[Form, int | None] = {}
        self._pictures: dict[int, tuple[Fleet, Picture | None]] = {}
        self._loads: WeakValueDictionary[int, PackedLoads] = WeakValueDictionary()
        """By the number of a picture: two that are equal are told as one."""

    def at(self, now: float) -> None:
        """What is named from here on is used now. `now` is in Unix seconds."""
        hour = int(now) // STAMP_S
        caches = (self._words, self._kinds, self._shapes, self._objects, self._forms)
        if hour != self._hour or max(map(len, caches)) > MOST_CACHED:
            self._hour = hour
            self._pictures.clear()
            for cache in caches:
                cache.clear()

    def word(self, text: str) -> int:
        """The number of a name."""
        known = self._words.get(text)
        if known is None:
            word = text[:WORD_CHARS]
            if not word.isascii():
                word = word.encode("utf-8", "replace").decode()  # lone surrogates
            known = self._words[text] = self._number("words", {"word": word}, {})
        return known

    def kind(
        self,
        asked: str,
        actual: str,
        backend: str | None,
        tenant: str,
        zone: Zone | None,
        status: int,
        needs: int,
    ) -> int:
        """The number of a kind: see `Kind`, whose names these are before they are numbers."""
        key = (asked, actual, backend, tenant, zone, status, needs)
        known = self._kinds.get(key)
        if known is None:
            kind = Kind(
                self.word(asked),
                0 if actual == asked else self.word(actual),
                0 if backend is None else self.word(backend),
                0 if tenant == ANONYMOUS else self.word(tenant),
                -1 if zone is None else ZONES.index(zone),
                status,
                needs,
            )
            known = self._kinds[key] = self._number("kinds", kind._asdict(), {})
        return known

    def shape(self, needs: Needs) -> int | None:
        """The number of needs without what differs from request to request."""
        key = _shape_of(needs)
        try:
            return self._shapes[key]
        except KeyError:
            plain = replace(
                needs, model="", prompt_tokens=0, max_tokens=None, affinity="", tenant=ANONYMOUS
            )
            number = self._shapes[key] = self._write(plain)
            return number

    def form(self, form: Form) -> int | None:
        """The number of a form; None where it cannot be written."""
        if form not in self._forms:
            self._forms[form] = self._write(form)
        return self._forms[form]

    def policy(self, policy: Policy) -> int | None:
        """The number of a policy; None where it cannot be written."""
        return self._object(policy, policy)

    def picture(self, fleet: Fleet) -> Picture | None:
        """A picture by identity, then by content; None where it cannot be written."""
        known = self._pictures.get(id(fleet))
        if known is None:
            if len(self._pictures) >= MOST_PICTURES:
                del self._pictures[next(iter(self._pictures))]
            known = self._pictures[id(fleet)] = fleet, self._pictured(fleet)
        return known[1]

    def _pictured(self, fleet: Fleet) -> Picture | None:
        numbers: dict[BackendId, int] = {}
        for id_, backend in fleet.backends.items():
            number = self._object(backend, backend)
            if number is None:
                return None
            numbers[id_] = number
        by_model: dict[str, list[tuple[int, int]]] = {}
        places: dict[str, dict[int, int]] = {}
        zones: dict[tuple[BackendId, str], Zone] = {}
        models: dict[BackendId, dict[str, None]] = {each: {} for each in numbers}
        for name, candidates in sorted(fleet.by_model.items()):  # as they are written
            places[name] = {id(each): place for place, each in enumerate(candidates)}
            rows: list[tuple[int, int]] = []
            for each in candidates:
                number = self._object(each.model, each.model)
                if number is None:
                    return None
                rows.append((numbers[each.backend.id], number))
                zones[each.backend.id, name] = each.zone
                models[each.backend.id][each.model.id] = None
            by_model[name] = rows
        sets = {
            each.name: sorted(cast("frozenset[str]", value))
            for each in fields(fleet)
            if isinstance(value := getattr(fleet, each.name), frozenset)
        }
        slots = {id_: place for place, id_ in enumerate(numbers)}
        n = self._write(Pictured(list(numbers.values()), by_model, sets))
        if n is None:
            return None
        loads = self._loads.get(n)
        if loads is None:
            loads = PackedLoads(slots, {its: tuple(names) for its, names in models.items()})
            self._loads[n] = loads
        return Picture(n, loads, places, zones, {})

    def _object(self, identity: object, value: Backend | Model | Policy) -> int | None:
        known = self._objects.get(id(identity))
        if known is None:
            number = self._write(_bare(value) if isinstance(value, Backend) else value)
            known = self._objects[id(identity)] = identity, number
        return known[1]

    def _write(self, value: object) -> int | None:
        """The number of a fact; None where it cannot be written (a lone surrogate in a name)."""
        try:
            body = _encode(value)
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError) as problem:
            log.debug("%s cannot be kept: %s", type(value).__name__, problem)
            return None
        digest = blake2b(body, digest_size=16, person=type(value).__name__.encode()[:16]).digest()
        packed = zlib.compress(body, 1) if len(body) > 256 else body
        return self._number("facts", {"hash": digest}, {"body": packed})

    def _number(self, table: str, key: Mapping[str, object], more: Mapping[str, object]) -> int:
        """The number of a row, which is made where there is none and stamped as used."""
        used = self._hour * STAMP_S
        run = self._connection.execute
        where = " AND ".join(f"{name} = ?" for name in key)
        found = run(f"SELECT n, used FROM {table} WHERE {where}", (*key.values(),)).fetchone()
        if found is None:
            row = {**key, **more, "used": used}
            marks = ", ".join("?" * len(row))
            run(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", (*row.values(),))
            found = run("SELECT last_insert_rowid()").fetchone()
        elif found[1] < used:
            run(f"UPDATE {table} SET used = ? WHERE n = ?", (used, found[0]))
        return int(found[0])


def _bare(backend: Backend) -> Backend:
    """A backend without its models, its secrets, and what changes without mattering.

    How far away a check found it to be matters only where that is far (`nexus.routing.scoring`).
    """
    far = backend.probe_ms if (backend.probe_ms or 0) >= NEAR_MS else None
    face = replace(backend.face, url=without_userinfo(backend.face.url))
    return replace(backend, face=face, models=(), checked_at=None, since=None, probe_ms=far)


def _plain(value: Any) -> Any:
    """What msgspec does not know."""
    if isinstance(value, Traffic):
        return value.rules
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise TypeError(f"{type(value).__name__} cannot be written")


_encode = msgspec.json.Encoder(enc_hook=_plain, order="deterministic").encode
