"""What is said to have decided is what did decide: each reason against the real rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nexus.domain.backend import (
    Backend,
    BackendId,
    BackendStatus,
    Evidence,
    Load,
    Residency,
    Zone,
)
from nexus.domain.decision import Decision
from nexus.domain.policy import Policy, Strategy
from nexus.explain.account import account
from nexus.routing.router import decide
from nexus.telemetry.records import Records
from tests.fakes.fleets import MODEL, backend, fleet, model, needs

LOADED, INSTALLED = Residency.LOADED, Residency.INSTALLED


def told(
    *backends: Backend,
    strategy: Strategy = Strategy.SMART,
    pending: dict[str, int] | None = None,
    turn: int = 0,
    **wants: Any,
) -> dict[str, Any]:
    """The account of a decision, made by the rules."""
    wanted, policy, here = needs(**wants), Policy(strategy), fleet(*backends)
    loads = {BackendId(name): Load(number) for name, number in (pending or {}).items()}
    answer = decide(wanted, here, loads, policy, turn=turn)
    assert isinstance(answer, Decision)
    kept = Records(lambda: 1.0)
    return account(kept.decided("r", wanted, here, loads, policy, turn, answer))


def reasons(facts: dict[str, Any]) -> list[str]:
    """What chose the first, and what kept each other one from being it."""
    others = [each["decided_by"] for each in facts["candidates"] if "decided_by" in each]
    return [facts["decision"]["decided_by"], *others]


def test_a_loaded_model_beats_a_higher_score_and_is_said_to() -> None:
    facts = told(
        backend("cold", model(residency=INSTALLED), priority=0),
        backend("warm", model(residency=LOADED), priority=80),
    )
    text = "\n".join(facts["sentences"])

    assert facts["decision"]["order"] == ["warm", "cold"]
    assert facts["candidates"][0]["score"] < facts["candidates"][1]["score"]
    assert reasons(facts) == ["residency", "residency"]
    assert "warm was chosen: the only one among the 2 that could take it that need not load" in text
    assert "Not cold: it would have had to load the model, which warm had in memory" in text
    assert "the model not in memory" in text


def test_a_conversation_goes_where_its_cache_is_and_is_said_to() -> None:
    facts = told(
        backend("one", priority=50), backend("two", priority=49), affinity="chat-2", turn=0
    )
    if facts["decision"]["order"][0] == "two":  # the key draws the worse one
        facts = told(
            backend("one", priority=49), backend("two", priority=50), affinity="chat-2", turn=0
        )
    text = "\n".join(facts["sentences"])

    assert reasons(facts) == ["conversation", "conversation"]
    assert facts["needs"]["conversation"] is True
    assert "in a conversation it names" in text
    assert "the cache of this conversation is there" in text
    assert "chat-2" not in str(facts)


@pytest.mark.parametrize(
    ("mine", "pending", "part"),
    [
        ({"priority": 90}, {}, "by its priority"),
        ({}, {"other": 40}, "by what it has in flight"),
    ],
)
def test_a_lower_score_says_which_part_cost_it_most(
    mine: dict[str, Any], pending: dict[str, int], part: str
) -> None:
    facts = told(backend("other", **mine), backend("best"), pending=pending)

    assert reasons(facts) == ["score", "score"]
    assert f"Not other: it scored lower, mostly {part}" in "\n".join(facts["sentences"])


def test_equals_take_turns_and_the_busier_waits() -> None:
    facts = told(backend("a"), backend("b"), backend("c", priority=90))
    assert reasons(facts) == ["turn", "turn", "score"]
    assert "its turn among 2 equals, the best among the 3" in "\n".join(facts["sentences"])
    busy = backend("a", max_concurrent=90, priority=51)  # one in flight costs it no whole point
    facts = told(busy, backend("b", priority=51), pending={"a": 1})
    assert reasons(facts) == ["score", "pending"]
    assert "1 of 90 in flight" in "\n".join(facts["sentences"])


@pytest.mark.parametrize(
    ("strategy", "pending", "why"),
    [
        (Strategy.ROUND_ROBIN, {}, ["turn", "turn"]),
        (Strategy.RANDOM, {}, ["chance", "chance"]),
        (Strategy.POWER_OF_TWO, {}, ["chance", "chance"]),
        (Strategy.PRIORITY_ONLY, {}, ["priority", "priority"]),
        (Strategy.LEAST_PENDING, {"b": 3}, ["pending", "pending"]),
        (Strategy.LEAST_PENDING, {}, ["pending", "score"]),
    ],
)
def test_each_strategy_gives_its_own_reason(
    strategy: Strategy, pending: dict[str, int], why: list[str]
) -> None:
    facts = told(
        backend("a", priority=10), backend("b", priority=20), strategy=strategy, pending=pending
    )
    assert reasons(facts) == why


def test_the_only_one_is_said_to_be_the_only_one() -> None:
    assert reasons(told(backend("a"))) == ["only"]
    assert f"'{MODEL}'" in told(backend("a"))["sentences"][0]


def test_failures_on_record_are_told_of_the_chosen_one() -> None:
    told_of = Evidence(BackendStatus.UNHEALTHY, "3 of 5 requests failed", "a trial", True, True)
    ill = replace(backend("a"), status=BackendStatus.UNHEALTHY, traffic=told_of)
    doubted, tried = told(ill), told(replace(ill, trial=True))

    assert reasons(doubted) == ["in_doubt"]
    said = "requests failed there (3 of 5 requests failed), but nobody else could take it"
    assert said in doubted["sentences"][1]
    assert doubted["candidates"][0]["failures"] == "3 of 5 requests failed"
    assert reasons(tried) == ["only"]
    assert "Failures are on its record: 3 of 5 requests failed." in tried["sentences"]


def test_zone_tier_and_places_are_facts_of_each_candidate() -> None:
    (facts,) = told(backend("a", tier=4, max_concurrent=8, zone=Zone.OPEN))["candidates"]

    assert (facts["zone"], facts["tier"], facts["places"]) == ("open", 4, 8)
    assert (facts["residency"], facts["must_load"], facts["failures"]) == (None, False, None)
    text = "\n".join(told(backend("a", zone=Zone.OPEN))["sentences"])
    assert "zone open)" in text
