from typing import Any

import pytest

from nexus.domain.backend import Zone
from nexus.domain.conditions import Conditions
from nexus.domain.policy import Policy
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.explain.binding import binding
from nexus.routing.router import decide
from tests.fakes.fleets import backend, fleet, model, needs

HOME = backend("home", model("m"), tier=3)
CLOUD = backend("cloud", model("m"), zone=Zone.OPEN)
ACME = Conditions(tenants=("acme",))


def bound(*rules: TrafficPolicy, **asked: Any) -> dict[str, Any]:
    wanted, here = needs("m", **asked), fleet(HOME, CLOUD)
    policy = Policy(traffic=Traffic(rules))
    return binding(wanted, decide(wanted, here, {}, policy), here, policy)


@pytest.mark.parametrize(
    ("rules", "asked", "by"),
    [
        ((), {}, "a restricted backend has this model"),
        ((TrafficPolicy("m*", Privacy.RESTRICTED),), {}, "policy 'm*'"),
        (
            (TrafficPolicy("*", Privacy.RESTRICTED, when=ACME),),
            {"tenant": "acme"},
            "policy '* for tenant acme'",
        ),
        ((), {"zone": Zone.RESTRICTED}, "the client asks for it"),
    ],
)
def test_a_zone_is_told_with_who_asks(
    rules: tuple[TrafficPolicy, ...], asked: dict[str, Any], by: str
) -> None:
    assert bound(*rules, **asked)["zone"] == {"value": "restricted", "by": by}


def test_what_binds_nobody_is_left_out() -> None:
    free = TrafficPolicy("*", Privacy.UNRESTRICTED)
    assert bound(free) == {}
    assert bound(free, strict=True) == {
        "fallbacks": {"value": False, "by": "the client asks for it"}
    }


def test_a_tier_is_told_with_its_policy() -> None:
    found = bound(TrafficPolicy("*", min_tier=3, fallback_allowed=False))
    assert found["min_tier"] == {"value": 3, "by": "policy '*'"}
    assert found["fallbacks"]["by"] == "a policy"
