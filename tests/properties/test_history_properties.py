"""Whatever was decided, its account is the same when it is read back from the file."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import Load, Recent, Speed
from nexus.domain.decision import Decision
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.explain.account import account, summary
from nexus.routing.router import decide
from nexus.store.facts import Facts, Known
from nexus.store.rebuild import record as rebuilt
from nexus.store.rows import row
from nexus.store.schema import STEPS
from nexus.telemetry.records import Records
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
    connection.executescript("".join(STEPS))
    return connection


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
    before = Records(lambda: AT).decided("r", needs, seen, then.get, policy, turn, answer)  # type: ignore[arg-type]
    ended(before)
    connection = file()
    facts = Facts(connection)
    facts.at(AT)
    values = row(before, facts)
    after = rebuilt(values, Known(connection), whole=True)
    line = rebuilt(values, Known(connection), whole=False)
    connection.close()

    assert account(after) == account(before)
    assert summary(line) == summary(before)
    assert after.needs == needs


keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


@given(keys, st.integers(2, 5))
def test_a_key_is_forgotten_and_where_it_drew_is_not(key: str, count: int) -> None:
    seen = fleet(*(backend(f"b{number}") for number in range(count)))
    needs = Needs(Endpoint.CHAT, "llama3:70b", affinity=key)
    answer = decide(needs, seen, {}, Policy())
    before = Records(lambda: AT).decided("r", needs, seen, {}.get, Policy(), 0, answer)
    connection = file()
    facts = Facts(connection)
    facts.at(AT)
    after = rebuilt(row(ended(before), facts), Known(connection), whole=True)
    connection.close()

    assert isinstance(answer, Decision)
    assert account(after) == account(before)
    assert after.needs is not None
    assert after.needs.affinity.startswith("stand-in ")
