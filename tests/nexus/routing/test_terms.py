from typing import Any

import pytest

from nexus.domain.backend import Backend, BackendStatus, Zone
from nexus.domain.conditions import Conditions
from nexus.domain.decision import Decision, Refusal, RouteReason
from nexus.domain.policy import Policy
from nexus.domain.request import Endpoint
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.routing.router import decide
from tests.fakes.fleets import backend, fleet, model, needs

DOWN = BackendStatus.UNHEALTHY


def home(*names: str, **more: Any) -> Backend:
    return backend("home", *map(model, names or ("m",)), **more)


def cloud(*names: str, **more: Any) -> Backend:
    return backend("cloud", *map(model, names or ("m",)), zone=Zone.OPEN, **more)


def policy(*rules: TrafficPolicy, **more: Any) -> Policy:
    return Policy(traffic=Traffic(rules), **more)


def went(*backends: Backend, by: Policy | None = None, **asked: Any) -> list[str]:
    """Names of the plan; empty for a refusal."""
    outcome = decide(needs(asked.pop("model", "m"), **asked), fleet(*backends), {}, by or Policy())
    return [each.backend.name for each in outcome.order] if isinstance(outcome, Decision) else []


def test_a_model_of_a_restricted_backend_is_not_sent_to_open_ones_of_the_same_name() -> None:
    assert went(home(), cloud()) == ["home"]
    assert went(home(status=DOWN), cloud()) == []
    assert went(cloud()) == ["cloud"]


def test_a_policy_may_allow_it() -> None:
    free = policy(TrafficPolicy("m", Privacy.UNRESTRICTED))

    assert went(home(status=DOWN), cloud(), by=free) == ["cloud"]
    assert went(home(status=DOWN), cloud(), by=policy(TrafficPolicy("m"))) == []


@pytest.mark.parametrize(
    ("default", "expected"), [(Privacy.UNRESTRICTED, ["cloud"]), (Privacy.RESTRICTED, [])]
)
def test_the_default_of_the_file_holds_where_no_policy_speaks(
    default: Privacy, expected: list[str]
) -> None:
    assert went(home(status=DOWN), cloud(), by=Policy(privacy=default)) == expected


def test_a_fallback_to_another_model_is_the_operators_word() -> None:
    by = Policy(fallbacks={"m": ("big",)})

    assert went(home(status=DOWN), cloud("big"), by=by) == ["cloud"]
    assert went(home("m", "big", status=DOWN), cloud("big"), by=by) == []


def test_an_alias_is_the_operators_word_too() -> None:
    assert went(cloud("big"), model="gpt", by=Policy(aliases={"gpt": "big"})) == ["cloud"]


@pytest.mark.parametrize("pattern", ["gpt", "mid", "m", "m:latest"])
def test_every_name_on_the_way_binds(pattern: str) -> None:
    by = policy(
        TrafficPolicy(pattern, Privacy.RESTRICTED),
        TrafficPolicy("*", Privacy.UNRESTRICTED),
        aliases={"gpt": "mid", "mid": "m"},
    )

    assert went(cloud(), model="gpt", by=by) == []


def test_the_policy_of_the_original_binds_its_fallback() -> None:
    chain = {"m": ("big",)}
    by = policy(TrafficPolicy("m", Privacy.RESTRICTED), fallbacks=chain)
    barred = policy(TrafficPolicy("m", fallback_allowed=False), fallbacks=chain)

    assert went(home(status=DOWN), cloud("big"), by=by) == []
    assert went(home("m", status=DOWN), backend("other", model("big")), by=by) == ["other"]
    assert went(home("m", status=DOWN), backend("other", model("big")), by=barred) == []


def test_a_strict_request_takes_no_fallback() -> None:
    by = Policy(fallbacks={"m": ("big",)})
    fleet = home(status=DOWN), backend("other", model("big"))

    assert went(*fleet, by=by) == ["other"]
    assert went(*fleet, by=by, strict=True) == []


def test_the_strictest_tier_binds() -> None:
    by = policy(
        TrafficPolicy("gpt", min_tier=2), TrafficPolicy("m", min_tier=3), aliases={"gpt": "m"}
    )

    assert went(home(tier=2), model="gpt", by=by) == []
    assert went(home(tier=3), model="gpt", by=by) == ["home"]


def test_a_request_kept_from_somebody_eligible_says_privacy() -> None:
    def reason(*backends: Backend) -> RouteReason:
        outcome = decide(needs("m"), fleet(*backends), {}, Policy())
        assert isinstance(outcome, Decision)
        return outcome.reason

    assert reason(home(), cloud()) is RouteReason.PRIVACY_REQUIREMENT
    assert reason(home(), cloud(status=DOWN)) is RouteReason.CAPABILITY_MATCH
    assert reason(home()) is RouteReason.CAPABILITY_MATCH


def test_sockets_are_held_to_the_zone_wherever_a_restricted_backend_has_the_model() -> None:
    def zone(*backends: Backend, by: Policy | None = None) -> Zone:
        outcome = decide(needs("m"), fleet(*backends), {}, by or Policy())
        assert isinstance(outcome, Decision)
        return outcome.zone

    assert zone(home()) is Zone.RESTRICTED
    assert zone(cloud()) is Zone.OPEN
    assert zone(home(), by=policy(TrafficPolicy("m", Privacy.UNRESTRICTED))) is Zone.OPEN


def test_a_refusal_carries_both_promises() -> None:
    by = policy(TrafficPolicy("m", Privacy.RESTRICTED, min_tier=3))
    outcome = decide(needs("m"), fleet(home(tier=1), cloud(tier=5)), {}, by)

    assert isinstance(outcome, Refusal)
    assert (outcome.required_tier, outcome.zone_required) == (3, Zone.RESTRICTED)


TENANT = TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions(tenants=("acme",)))
ENDPOINT = TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions((), (Endpoint.CHAT,)))
HEADER = TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions((), (), (("x", "y"),)))


@pytest.mark.parametrize(
    ("rule", "asked"),
    [(TENANT, {"tenant": "acme"}), (ENDPOINT, {}), (HEADER, {"headers": (("x", "y"),)})],
)
def test_tenant_endpoint_and_header_bind_aliases_and_fallbacks(
    rule: TrafficPolicy, asked: dict[str, Any]
) -> None:
    ways = {"aliases": {"gpt": "m"}, "fallbacks": {"m": ("big",)}}
    by = policy(TrafficPolicy("*", Privacy.UNRESTRICTED), rule, **ways)
    free = {"tenant": "b", "endpoint": Endpoint.COMPLETIONS}

    assert went(cloud("m", "big"), model="gpt", by=by, **asked) == []
    assert went(cloud("big"), model="gpt", by=by, **asked) == []
    assert went(cloud("m", "big"), model="gpt", by=by, **free) == ["cloud"]
    assert went(home(), cloud(), by=by, **asked) == ["home"]


def test_a_condition_can_forbid_fallbacks() -> None:
    barred = TrafficPolicy("*", fallback_allowed=False, when=Conditions(tenants=("acme",)))
    by = policy(barred, fallbacks={"m": ("big",)})

    assert went(home("big"), by=by, tenant="acme") == []
    assert went(home("big"), by=by) == ["home"]
