"""What would become of recorded requests, in worlds small enough to count by hand."""

from __future__ import annotations

from typing import Any

import pytest

from nexus.domain.backend import Backend, BackendId, BackendStatus, Load, Zone
from nexus.domain.conditions import Conditions
from nexus.domain.history import Asked
from nexus.domain.policy import Policy, Strategy
from nexus.domain.request import Endpoint, Needs
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.explain.what_if import WhatIf, what_if
from tests.fakes.fleets import backend, fleet, model

CHAT = Needs(Endpoint.CHAT, "")


def asked(
    name: str, to: str, count: int = 1, *, every: float = 10.0, ms: float = 1000.0, **more: Any
) -> list[Asked]:
    """Requests one after the other; each takes `ms`."""
    facts: dict[str, Any] = {
        "shape": CHAT,
        "prompt_tokens": 10,
        "max_tokens": None,
        "tenant": "anonymous",
        "status": 200 if to else 503,
        **more,
    }
    return [
        Asked(number * every, f"r{number}", name, backend=to, duration_ms=ms, **facts)
        for number in range(count)
    ]


def moves(found: WhatIf) -> dict[tuple[str, str], int]:
    told: dict[tuple[str, str], int] = {}
    for each in found.moves:
        told[each.source, each.target] = told.get((each.source, each.target), 0) + each.requests
    return told


def had(name: str, *models: str, **more: Any) -> Backend:
    return backend(name, *map(model, models or ("m",)), **more)


def ids(*names: str) -> list[BackendId]:
    return [BackendId(name) for name in names]


def test_nothing_changes_where_nothing_is_changed() -> None:
    here = fleet(had("a"), had("b"))
    past = asked("m", "a", 7) + asked("m", "b", 5)
    found = what_if(past, here, Policy(), Policy())

    assert (found.requests, found.shapes, found.stay) == (12, 1, 12)
    assert (found.moves, found.refused, found.pressure) == ((), (), ())
    assert (found.first_at, found.last_at) == (0.0, 60.0)


def test_what_a_lost_backend_served_goes_to_the_next_and_the_others_stay() -> None:
    here = fleet(had("a"), had("b", priority=60), had("c", priority=70))
    found = what_if(asked("m", "a", 7) + asked("m", "c", 2), here, Policy(), Policy(), ids("a"))

    assert moves(found) == {("a", "b"): 7}
    assert found.stay == 2


def test_equals_share_what_moves() -> None:
    here = fleet(had("a", priority=0), had("b"), had("c"))
    found = what_if(asked("m", "a", 10), here, Policy(), Policy(), ids("a"))

    assert moves(found) == {("a", "b"): 5, ("a", "c"): 5}


def test_what_nobody_else_has_would_be_refused_with_the_error_its_client_gets() -> None:
    here = fleet(had("a", "m", "llava"), had("b", "m"))
    found = what_if(asked("m", "a", 2) + asked("llava", "a", 3), here, Policy(), Policy(), ids("a"))

    (refused,) = found.refused
    assert (refused.model, refused.requests) == ("llava", 3)
    assert (refused.status, refused.code) == (404, "model_not_found")
    assert "'llava' not found" in refused.why
    assert moves(found) == {("a", "b"): 2}


def test_a_policy_that_forbids_the_cloud_refuses_what_it_served() -> None:
    here = fleet(had("cloud", zone=Zone.OPEN))
    tight = Policy(traffic=Traffic([TrafficPolicy("m", Privacy.RESTRICTED)]))
    (refused,) = what_if(asked("m", "cloud", 4), here, Policy(), tight).refused

    assert (refused.status, refused.code, refused.requests) == (503, "no_backend_available", 4)
    assert "privacy zone restricted" in refused.why


def test_a_policy_of_one_tenant_moves_that_tenant_alone() -> None:
    here = fleet(had("big", tier=3, priority=90), had("small", tier=1))
    acme = TrafficPolicy("*", min_tier=3, when=Conditions(tenants=("acme",)))
    past = asked("m", "small", 3, tenant="acme") + asked("m", "small", 4)
    found = what_if(past, here, Policy(), Policy(traffic=Traffic([acme])))

    assert moves(found) == {("small", "big"): 3}
    assert (found.stay, found.shapes) == (4, 2)


def test_a_new_first_choice_takes_what_went_to_the_old_one_and_leaves_the_rest() -> None:
    here = fleet(had("a", priority=10), had("b", priority=20), had("c", priority=30))
    after = fleet(had("a", priority=40), had("b", priority=20), had("c", priority=30))
    past = asked("m", "a", 6) + asked("m", "c", 2)  # c had some while a was busy
    found = what_if(past, here, Policy(), Policy(), fleet_after=after)

    assert moves(found) == {("a", "b"): 6}
    assert found.stay == 2


