from nexus.domain.backend import Load
from nexus.domain.policy import Policy
from nexus.routing.rules import tier
from tests.fakes.fleets import backend, candidate, needs

LOW, MID, HIGH = (candidate(backend(f"t{n}", tier=n)) for n in (2, 3, 5))


def test_backends_of_the_least_tier_or_above_may_serve() -> None:
    assert tier.keep([LOW, MID, HIGH], needs(min_tier=3), {}, Policy()) == [MID, HIGH]
    assert tier.keep([LOW], needs(min_tier=3, flexible=True), {}, Policy()) == []


def test_without_a_least_tier_everybody_may() -> None:
    for least in (0, 1):
        assert list(tier.keep([LOW, HIGH], needs(min_tier=least), {}, Policy())) == [LOW, HIGH]


def test_the_rejection_says_both_tiers() -> None:
    found = tier.rejection(LOW, needs(min_tier=3, tier_by="policy 'm'"), Load(), Policy())

    assert found is not None
    assert found.detail == "llama3:70b on t2 is of tier 2, below minimum tier 3 (policy 'm')"
