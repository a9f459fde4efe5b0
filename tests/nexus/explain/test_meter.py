"""Decisions are measured after the fact, and a sample stands for the whole."""

from itertools import count

from nexus.domain.backend import BackendStatus, Zone
from nexus.domain.policy import Policy
from nexus.explain.meter import SAMPLE, Meter
from nexus.routing.router import decide
from nexus.routing.rules import RULES
from nexus.telemetry.metrics import Metrics
from nexus.telemetry.records import Records
from tests.fakes.endings import finished, refused
from tests.fakes.fleets import MODEL, backend, fleet, model, needs

AT = 1_800_000_000.0
FLEET = fleet(
    backend("up"),
    backend("down", status=BackendStatus.UNREACHABLE),
    backend("away", status=BackendStatus.UNREACHABLE),
    backend("blind", model(vision=False)),
)


def measured(*ids: str, batch: int = 1, name: str = MODEL) -> Metrics:
    """The numbers after one batch of these requests, `batch` times each."""
    metrics, records, ticks = Metrics(), Records(lambda: AT), count()
    wanted = needs(name, vision=True)
    for each in ids:
        answer = decide(wanted, FLEET, {}, Policy())
        records.decided(each, wanted, FLEET, {}, Policy(), 0, answer)
    events = [finished(request_id=each) for each in ids for _ in range(batch)]
    Meter(records.get, metrics, lambda: next(ticks) / 1000).see([*events, refused(id="unknown")])
    return metrics


def test_a_decision_and_each_of_its_rules_take_time() -> None:
    metrics = measured("a")

    assert (metrics.decisions.count, metrics.decisions.sum) == (1, 0.001)
    assert len(metrics.rules) == len(RULES)
    assert all((each.count, round(each.sum, 6)) == (1, 0.001) for each in metrics.rules.values())


def test_a_candidate_counts_for_the_first_rule_that_says_no() -> None:
    """Of two requests, of which one is not known, one is measured and stands for both."""
    assert dict(measured("a").exclusions) == {"health": 4.0, "capability": 2.0}


def test_a_request_told_twice_is_measured_once() -> None:
    assert measured("a", batch=2).decisions.count == 1


def test_of_many_requests_a_few_stand_for_all() -> None:
    metrics = measured(*map(str, range(299)))

    assert metrics.decisions.count == SAMPLE
    assert metrics.exclusions["health"] == 2 * 300


def test_a_refused_request_is_measured_too() -> None:
    assert "absent" not in FLEET.by_model
    metrics = measured("a", name="absent")
    assert metrics.decisions.count == 1
    assert not metrics.exclusions


def test_what_a_policy_forbids_is_excluded_by_its_rule() -> None:
    metrics, records = Metrics(), Records(lambda: AT)
    away = fleet(backend("here"), backend("there", zone=Zone.OPEN))
    wanted = needs(zone=Zone.RESTRICTED)
    answer = decide(wanted, away, {}, Policy())
    records.decided("a", wanted, away, {}, Policy(), 0, answer)
    Meter(records.get, metrics).see([finished(request_id="a")])

    assert dict(metrics.exclusions) == {"privacy": 1.0}


def test_candidates_of_a_model_that_nobody_serves_count_with_those_of_its_fallback() -> None:
    metrics, records = Metrics(), Records(lambda: AT)
    here = fleet(
        backend("down", status=BackendStatus.UNREACHABLE),
        backend("up", model("small")),
    )
    policy = Policy(fallbacks={MODEL: ("small", "other")})
    answer = decide(needs(), here, {}, policy)
    records.decided("a", needs(), here, {}, policy, 0, answer)
    Meter(records.get, metrics).see([finished(request_id="a")])

    assert dict(metrics.exclusions) == {"health": 1.0}
