"""Expectations hold, or fail with a world that shows why."""

from __future__ import annotations

from typing import Any

import pytest

from nexus.domain.backend import Backend, BackendStatus, Zone
from nexus.domain.conditions import Conditions
from nexus.domain.policy import Policy
from nexus.domain.traffic import Privacy, Traffic, TrafficPolicy
from nexus.errors import BadRequest
from nexus.explain.expectations import read_expectations
from nexus.explain.promises import Verdict, check
from tests.fakes.fleets import backend, fleet, model


def home(name: str = "home", *models: str, **more: Any) -> Backend:
    return backend(name, *map(model, models or ("m",)), **more)


def cloud(*models: str, **more: Any) -> Backend:
    return backend("cloud", *map(model, models or ("m",)), zone=Zone.OPEN, **more)


def policy(*rules: TrafficPolicy, **more: Any) -> Policy:
    return Policy(traffic=Traffic(rules), **more)


def checked(*backends: Backend, by: Policy | None = None, **expected: Any) -> Verdict:
    expectations = read_expectations({"expect": [{"model": "m", **expected}]})
    (found,) = check(expectations, fleet(*backends), by or Policy())
    return found


RESTRICTED = TrafficPolicy("m", Privacy.RESTRICTED)


def test_a_policy_keeps_a_model_at_home_whatever_is_lost() -> None:
    spare = home("spare", tier=2)
    found = checked(home(), spare, cloud(), by=policy(RESTRICTED), never_zone="open")

    assert found.broken is None
    assert found.worlds == 1 + 3 * 2 + 3 * 4  # none, each down or gone, each pair in four ways


def test_without_a_policy_the_last_backend_at_home_may_be_gone_and_the_cloud_takes_over() -> None:
    broken = checked(home(), cloud(), never_zone="open").broken

    assert broken is not None
    assert (broken.loss.down, broken.loss.gone) == ((), ("home",))
    assert (broken.backend, broken.zone) == ("cloud", Zone.OPEN)
    assert "Nothing binds its zone" in broken.why


def test_a_fallback_into_the_cloud_is_found_without_any_loss() -> None:
    by = Policy(fallbacks={"m": ("big",)})
    broken = checked(home(), cloud("big"), by=by, never_zone="open").broken

    assert broken is not None
    assert broken.loss.words == "nothing lost"  # it may be sent there when home is busy or fails
    assert broken.model == "big"
    assert "cloud (zone open, tier 1) may serve 'big' as a fallback" in broken.why


def test_an_alias_that_hides_behind_a_real_model_is_found_when_that_is_gone() -> None:
    by = Policy(aliases={"m": "big"})
    broken = checked(home(), cloud("big"), by=by, never_zone="open").broken

    assert broken is not None
    assert broken.loss.gone == ("home",)
    assert "by an alias" in broken.why


def test_a_second_loss_is_looked_at() -> None:
    by = policy(TrafficPolicy("m", Privacy.UNRESTRICTED))
    three = (home("a"), home("b"), home("c"))
    found = checked(*three, by=by, lands_on=["a", "b"])

    assert found.broken is not None
    assert found.broken.backend == "c"
    bound = policy(TrafficPolicy("m", min_tier=3))
    two = (home("a", tier=3), home("b", tier=3), home("c"))
    assert checked(*two, by=bound, lands_on=["a", "b"]).broken is None


def test_where_it_lands_it_must_land_as_long_as_nothing_is_lost() -> None:
    tight = policy(TrafficPolicy("m", min_tier=5))
    broken = checked(home(), by=tight, lands_on="home").broken

    assert broken is not None
    assert broken.backend == ""
    assert "refused with 503 no_backend_available" in broken.why


def test_a_refusal_is_expected_with_its_code() -> None:
    by = policy(RESTRICTED)

    assert checked(cloud(), by=by, refused_with="no_backend_available").broken is None
    assert checked(home("a", "n"), refused_with="model_not_found").broken is None
    wrong = checked(cloud(), by=by, refused_with="model_not_found").broken
    assert wrong is not None
    assert "503" in wrong.why
    served = checked(home(), refused_with="no_backend_available").broken
    assert served is not None
    assert "It is served: home" in served.why


def test_a_tenant_a_header_and_an_endpoint_are_those_of_the_expectation() -> None:
    conditions = [
        Conditions(tenants=("acme",)),
        Conditions(headers=(("x-team", "research*"),)),
    ]
    rules = [TrafficPolicy("*", Privacy.RESTRICTED, when=each) for each in conditions]
    by = policy(TrafficPolicy("*", Privacy.UNRESTRICTED), *rules)
    fleet = home(), cloud()

    assert checked(*fleet, by=by, never_zone="open", tenant="acme").broken is None
    team = {"X-Team": "research-7"}
    assert checked(*fleet, by=by, never_zone="open", headers=team).broken is None
    assert checked(*fleet, by=by, never_zone="open", headers={"X-Team": "hr"}).broken is not None
    assert checked(*fleet, by=by, never_zone="open", zone="restricted").broken is None


def test_todays_outage_is_no_excuse() -> None:
    asleep = cloud(status=BackendStatus.UNREACHABLE)
    by = policy(TrafficPolicy("m", Privacy.UNRESTRICTED))

    assert checked(home(), asleep, by=by, never_zone="open").broken is not None


def test_a_backend_that_is_not_there_is_a_mistake_of_the_file() -> None:
    with pytest.raises(BadRequest, match="names gpu-9, which is no backend"):
        checked(home(), lands_on=["gpu-9"])
