"""What is worked out once for a kind of request is what would be worked out anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nexus.domain.backend import BackendId, BackendStatus, BackendType, Load, Speed, Zone
from nexus.domain.fleet import Loads
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint
from nexus.routing.shortlist import Shortlist, pending_of, score_of, shortlist
from nexus.routing.strategies import points
from tests.fakes.fleets import MODEL, backend, candidate, fleet, model, needs

POLICY = Policy()
SEEN = fleet(
    backend("a", model(vision=False, context_length=1000)),
    backend("b", model(tools=False, context_length=100), type=BackendType.OLLAMA),
    backend("c", model(embeddings=False), zone=Zone.OPEN, tier=3),
    backend("down", status=BackendStatus.UNREACHABLE),
)


def names(those: Shortlist) -> str:
    return "".join(each.backend.name for each in those.candidates)


def test_requests_of_one_kind_share_a_shortlist_and_a_new_policy_makes_its_own() -> None:
    first = shortlist(MODEL, needs(prompt_tokens=5), SEEN, {}, POLICY)

    assert shortlist(MODEL, needs(prompt_tokens=99, affinity="x"), SEEN, {}, POLICY) is first
    other = replace(POLICY, unknown_is_routable=True)
    assert shortlist(MODEL, needs(prompt_tokens=5), SEEN, {}, other) is not first


@pytest.mark.parametrize(
    ("wants", "able"),
    [
        ({}, "abc"),
        ({"vision": True}, "bc"),
        ({"tools": True}, "ac"),
        ({"endpoint": Endpoint.EMBEDDINGS}, "ab"),
        ({"zone": Zone.RESTRICTED}, "ab"),
        ({"min_tier": 2}, "c"),
        ({"prompt_tokens": 100}, "abc"),
        ({"prompt_tokens": 101}, "ac"),
        ({"prompt_tokens": 1001}, "c"),
        ({"max_tokens": 101}, "abc"),
        ({"max_tokens": 1001}, "bc"),
        ({"max_tokens": 1001, "prompt_tokens": 101}, "c"),
    ],
    ids=str,
)
def test_each_kind_has_those_who_can_do_it(wants: dict[str, object], able: str) -> None:
    asked = needs(**wants)

    assert names(shortlist(MODEL, asked, SEEN, {}, POLICY).fitting(asked)) == able
    assert names(shortlist(MODEL, asked, SEEN, {}, POLICY).fitting(asked)) == able


def test_a_key_holds_score_and_requests_in_flight() -> None:
    those = (candidate(backend("a")), candidate(backend("b")))
    loads = {BackendId("a"): Load(7, latency_ms=120.0)}
    keys = Shortlist(those, POLICY).keys(loads)

    assert [score_of(key) for key in keys] == [
        points(each, loads, POLICY.weights) for each in those
    ]
    assert [pending_of(key) for key in keys] == [7, 0]


def test_keys_follow_each_load_that_is_replaced() -> None:
    those = Shortlist([candidate(backend(name)) for name in "abc"], POLICY)
    loads: dict[BackendId, Load] = {}
    for id, load in (("b", Load(3)), ("c", Load(1)), ("b", Load(0)), ("b", Load(speeds={}))):
        loads[BackendId(id)] = load
        assert list(those.keys(loads)) == Shortlist(those.candidates, POLICY).keys(loads)
    del loads[BackendId("c")]
    assert [pending_of(key) for key in those.keys(loads)] == [0, 0, 0]


def test_a_model_counts_with_its_own_speed_where_that_is_known() -> None:
    fast, slow = Speed(100.0, 100.0), Speed(100.0, 10.0)
    loads: Loads = {
        BackendId("gpu-01"): Load(latency_ms=900.0, speeds={"fast": fast, "slow": slow})
    }

    def score(name: str) -> int:
        owner = backend("gpu-01", model(name), priority=0)
        return points(candidate(owner, id=name), loads, POLICY.weights)

    assert (score("fast"), score("slow"), score("unasked")) == (96, 80, 82)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8), st.integers(0, 1000), st.integers(1, 9))
def test_the_best_are_those_of_a_sort_with_the_equals_at_its_top_rotated(
    pending: list[int], turn: int, most: int
) -> None:
    those = Shortlist([candidate(backend(f"b{n}")) for n in range(len(pending))], POLICY)
    loads = {BackendId(f"b{n}"): Load(count) for n, count in enumerate(pending)}
    order, keys = those.best(loads, turn, most)

    ranked = sorted(range(len(keys)), key=lambda place: -keys[place])
    equals = keys.count(max(keys))
    shift = turn % equals
    assert order == (ranked[shift:equals] + ranked[:shift] + ranked[equals:])[:most]
