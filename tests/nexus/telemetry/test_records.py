"""What is remembered of requests: enough to decide again, and no more than was agreed."""

import tracemalloc
from dataclasses import replace

from nexus.domain.backend import BackendId, BackendType, Load
from nexus.domain.decision import Decision, RouteReason
from nexus.domain.events import RequestFinished, RequestRefused
from nexus.domain.fleet import Fleet
from nexus.domain.policy import Policy
from nexus.routing.router import decide, explain
from nexus.telemetry.records import MOST_LOADS, Record, Records
from tests.fakes.fleets import MODEL, backend, fleet, large_fleet, model, needs

AT = 1_800_000_000.0


def keep(
    records: Records,
    id: str,
    seen: Fleet,
    loads: dict[BackendId, Load] | None = None,
    policy: Policy | None = None,
    name: str = MODEL,
) -> Record:
    """Decide and remember, as the carrier does."""
    wanted, policy, loads = needs(name), policy or Policy(), loads or {}
    answer = decide(wanted, seen, loads, policy, turn=3)
    return records.decided(id, wanted, seen, loads, policy, 3, answer)


def ended(id: str, status: int = 200, name: str = "gpu-01") -> RequestFinished:
    return RequestFinished(
        id,
        AT,
        MODEL,
        MODEL,
        BackendId(name),
        name,
        BackendType.VLLM,
        RouteReason.CAPABILITY_MATCH,
        "",
        False,
        status,
    )


def test_what_is_kept_of_a_decision_decides_the_same_again() -> None:
    policy = Policy(
        aliases={"gpt-4": "big", "big": MODEL}, fallbacks={MODEL: ("mistral", "absent")}
    )
    seen = fleet(
        backend("gpu-01", model(), model("other")),
        backend("gpu-02"),
        backend("c", model("mistral")),
    )
    loads = {BackendId("gpu-01"): Load(40, latency_ms=900.0), BackendId("gpu-02"): Load(2)}
    record = keep(Records(lambda: AT), "r", seen, loads, policy, "gpt-4")

    assert record.fleet is not None
    assert record.policy is not None
    assert record.needs is not None
    kept = dict(record.loads)
    assert decide(record.needs, record.fleet, kept, policy, turn=record.turn) == record.answer
    assert explain(record.needs, record.fleet, kept, policy, turn=3) == explain(
        record.needs, seen, loads, policy, turn=3
    )
    assert set(record.fleet.by_model) == {MODEL, "mistral"}


def test_a_load_is_kept_as_it_was_at_the_decision() -> None:
    loads = {BackendId("gpu-01"): Load(1)}
    record = keep(Records(lambda: AT), "r", fleet(backend()), loads)
    loads[BackendId("gpu-01")] = Load(99)

    assert dict(record.loads)[BackendId("gpu-01")].pending == 1


def test_requests_of_one_picture_share_what_they_looked_at_and_a_new_picture_is_seen() -> None:
    records = Records(lambda: AT)
    seen, policy = fleet(backend()), Policy()
    first = keep(records, "a", seen, policy=policy)
    second = keep(records, "b", seen, policy=policy)
    third = keep(records, "c", fleet(backend("gpu-09")), policy=policy)

    assert first.fleet is second.fleet
    assert third.fleet is not None
    assert set(third.fleet.backends) == {"gpu-09"}


def test_a_second_decision_is_kept_beside_the_first_and_decides_the_same_again() -> None:
    policy = Policy(aliases={MODEL: "other"}, fallbacks={MODEL: ("mistral",)})
    seen = fleet(backend(), backend("c", model("mistral")), backend("d", model("other")))
    records = Records(lambda: AT)
    first = keep(records, "r", seen, policy=policy)
    without = replace(seen, by_model={**seen.by_model, MODEL: ()})
    second = keep(records, "r", without, policy=policy)

    assert records.get("r") is first
    assert first.later is second
    assert isinstance(second.answer, Decision)
    assert (second.answer.model, len(records)) == ("mistral", 1)
    assert second.fleet is not None
    assert decide(needs(), second.fleet, {}, policy, turn=second.turn) == second.answer


def test_the_oldest_record_gives_way() -> None:
    records = Records(lambda: AT, kept=2)
    for id in ("a", "b", "c"):
        keep(records, id, fleet(backend()))
        records.ended(ended(id))
    records.ended(RequestRefused("d", AT, "", 400, "invalid_request", "not JSON"))

    assert [record.request_id for record in records] == ["c", "d"]
    assert records.get("a") is None


def test_a_request_that_outlives_the_ring_ends_with_its_decision() -> None:
    records = Records(lambda: AT, kept=1)
    kept = keep(records, "a", fleet(backend()))
    keep(records, "b", fleet(backend()))

    assert [record.request_id for record in records] == ["b"]
    assert records.get("a") is kept
    assert records.ended(ended("a")) is kept
    assert [record.request_id for record in records] == ["a"]
    assert (kept.status, kept.needs is None) == (200, False)


def test_the_end_of_an_unknown_request_is_remembered_by_itself() -> None:
    records = Records(lambda: AT, kept=1)
    told = records.ended(ended("a"))

    assert list(records) == [told]
    assert (told.request_id, told.status, told.needs) == ("a", 200, None)


def test_a_model_on_a_great_fleet_keeps_the_loads_of_its_plan() -> None:
    seen = large_fleet(500, 1, 500)
    loads = {id: Load(5) for id in seen.backends}
    busiest = list(loads)[-1]
    loads[busiest] = Load(0, latency_ms=1.0)
    record = keep(Records(lambda: AT), "r", seen, loads, name="model-0")

    assert isinstance(record.answer, Decision)
    assert len(record.loads) == MOST_LOADS
    assert {each.backend.id for each in record.answer.order} <= {id for id, _ in record.loads}


def test_records_of_pictures_that_change_all_the_time_stay_small() -> None:
    """A busy fleet has a new picture every second; none of them may be kept alive whole."""
    records = Records(lambda: AT, kept=50)
    tracemalloc.start()
    try:
        for number in range(100):
            keep(records, f"r{number}", large_fleet(50, 100, 3), name="model-7")
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size / len(records) < 20_000
