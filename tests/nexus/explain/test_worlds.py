import pytest

from nexus.domain.backend import BackendId, BackendStatus, Evidence, Zone
from nexus.domain.policy import Policy, Strategy
from nexus.explain.worlds import outcome, settled, wide, without
from tests.fakes.fleets import backend, fleet, model, needs

DOWN = BackendStatus.UNREACHABLE


def test_outages_end_and_what_a_person_decided_stays() -> None:
    told = Evidence(BackendStatus.UNHEALTHY, "errors", "wait", spare=True)
    ill = backend("a", status=BackendStatus.UNHEALTHY)
    here = settled(fleet(ill, backend("b", status=BackendStatus.DRAINING)))

    assert here.backends[BackendId("a")].is_routable
    assert not here.backends[BackendId("b")].is_routable
    assert told.spare


def test_who_is_down_is_still_known_and_who_is_gone_is_not() -> None:
    here = fleet(backend("home", model("m")), backend("cloud", model("m"), zone=Zone.OPEN))
    policy = wide(Policy())

    assert without(here, ()) is here
    assert outcome(needs("m"), without(here, (), ["home"]), policy).refusal is not None
    assert outcome(needs("m"), without(here, ["home"]), policy).names == ("cloud",)


@pytest.mark.parametrize(
    ("strategy", "firsts"),
    [
        (Strategy.SMART, ("a", "b", "c")),
        (Strategy.PRIORITY_ONLY, ("a", "b", "c")),
        (Strategy.LEAST_PENDING, ("a", "b", "c")),
        (Strategy.ROUND_ROBIN, ("a", "b", "c", "d")),
        (Strategy.RANDOM, ("a", "b", "c", "d")),
    ],
)
def test_everybody_who_may_come_first_is_found(strategy: Strategy, firsts: tuple[str, ...]) -> None:
    equals = [backend(name) for name in "abc"]
    found = outcome(needs(), fleet(*equals, backend("d", priority=99)), wide(Policy(strategy)))

    assert sorted(found.firsts) == list(firsts)
    assert sorted(found.names) == ["a", "b", "c", "d"]
