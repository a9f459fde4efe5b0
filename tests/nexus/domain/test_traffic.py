import pytest

from nexus.domain import traffic
from nexus.domain.conditions import Conditions
from nexus.domain.request import Endpoint
from nexus.domain.traffic import NO_TERMS, Privacy, Terms, Traffic, TrafficPolicy
from tests.fakes.fleets import needs

SECRET = TrafficPolicy("secret-*", Privacy.RESTRICTED, min_tier=2)
ANY = TrafficPolicy("*", Privacy.UNRESTRICTED, min_tier=1, fallback_allowed=False)


def test_of_overlapping_rules_the_first_declared_speaks_for_a_name() -> None:
    assert Traffic([SECRET, ANY]).of("secret-1") is SECRET
    assert Traffic([ANY, SECRET]).of("secret-1") is ANY
    assert Traffic([SECRET]).of("Secret-1") is None


@pytest.mark.parametrize("names", [("secret-1", "m"), ("m", "secret-1")])
def test_of_several_names_the_strictest_binds_in_any_order(names: tuple[str, str]) -> None:
    assert Traffic([SECRET, ANY]).terms(names) == Terms(
        Privacy.RESTRICTED, "secret-*", 2, "secret-*", fallback_allowed=False
    )


def test_what_no_rule_matches_is_bound_to_nothing() -> None:
    assert Traffic([SECRET]).terms(["m"]) == NO_TERMS == Traffic().terms(["m"])


def test_both_forms_of_a_name_are_one_name_and_the_first_rule_speaks_for_it() -> None:
    free, tight = TrafficPolicy("m", Privacy.UNRESTRICTED), TrafficPolicy("m*", Privacy.RESTRICTED)

    for name in ("m", "m:latest"):
        assert Traffic([free, tight]).terms([name]).privacy is Privacy.UNRESTRICTED
        assert Traffic([tight, free]).terms([name]).privacy is Privacy.RESTRICTED
        assert Traffic([TrafficPolicy("m:latest", min_tier=2)]).terms([name]).min_tier == 2
        assert Traffic([TrafficPolicy("m", min_tier=2)]).terms([name]).min_tier == 2


def test_clients_that_make_up_names_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traffic, "MAX_REMEMBERED", 10)
    rules = Traffic([SECRET])

    assert [rules.of(f"secret-{n}") for n in range(25)] == [SECRET] * 25
    assert len(rules._memory) <= 10  # pyright: ignore[reportPrivateUsage]
    for n in range(25):
        assert rules.terms([f"secret-{n}"], needs(tenant=f"t-{n}")).min_tier == 2
    assert len(rules._terms) <= 10  # pyright: ignore[reportPrivateUsage]


def test_equal_rules_are_equal_whatever_has_been_asked_of_them() -> None:
    one, two = Traffic([SECRET]), Traffic([SECRET])
    one.of("m")

    assert one == two
    assert hash(one) == hash(two)
    assert one != Traffic([ANY])


ACME = TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions(tenants=("acme",)))
EMBED = TrafficPolicy("m*", min_tier=3, when=Conditions(endpoints=(Endpoint.EMBEDDINGS,)))
BEFORE = TrafficPolicy("*", Privacy.UNRESTRICTED, when=Conditions(tenants=("*",)))


@pytest.mark.parametrize("rules", [[ACME, ANY], [ANY, ACME], [BEFORE, ACME, ANY]])
def test_a_rule_with_conditions_adds_and_hides_nobody(rules: list[TrafficPolicy]) -> None:
    told = Traffic(rules)

    assert told.terms(["m"], needs(tenant="acme")).privacy is Privacy.RESTRICTED
    assert told.terms(["m"], needs(tenant="acme")).privacy_by == "* for tenant acme"
    assert told.terms(["m"], needs(tenant="b")).privacy is Privacy.UNRESTRICTED
    assert told.terms(["m"], needs(tenant="b")).fallback_allowed is False
    assert told.of("m") is ANY


def test_a_rule_with_conditions_still_asks_for_its_name() -> None:
    told = Traffic([EMBED])

    assert told.terms(["m"], needs(endpoint=Endpoint.EMBEDDINGS)).min_tier == 3
    assert told.terms(["n", "m1"], needs(endpoint=Endpoint.EMBEDDINGS)).min_tier == 3
    assert told.terms(["n"], needs(endpoint=Endpoint.EMBEDDINGS)) == NO_TERMS
    assert told.terms(["m"], needs()) == NO_TERMS


def test_of_headers_only_the_conditions_that_hold_are_kept() -> None:
    one, two = ("x-team", "research*"), ("x-team", "*-eu")
    told = Traffic(
        TrafficPolicy("*", Privacy.RESTRICTED, when=Conditions(headers=(each,)))
        for each in (one, two)
    )

    assert set(told.heard) == {b"x-team"}
    assert told.holding([(b"x-team", b" research-eu "), (b"host", b"x")]) == (one, two)
    assert told.holding([(b"x-team", b"sales"), (b"x-team", b"sales-eu")]) == (two,)
    assert told.holding([(b"x-team", b"\xff\x00")]) == ()
    assert Traffic([SECRET]).heard == {}