def test_a_newcomer_that_is_as_good_takes_its_turn() -> None:
    here, after = fleet(had("a")), fleet(had("a"), had("new"))
    found = what_if(asked("m", "a", 10), here, Policy(), Policy(), fleet_after=after)

    assert moves(found) == {("a", "new"): 5}
    assert found.stay == 5


def test_an_alias_that_leads_elsewhere_moves_requests_also_within_a_backend() -> None:
    here = fleet(had("a", "m", "n"))
    one, two = Policy(aliases={"gpt": "m"}), Policy(aliases={"gpt": "n"})
    (move,) = what_if(asked("gpt", "a", 3), here, one, two).moves

    assert (move.source, move.target, move.served, move.requests) == ("a", "a", "n", 3)


@pytest.mark.parametrize("strategy", [Strategy.ROUND_ROBIN, Strategy.RANDOM, Strategy.POWER_OF_TWO])
def test_under_a_strategy_that_reaches_everybody_nobody_moves(strategy: Strategy) -> None:
    here = fleet(had("a"), had("b", priority=90))
    by = Policy(strategy)
    assert what_if(asked("m", "b", 5), here, by, by).stay == 5


def test_prompts_that_leave_the_restricted_zone_are_said_to() -> None:
    here = fleet(had("home", priority=90), had("cloud", zone=Zone.OPEN))
    free = Policy(traffic=Traffic([TrafficPolicy("m", Privacy.UNRESTRICTED)]))
    (move,) = what_if(asked("m", "home", 3), here, Policy(), free).moves

    assert (move.target, move.leaves_zone) == ("cloud", True)


def test_what_was_refused_and_would_be_served_is_counted() -> None:
    here = fleet(had("a", "n"))
    found = what_if(
        asked("m", "", 3) + asked("x", "", 2), here, Policy(), Policy(aliases={"m": "n"})
    )

    assert found.served_now == (("m", "a", 3),)
    assert found.still_refused == 2


def test_what_the_fleet_of_now_cannot_serve_at_all_is_not_the_changes_doing() -> None:
    here = fleet(had("a", "n"))
    found = what_if(asked("m", "a", 3), here, Policy(), Policy(), ids("a"))

    assert (found.lost_anyway, found.refused, found.still_refused) == (3, (), 0)


def test_todays_outages_do_not_count() -> None:
    down = BackendStatus.UNREACHABLE
    here = fleet(had("a", status=down), had("b", priority=90, status=down))

    assert moves(what_if(asked("m", "a", 3), here, Policy(), Policy(), ids("a"))) == {("a", "b"): 3}
    drained = fleet(had("a"), had("b", status=BackendStatus.DRAINING))
    assert what_if(asked("m", "a", 3), drained, Policy(), Policy(), ids("a")).refused


def test_what_an_absent_backend_served_is_taken_to_be_the_first_choices() -> None:
    here = fleet(had("a"), had("b", priority=90))
    found = what_if(asked("m", "left-long-ago", 3), here, Policy(), Policy(), ids("a"))

    assert moves(found) == {("a", "b"): 3}


def test_a_prompt_moves_only_to_where_it_fits() -> None:
    small = backend("small", model("m", context_length=1000))
    here = fleet(had("a"), small, backend("large", model("m", context_length=9000), priority=90))
    past = asked("m", "a", 2, prompt_tokens=1000) + asked("m", "a", 3, prompt_tokens=1001)
    found = what_if(past, here, Policy(), Policy(), ids("a"))

    assert moves(found) == {("a", "small"): 2, ("a", "large"): 3}


def test_the_load_of_those_that_take_over_is_estimated_from_when_requests_ran() -> None:
    here = fleet(had("a"), had("b", priority=90, max_concurrent=2))
    past = asked("m", "a", 4, every=0.5, ms=2000.0) + asked("m", "b", 1, ms=2000.0)
    found = what_if(past, here, Policy(), Policy(), ids("a"))
    by_name = {each.backend: each for each in found.pressure}

    b = by_name["b"]
    assert (b.places, b.requests_before, b.requests_after) == (2, 1, 5)
    assert (b.peak_before, b.peak_after, b.over_before_s) == (1, 5, 0.0)
    assert b.over_after_s == pytest.approx(2.0)  # from the third, at 0.5, to the end of 2 of 3
    assert b.overloads
    assert (by_name["a"].requests_after, by_name["a"].peak_after) == (0, 0)


def test_latencies_of_now_count_and_queues_of_now_do_not() -> None:
    here = fleet(had("a"), had("slow", priority=49), had("b"))
    loads = {
        BackendId("slow"): Load(latency_ms=900.0),
        BackendId("b"): Load(pending=90, latency_ms=1.0),
    }
    found = what_if(asked("m", "a", 4), here, Policy(), Policy(), ids("a"), loads=loads)

    assert moves(found) == {("a", "b"): 4}


def test_no_request_is_no_trouble() -> None:
    found = what_if([], fleet(), Policy(), Policy())
    assert (found.requests, found.first_at, found.moved) == (0, None, 0)
