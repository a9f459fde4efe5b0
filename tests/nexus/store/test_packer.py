"""What a request shares with others is said once; what cannot be kept is found out in time."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from nexus.domain.backend import BackendId, BackendType, Load, Zone
from nexus.domain.decision import RouteReason
from nexus.domain.request import Endpoint, Needs
from nexus.explain.account import account
from nexus.store import schema
from nexus.store.facts import Facts
from nexus.store.known import Known
from nexus.store.opened import Opened
from nexus.store.packer import Packer
from nexus.store.part import Part, read_odd, read_whole
from nexus.store.rebuild import record as rebuilt
from tests.fakes.fleets import backend, fleet
from tests.fakes.histories import AT, LOADS, decided, ended, failed, request, taken_over, unread


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    found = schema.open_writer(tmp_path / "h.db")
    yield found
    found.close()


@pytest.fixture
def packer(connection: sqlite3.Connection) -> Packer:
    facts = Facts(connection)
    facts.at(AT)
    return Packer(facts)


def forms(part: Part) -> list[int]:
    return list(read_whole(part.form, part.size))


def test_requests_that_go_as_planned_share_kind_and_form(packer: Packer) -> None:
    part = packer.part([request(f"r{n}", at=AT + n) for n in range(9)])

    assert len(set(forms(part))) == 1
    assert 0 not in forms(part)
    assert len(set(read_whole(part.kind, 9))) == 1
    assert part.odd == part.errors == b""


ODD_NEEDS: dict[str, Any] = {
    "endpoint": Endpoint.COMPLETIONS,
    "model": "mistral",
    "stream": True,
    "vision": True,
    "audio": True,
    "tools": True,
    "json_mode": True,
    "prompt_tokens": 77,
    "max_tokens": 99,
    "zone": Zone.RESTRICTED,
    "zone_by": "the client",
    "min_tier": 2,
    "tier_by": "the client",
    "strict": True,
    "flexible": True,
    "tenant": "acme",
    "headers": (("x-team", "red"),),
}
ODD_ENDS: dict[str, Any] = {
    "model": "mistral",
    "backend_id": BackendId("other"),
    "backend": "other",
    "backend_type": BackendType.OLLAMA,
    "reason": RouteReason.CAPACITY_OVERFLOW,
    "stream": True,
    "status": 418,
    "error": "no tea",
    "ttft_ms": None,
    "duration_ms": 5.5,
    "prompt_tokens": None,
    "completion_tokens": 0,
    "tokens_per_s": None,
    "attempts": 2,
}


@pytest.mark.parametrize("name", sorted({each.name for each in fields(Needs)} - {"affinity"}))
def test_needs_that_differ_in_one_thing_are_told_apart(
    packer: Packer, connection: sqlite3.Connection, name: str
) -> None:
    plain, odd = request("plain"), request("odd")
    assert odd.needs is not None
    odd.needs = replace(odd.needs, **{name: ODD_NEEDS[name]})
    chunk = Opened.of(packer.part([plain, odd, plain]))
    found = [rebuilt(chunk, place, Known(connection), whole=True).needs for place in range(3)]

    assert found == [plain.needs, odd.needs, plain.needs]


@pytest.mark.parametrize("name", ODD_ENDS)
def test_ends_that_differ_in_one_thing_are_told_apart(
    packer: Packer, connection: sqlite3.Connection, name: str
) -> None:
    plain, odd = request("plain"), request("odd", **{name: ODD_ENDS[name]})
    chunk = Opened.of(packer.part([plain, odd, plain]))
    found = [rebuilt(chunk, place, Known(connection), whole=False).ended for place in range(3)]

    assert found == [plain.ended, odd.ended, plain.ended]


def test_only_what_did_not_go_as_planned_has_a_detail_of_its_own(packer: Packer) -> None:
    refused = ended(decided("no", "nobody-has-this"))
    part = packer.part([request("a"), failed(), refused, taken_over(), unread(), request("b")])

    assert sorted(read_odd(part.odd)) == [1, 2, 3, 4]
    assert [bool(form) for form in forms(part)] == [True, False, False, False, False, True]


def test_loads_are_told_once_and_then_what_changed(
    packer: Packer, connection: sqlite3.Connection
) -> None:
    seen = fleet(*(backend(f"b{n}") for n in range(20)))
    loads = {BackendId(f"b{n}"): Load(n, latency_ms=1.0 + n) for n in range(20)}
    records = [request("r0", seen=seen, loads=loads)]
    for n in range(1, 9):
        loads = loads | {BackendId("b7"): Load(100 + n)}
        records.append(request(f"r{n}", seen=seen, loads=loads))
    part = packer.part(records)
    told = list(read_whole(part.told, 9))
    chunk, known = Opened.of(part), Known(connection)
    after = [rebuilt(chunk, place, known, whole=True) for place in range(9)]

    assert told[1] < told[0] / 15
    assert told[2:] == [told[1]] * 7
    assert [account(each) for each in after] == [account(each) for each in records]


def test_each_part_tells_loads_whole_once(packer: Packer) -> None:
    first = packer.part([request("a", loads=LOADS)])
    second = packer.part([request("b", loads=LOADS)])

    assert second.loads == first.loads


@pytest.mark.parametrize("odd", [2**63, 10**30])
def test_a_number_that_is_too_large_is_refused(packer: Packer, odd: int) -> None:
    with pytest.raises(struct.error):
        packer.part([request("a"), request("b", prompt_tokens=odd)])


def test_a_name_that_no_encoding_has_is_no_part_of_a_line(
    packer: Packer, connection: sqlite3.Connection
) -> None:
    odd = request("odd", why="highest_score:\ud800:98")
    with pytest.raises(UnicodeEncodeError):
        packer.part([odd])
    part = packer.part([odd], bare=True)
    line = rebuilt(Opened.of(part), 0, Known(connection), whole=True)

    assert (line.request_id, line.status, line.answer) == ("odd", 200, None)
