from nexus.domain.backend import Load, Zone
from nexus.domain.policy import Policy
from nexus.routing.rules import privacy
from tests.fakes.fleets import backend, candidate, needs

HOME = candidate(backend("home"))
CLOUD = candidate(backend("cloud", zone=Zone.OPEN))
PASSED_ON = candidate(backend("home"), zone=Zone.OPEN)


def test_a_restricted_request_keeps_to_restricted_models_of_restricted_backends() -> None:
    asked = needs(zone=Zone.RESTRICTED)

    assert privacy.keep([HOME, CLOUD, PASSED_ON], asked, {}, Policy()) == [HOME]


def test_a_request_that_is_not_bound_may_go_anywhere() -> None:
    for asked in (needs(), needs(zone=Zone.OPEN)):
        assert list(privacy.keep([HOME, CLOUD], asked, {}, Policy())) == [HOME, CLOUD]
        assert privacy.rejection(CLOUD, asked, Load(), Policy()) is None


def test_the_rejection_names_zone_model_and_who_asks() -> None:
    asked = needs(zone=Zone.RESTRICTED, zone_by="policy 'llama*'")
    found = privacy.rejection(CLOUD, asked, Load(), Policy())

    assert found is not None
    assert found.detail == (
        "llama3:70b on cloud is in zone open, and this request is restricted (policy 'llama*')"
    )
    assert "local backend" in found.hint
