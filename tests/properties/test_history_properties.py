"""Whatever was decided, its account is the same when it is read back from the file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, Load, Recent, Speed
from nexus.domain.decision import Decision
from nexus.domain.events import AttemptFailed
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.explain.account import account, summary
from nexus.routing.router import decide
from nexus.store import chunks
from nexus.store import packer as packing
from nexus.store.chunks import thinned
from nexus.store.facts import Facts
from nexus.store.known import Known
from nexus.store.opened import Opened
from nexus.store.packer import Packer
from nexus.store.part import Part, joined
from nexus.store.rebuild import record as rebuilt
from nexus.store.schema import migrate
from nexus.telemetry.records import Record, Records
from tests.fakes import version_1
from tests.fakes.fleets import backend, fleet
from tests.fakes.histories import AT, ended
from tests.properties.test_decide_properties import fleets, policies, some_needs, turns

numbers = st.sampled_from([None, 0.0, 3.25, 145.5, 900.0])
lately = st.builds(
    Recent, st.sampled_from([60, 300]), st.integers(5, 900), st.integers(0, 100), numbers, numbers
)
quiet = st.integers(0, 60)
speeds = st.dictionaries(
    st.sampled_from(["m", "n", "o", "unheard"]),
    st.builds(Speed, numbers, numbers, st.integers(0, 9), st.none() | lately, quiet),
)
loads = st.dictionaries(
    st.sampled_from([f"b{number}" for number in range(6)]),
    st.builds(
        Load,
        pending=st.integers(0, 65_535),
        latency_ms=numbers,
        speeds=st.none() | speeds,
        quiet_min=quiet,
    ),
)
traffic = st.lists(
    st.builds(
        TrafficPolicy,
        pattern=st.sampled_from(["*", "m", "[no]"]),
        privacy=st.sampled_from([None, *Privacy]),
        min_tier=st.sampled_from([None, 1, 4]),
        fallback_allowed=st.booleans(),
    ),
    max_size=2,
).map(Traffic)


def file() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    return connection


def facts_of(connection: sqlite3.Connection) -> Facts:
    facts = Facts(connection)
    facts.at(AT)
    return facts


def read(connection: sqlite3.Connection, part: Part, *, whole: bool = True) -> list[Record]:
    chunk, known = Opened.of(part), Known(connection)
    return [rebuilt(chunk, place, known, whole=whole) for place in range(part.size)]


@given(some_needs, fleets(), loads, policies, traffic, turns, st.sampled_from(["", "acme"]))
def test_an_account_is_the_same_before_and_after(
    needs: Needs,
    seen: object,
    then: dict[str, Load],
    policy: Policy,
    rules: Traffic,
    turn: int,
    tenant: str,
) -> None:
    needs = replace(needs, tenant=tenant or needs.tenant)
    policy = replace(policy, traffic=rules)
    answer = decide(needs, seen, then, policy, turn=turn)  # type: ignore[arg-type]
    before = Records(lambda: AT).decided("r", needs, seen, then, policy, turn, answer)  # type: ignore[arg-type]
    ended(before)
    connection = file()
    part = Packer(facts_of(connection)).part([before])
    (after,) = read(connection, part)
    (line,) = read(connection, part, whole=False)
    connection.close()

    assert account(after) == account(before)
    assert summary(line) == summary(before)
    assert after.needs == needs


@st.composite
def many(draw: st.DrawFn) -> list[Record]:
    """Requests one after the other: most loads are those of the request before."""
    records, now = Records(lambda: AT), dict[str, Load]()
    seen = [draw(fleets()) for _ in range(draw(st.integers(1, 2)))]
    seen += [replace(each, version=each.version + 1) for each in seen]  # no other picture
    policy = replace(draw(policies), traffic=draw(traffic))
    found: list[Record] = []
    for number in range(draw(st.integers(2, 12))):
        now = now | draw(loads) if draw(st.booleans()) else now
        needs, fleet, turn = draw(some_needs), draw(st.sampled_from(seen)), draw(turns)
        then = {BackendId(name): load for name, load in now.items()}
        answer = decide(needs, fleet, then, policy, turn=turn)
        made = records.decided(f"r{number}", needs, fleet, then, policy, turn, answer)
        facts: dict[str, Any] = {}
        if isinstance(answer, Decision):
            if draw(st.booleans()):
                again = decide(needs, fleet, then, policy, turn=turn + 1)
                records.decided(f"r{number}", needs, fleet, then, policy, turn + 1, again)
            attempts = draw(st.integers(1, 3))
            failures = tuple(AttemptFailed("b0", 1.5, "closed") for _ in range(attempts - 1))
            facts = {"attempts": attempts, "failures": failures}
        found.append(ended(made, **facts))
    return found


@given(many(), st.integers(1, 20), st.data())
def test_a_request_is_told_as_if_it_were_alone(
    records: list[Record], at_once: int, data: st.DataObject
) -> None:
    connection = file()
    packer = Packer(facts_of(connection))
    parts: list[Part] = []
    left = records
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "SLICE", at_once)
        while left:
            size = data.draw(st.integers(1, len(left)), "requests of a part")
            parts.append(packer.part(left[:size]))
            left = left[size:]
    middle = data.draw(st.integers(1, len(parts)), "parts that become one first")
    part = joined([joined(parts[:middle]), *parts[middle:]])
    if data.draw(st.booleans(), "as when it is tidied up"):
        part = thinned(part, bool)
    after = read(connection, part)
    lines = read(connection, part, whole=False)
    alone: list[Record] = []
    for record in records:
        alone += read(connection, packer.part([record]))
    connection.close()

    assert [account(each) for each in after] == [account(each) for each in records]
    assert [summary(each) for each in lines] == [summary(each) for each in records]
    assert [each.loads for each in after] == [each.loads for each in alone]


@given(many())
def test_a_request_of_version_1_is_told_as_before(records: list[Record]) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    version_1.begin(connection)
    version_1.fill(connection, records)
    migrate(connection)
    ((n, size),) = connection.execute("SELECT n, size FROM chunks").fetchall()
    part = chunks.read(connection, n)
    assert part is not None
    assert part.size == size
    after = read(connection, part)
    lines = read(connection, part, whole=False)
    connection.close()

    assert [account(each) for each in after] == [account(each) for each in records]
    assert [summary(each) for each in lines] == [summary(each) for each in records]


keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(keys, st.integers(2, 5))
def test_a_key_is_forgotten_and_where_it_drew_is_not(key: str, count: int) -> None:
    seen = fleet(*(backend(f"b{number}") for number in range(count)))
    needs = Needs(Endpoint.CHAT, "llama3:70b", affinity=key)
    idle: dict[BackendId, Load] = {}
    answer = decide(needs, seen, idle, Policy())
    before = Records(lambda: AT).decided("r", needs, seen, idle, Policy(), 0, answer)
    connection = file()
    (after,) = read(connection, Packer(facts_of(connection)).part([ended(before)]))
    connection.close()

    assert isinstance(answer, Decision)
    assert account(after) == account(before)
    assert after.needs is not None
    assert after.needs.affinity.startswith("stand-in ")
